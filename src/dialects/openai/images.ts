/**
 * Images in the messages of a chat body. Their tokens have nothing to do with their bytes, so they
 * are counted, and the bytes of inline ones do not count as text.
 */
import { isObject } from "../json.ts";

export type ImageCount = {
  /** Inline and linked ones. */
  readonly images: number;
  /** Bytes of the body that inline ones take; never more than they do. */
  readonly inlineBytes: number;
};

/** `messages` as parsed. Only a part that every server reads as an image counts as one. */
export function countImages(messages: readonly unknown[]): ImageCount {
  let images = 0;
  let inlineBytes = 0;
  for (const message of messages) {
    const content = isObject(message) ? message["content"] : undefined;
    if (!Array.isArray(content)) continue;
    for (const part of content) {
      const url = imageUrl(part);
      if (url === undefined) continue;
      images++;
      // A UTF-16 unit takes at least one byte of JSON, so text is never mistaken for less.
      if (url.startsWith("data:image/")) inlineBytes += url.length;
    }
  }
  return { images, inlineBytes };
}

/** `{"type":"image_url","image_url":{"url":…}}`; Mistral also takes the bare string (2026-11). */
function imageUrl(part: unknown): string | undefined {
  if (!isObject(part) || part["type"] !== "image_url") return undefined;
  const image = part["image_url"];
  const url = isObject(image) ? image["url"] : image;
  return typeof url === "string" ? url : undefined;
}
