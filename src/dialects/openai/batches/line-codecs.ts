/** What a line of a batch may ask for: the surfaces of this language whose bodies and answers are JSON. */
import type { Codec } from "../../contract.ts";
import { specOf, type Surface } from "../../surfaces.ts";
import { chatCodec } from "../chat.ts";
import { completionsCodec } from "../completions.ts";
import { embeddingsCodec } from "../embeddings.ts";
import { imageGenerationsCodec } from "../image-generations.ts";
import { moderationsCodec } from "../moderations.ts";
import { responsesCodec } from "../responses/codec.ts";

const LINE_CODECS: readonly Codec[] = [
  chatCodec,
  completionsCodec,
  embeddingsCodec,
  imageGenerationsCodec,
  moderationsCodec,
  responsesCodec,
];

const VERSION = "/v1";

export const LINE_URLS: readonly string[] = LINE_CODECS.map(({ surface }) => lineUrlOf(surface));

/** As lines and batches name a surface. */
export function lineUrlOf(surface: Surface): string {
  return specOf(surface).paths[0] ?? "";
}

/**
 * null: no line may ask for it. Azure's guide has the version in lines and leaves it out of a batch's
 * `endpoint` (batch-rest.md of MicrosoftDocs/azure-ai-docs, 2026-08); either may do either.
 */
export function lineCodecAt(url: string): Codec | null {
  const path = url.startsWith(`${VERSION}/`) ? url : VERSION + url;
  return LINE_CODECS.find(({ surface }) => lineUrlOf(surface) === path) ?? null;
}

/** null likewise. */
export function lineCodecOf(surface: Surface): Codec | null {
  return LINE_CODECS.find((codec) => codec.surface === surface) ?? null;
}
