/** Kinds of input, by the type of a message's part. What nobody knows is a file: no model of text reads it. */
import type { Modality } from "../contract.ts";
import { isObject } from "../json.ts";

const KINDS: Readonly<Record<string, Modality>> = {
  text: "text",
  input_text: "text",
  output_text: "text",
  refusal: "text",
  thinking: "text",
  tool_result: "text",
  image_url: "image",
  input_image: "image",
  image: "image",
  input_audio: "audio",
  audio: "audio",
  audio_url: "audio",
};

/** Nearly every request: one value for all of them. */
export const TEXT_ONLY: readonly Modality[] = ["text"];

export function partModality(part: unknown): Modality {
  const type = isObject(part) ? (part["type"] ?? "text") : "text";
  return (typeof type === "string" && Object.hasOwn(KINDS, type) && KINDS[type]) || "file";
}

/** The input of embeddings: text, tokens and lists of them, else parts as in messages. */
export function inputModalities(input: unknown): readonly Modality[] {
  if (typeof input === "string" || !Array.isArray(input) || !input.some(isObject)) return TEXT_ONLY;
  return [...new Set(input.map(partModality))];
}
