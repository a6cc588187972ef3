/** Embeddings of one content or a batch, and the counting of tokens: plain answers that generate nothing. */
import type { ClientRequest, Codec } from "../contract.ts";
import { acceptCount, acceptEmbedding } from "./accept.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { watchEvents } from "./event-stream.ts";
import { methodPath } from "./model-name.ts";
import { upstreamBytes } from "./request.ts";

const PLAIN = {
  isDeterministic: () => true,
  request: upstreamBytes,
  watch: watchEvents,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
} as const;

export const embedContentCodec: Codec = {
  ...PLAIN,
  surface: "embed_content",
  path: (_: ClientRequest, model) => methodPath(model, "embedContent"),
  accept: (bytes, place) => acceptEmbedding("embed_content", bytes, place),
};

export const batchEmbedContentsCodec: Codec = {
  ...PLAIN,
  surface: "batch_embed_contents",
  path: (_: ClientRequest, model) => methodPath(model, "batchEmbedContents"),
  accept: (bytes, place) => acceptEmbedding("batch_embed_contents", bytes, place),
};

export const countContentTokensCodec: Codec = {
  ...PLAIN,
  surface: "count_content_tokens",
  path: (_: ClientRequest, model) => methodPath(model, "countTokens"),
  accept: (bytes, place) => acceptCount("count_content_tokens", bytes, place),
};
