/**
 * What the contents of a request hold beside text. Pictures have tokens that have nothing to do with their
 * bytes, so they are counted and their bytes are not; of files that are only named, of documents and of
 * films the body does not show the size at all.
 */
import type { Modality } from "../contract.ts";
import type { TokenKindApart } from "../usage-contract.ts";
import { isObject, type JsonObject } from "../json.ts";
import {
  FILE_DATA,
  FUNCTION_RESPONSE,
  INLINE_DATA,
  MIME_TYPE,
  objectsOf,
  valueOf,
} from "./members.ts";

/** Gathered over all contents of one request. */
export type Held = {
  images: number;
  /** Bytes of the body that inline pictures take; never more than they do. */
  inlineBytes: number;
  hasUnsized: boolean;
  readonly modalities: Set<Modality>;
  /** Kinds of input tokens that have a price of their own. */
  readonly kinds: Set<TokenKindApart>;
};

/** Parts whose tokens are no more than their bytes, and what says something about another part. */
const TEXT_MEMBERS: ReadonlySet<string> = new Set([
  "text",
  "thought",
  "thoughtSignature",
  "thought_signature",
  "functionCall",
  "function_call",
  "executableCode",
  "executable_code",
  "codeExecutionResult",
  "code_execution_result",
  "videoMetadata",
  "video_metadata",
  "mediaResolution",
  "media_resolution",
  "partMetadata",
  "part_metadata",
]);
const DATA_MEMBERS: ReadonlySet<string> = new Set([
  ...INLINE_DATA,
  ...FILE_DATA,
  ...FUNCTION_RESPONSE,
]);

export function nothingHeld(): Held {
  return {
    images: 0,
    inlineBytes: 0,
    hasUnsized: false,
    modalities: new Set(),
    kinds: new Set(),
  };
}

/** `contents`: one content or a list of them, as parsed. */
export function addContents(contents: unknown, held: Held): void {
  for (const { parts } of objectsOf(contents)) addParts(parts, held);
}

/** Bodies were checked for depth when they were parsed, so this cannot run out of stack. */
function addParts(parts: unknown, held: Held): void {
  for (const part of objectsOf(parts)) {
    const names = Object.keys(part);
    if (names.some((name) => TEXT_MEMBERS.has(name))) held.modalities.add("text");
    if (names.some((name) => !TEXT_MEMBERS.has(name) && !DATA_MEMBERS.has(name))) {
      addUnsized("", held);
    }
    const inline = valueOf(part, INLINE_DATA);
    if (isObject(inline)) addInline(inline, held);
    const file = valueOf(part, FILE_DATA);
    if (isObject(file)) addUnsized(typeOf(file), held);
    const response = valueOf(part, FUNCTION_RESPONSE);
    if (isObject(response)) {
      held.modalities.add("text");
      addParts(response["parts"], held);
    }
  }
}

function addInline(blob: JsonObject, held: Held): void {
  const type = typeOf(blob);
  const { data } = blob;
  if (type.startsWith("image/")) {
    held.images += 1;
    held.modalities.add("image");
    held.kinds.add("image_input");
    // A UTF-16 unit takes at least one byte of JSON, so text is never mistaken for less.
    if (typeof data === "string") held.inlineBytes += data.length;
  } else if (type.startsWith("audio/")) {
    // 32 tokens a second, which as base64 of any sound are far more bytes (ai.google.dev, 2026-11).
    held.modalities.add("audio");
    held.kinds.add("audio_input");
  } else if (type.startsWith("text/")) {
    held.modalities.add("text");
  } else {
    addUnsized(type, held);
  }
}

/** What a file holds only its provider knows: its type is the client's word. */
function addUnsized(type: string, held: Held): void {
  held.hasUnsized = true;
  held.kinds.add("image_input").add("audio_input");
  if (type.startsWith("image/")) held.modalities.add("image");
  else if (type.startsWith("audio/")) held.modalities.add("audio");
  else held.modalities.add("file");
}

function typeOf(blob: JsonObject): string {
  const type = valueOf(blob, MIME_TYPE);
  return typeof type === "string" ? type.toLowerCase() : "";
}
