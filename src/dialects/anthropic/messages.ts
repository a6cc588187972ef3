/** Messages: plain answers and streams. */
import type { Codec } from "../contract.ts";
import { acceptMessages } from "./accept.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { containerMade } from "./container.ts";
import { isDeterministicMessage } from "./deterministic.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

export const messagesCodec: Codec = {
  surface: "messages",
  path: () => "/messages",
  accept: acceptMessages,
  isDeterministic: isDeterministicMessage,
  request: upstreamBytes,
  watch: watchStream,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
  made: containerMade,
};
