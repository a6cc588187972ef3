/** Embeddings: one plain answer, paid by its input. */
import type { Codec } from "../contract.ts";
import { acceptEmbeddings } from "./accept.ts";
import { PLAIN_CODEC } from "./plain-codec.ts";

export const embeddingsCodec: Codec = {
  ...PLAIN_CODEC,
  surface: "embeddings",
  path: () => "/embeddings",
  accept: acceptEmbeddings,
};
