/**
 * What a body holds beside text. The tokens of images have nothing to do with their bytes, so they are
 * counted, and the bytes of inline ones do not count as text. Of everything that only the provider can
 * measure (files by id, links, PDFs, what its own tools find, a thread that it keeps) the body does not
 * show the size at all.
 */
import type { Modality } from "../contract.ts";
import { listOf } from "../json-body.ts";
import { isObject, type JsonObject } from "../json.ts";
import { bringsInput } from "./server-tools.ts";

export type Content = {
  /** Inline and linked ones. */
  readonly images: number;
  /** Bytes of the body that inline ones take; never more than they do. */
  readonly inlineBytes: number;
  readonly hasUnsized: boolean;
  readonly modalities: readonly Modality[];
};

/** Nearly every request: one value for all of them. */
const TEXT_ONLY: readonly Modality[] = ["text"];

/** Blocks whose tokens are no more than their bytes (content blocks of @anthropic-ai/sdk 1.11, 2026-11). */
const SIZED_BLOCKS = new Set<unknown>([
  undefined,
  "text",
  "thinking",
  "redacted_thinking",
  "search_result",
  "tool_reference",
  "compaction",
  "fallback",
]);

export function readContent(body: JsonObject): Content {
  const found: Found = { images: 0, inlineBytes: 0, hasUnsized: false, kinds: null };
  for (const message of listOf(body["messages"])) {
    if (isObject(message)) addBlocks(message["content"], found);
  }
  addBlocks(body["system"], found);
  const brings =
    listOf(body["tools"]).some(bringsInput) ||
    listOf(body["mcp_servers"]).length > 0 ||
    isObject(body["thread"]) ||
    isCompacted(body["context_management"]);
  const { images, inlineBytes, hasUnsized, kinds } = found;
  const modalities = kinds === null ? TEXT_ONLY : [...kinds];
  return { images, inlineBytes, hasUnsized: hasUnsized || brings, modalities };
}

/** What the provider makes shorter itself it has read before, in a round that is billed beside. */
function isCompacted(management: unknown): boolean {
  const edits = listOf(isObject(management) ? management["edits"] : null);
  return edits.some((edit) => isObject(edit) && String(edit["type"]).startsWith("compact_"));
}

type Found = {
  images: number;
  inlineBytes: number;
  hasUnsized: boolean;
  /** null: nothing but text so far. */
  kinds: Set<Modality> | null;
};

/** A text, or a list of blocks; results of tools hold lists of their own. */
function addBlocks(content: unknown, found: Found): void {
  if (!Array.isArray(content)) return;
  for (const block of content) {
    if (!isObject(block)) continue;
    const type = block["type"];
    if (type === "image") addImage(block["source"], found);
    else if (type === "document") addDocument(block["source"], found);
    else if (type === "tool_result" || type === "mcp_tool_result") {
      addBlocks(block["content"], found);
    } else if (!isSized(type)) addUnsized("file", found);
  }
}

function isSized(type: unknown): boolean {
  if (SIZED_BLOCKS.has(type)) return true;
  return typeof type === "string" && /_tool_(?:use|result|listing)$|^tool_use$/.test(type);
}

/** `{"type":"base64","data":…}`, a link, or a file by its id: each is an image. */
function addImage(source: unknown, found: Found): void {
  found.images += 1;
  kindsOf(found).add("image");
  const data = isObject(source) && source["type"] === "base64" ? source["data"] : null;
  // A UTF-16 unit takes at least one byte of JSON, so text is never mistaken for less.
  if (typeof data === "string") found.inlineBytes += data.length;
}

/** A PDF's pages are text and pictures, and compressed: its bytes bound nothing. */
function addDocument(source: unknown, found: Found): void {
  const type = isObject(source) ? source["type"] : null;
  if (type === "text") return;
  if (isObject(source) && type === "content") addBlocks(source["content"], found);
  else addUnsized("file", found);
}

function addUnsized(kind: Modality, found: Found): void {
  found.hasUnsized = true;
  kindsOf(found).add(kind);
}

/** There is text beside: a system prompt or a question. */
function kindsOf(found: Found): Set<Modality> {
  found.kinds ??= new Set<Modality>(["text"]);
  return found.kinds;
}
