/** What surfaces share that generate nothing: one JSON body for an answer, and the model's name as the only change. */
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { bytesWithModel } from "./request.ts";
import { watchStream } from "./stream.ts";

export const PLAIN_CODEC = {
  isDeterministic: () => true,
  request: bytesWithModel,
  // Asked for by no request of theirs.
  watch: watchStream,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
} as const;
