/**
 * What the messages of a chat body hold beside text. The tokens of images have nothing to do with
 * their bytes, so they are counted, and the bytes of inline ones do not count as text. Of everything
 * else (files by id, documents, links to sound and video) the body does not show the size at all.
 */
import type { NamedObject } from "../../base/object-kind.ts";
import type { Modality } from "../contract.ts";
import { isObject } from "../json.ts";
import { partModality, TEXT_ONLY } from "./modalities.ts";

export type NotText = {
  /** Inline and linked ones. */
  readonly images: number;
  /** Bytes of the body that inline ones take; never more than they do. */
  readonly inlineBytes: number;
  /** There is something whose size only the provider knows. */
  readonly hasUnsized: boolean;
  /** Kinds of input among the messages. */
  readonly modalities: readonly Modality[];
  /** Files that a provider keeps, by their ids; null: it names none. */
  readonly files: readonly NamedObject[] | null;
};

/** Parts whose tokens are no more than their bytes: sound in base64 has far fewer. */
const SIZED_PARTS = new Set<unknown>([
  "text",
  "input_text",
  "output_text",
  "thinking",
  "refusal",
  "input_audio",
  "tool_result",
  undefined,
]);

/** `messages` as parsed. Only a part that every server reads as an image counts as one. */
export function countNotText(messages: readonly unknown[]): NotText {
  let images = 0;
  let inlineBytes = 0;
  let hasUnsized = false;
  let hasText = false;
  let kinds: Set<Modality> | null = null;
  let files: NamedObject[] | null = null;
  for (const [place, message] of messages.entries()) {
    if (!isObject(message)) continue;
    const { content, audio } = message;
    // An earlier answer that was sound, by its id.
    if (isObject(audio)) kinds = (kinds ?? new Set<Modality>()).add("audio");
    if (typeof content === "string") hasText ||= content !== "";
    if (!Array.isArray(content) && !isObject(content)) continue;
    kinds ??= new Set();
    // Some servers take one part that stands alone for a list.
    for (const part of Array.isArray(content) ? content : [content]) {
      kinds.add(partModality(part));
      const url = imageUrl(part);
      if (url === undefined) {
        hasUnsized ||= isObject(part) && !SIZED_PARTS.has(part["type"]);
        for (const id of fileIds(part)) {
          (files ??= []).push({ kind: "file", id, param: `messages[${place}]` });
        }
        continue;
      }
      images++;
      // A UTF-16 unit takes at least one byte of JSON, so text is never mistaken for less.
      if (url.startsWith("data:image/")) inlineBytes += url.length;
    }
  }
  if (hasText) kinds?.add("text");
  const modalities = kinds === null ? TEXT_ONLY : [...kinds];
  return { images, inlineBytes, hasUnsized, modalities, files };
}

/**
 * `{"type":"file","file":{"file_id":…}}` of OpenAI, `{"type":"file","file_id":…}` of Mistral (2026-11); a file
 * may be within the body as well.
 */
function fileIds(part: unknown): readonly string[] {
  if (!isObject(part)) return [];
  const { file, file_id: own } = part;
  const within = isObject(file) ? file["file_id"] : null;
  return [own, within].filter((id) => typeof id === "string");
}

/** `{"type":"image_url","image_url":{"url":…}}`; Mistral also takes the bare string (2026-11). */
function imageUrl(part: unknown): string | undefined {
  if (!isObject(part) || part["type"] !== "image_url") return undefined;
  const image = part["image_url"];
  const url = isObject(image) ? image["url"] : image;
  return typeof url === "string" ? url : undefined;
}
