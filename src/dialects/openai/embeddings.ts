/** Embeddings: one plain answer, paid by its input. */
import type { Codec } from "../contract.ts";
import { acceptEmbeddings } from "./accept.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

export const embeddingsCodec: Codec = {
  surface: "embeddings",
  path: () => "/embeddings",
  accept: acceptEmbeddings,
  isDeterministic: () => true,
  request: upstreamBytes,
  watch: watchStream,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
};
