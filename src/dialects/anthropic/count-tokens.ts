/** How many tokens a request would have: one plain answer, free of charge. */
import type { Codec } from "../contract.ts";
import { acceptCount } from "./accept.ts";
import { answerFailure, answerOutput, countUsage } from "./answer.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

export const countTokensCodec: Codec = {
  surface: "count_tokens",
  path: () => "/messages/count_tokens",
  accept: acceptCount,
  isDeterministic: () => true,
  request: upstreamBytes,
  watch: watchStream,
  watchContinuable: () => null,
  continued: () => null,
  usage: countUsage,
  failureIn: answerFailure,
  output: answerOutput,
};
