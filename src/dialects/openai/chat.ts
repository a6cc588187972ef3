/** Chat completions, the surface that most providers and local servers share. */
import type { Codec } from "../contract.ts";
import { acceptChat } from "./accept.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { continuedRequest, isContinuable } from "./continued-request.ts";
import { ContinuedStream } from "./continued-stream.ts";
import { isDeterministicChat } from "./deterministic.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

export const chatCodec: Codec = {
  surface: "chat",
  path: () => "/chat/completions",
  accept: acceptChat,
  isDeterministic: isDeterministicChat,
  request: upstreamBytes,
  watch: watchStream,
  watchContinuable: (request, manner) =>
    isContinuable(request) ? new ContinuedStream(request, manner) : null,
  continued: continuedRequest,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
};
