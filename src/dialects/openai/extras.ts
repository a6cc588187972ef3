/**
 * What a body can use beside plain text and has a price of its own: sound, pictures, cache kept for an
 * hour, the provider's own tools. It decides how much is held for the request, so whatever is not
 * known is taken for the dearest that it can be.
 */
import { keptForAnHour } from "../cache-ttl.ts";
import type { TokenKindApart } from "../usage-contract.ts";
import { isObject, type JsonObject } from "../json.ts";

/** What a request surely does without, and the most that it calls of the provider's own tools. */
export type Extras = {
  readonly without: readonly TokenKindApart[];
  readonly toolCallsMax: Readonly<Record<string, number>>;
};

/** Where the client sets no bound; server-side loops end after about as many calls. */
const TOOL_CALLS_UNKNOWN = 10;
const TOOL_CALLS_MAX = 10_000;
export const TOOLS_MAX = 32;
/** Sources that xAI's live search reads when it is not told how many (2026-11). */
const LIVE_SEARCH_SOURCES = 20;

export function chatExtras(bytes: Uint8Array, body: JsonObject): Extras {
  const has = cacheKinds(bytes);
  for (const message of listOf(body["messages"])) addInput(message, has);
  addOutput(body, has);
  return { without: withoutAll(has), toolCallsMax: toolCalls(body) };
}

/** Text, tokens and lists of them are text; anything else may be a picture or sound. */
export function embeddingExtras(bytes: Uint8Array, body: JsonObject): Extras {
  const has = cacheKinds(bytes);
  if (![body["input"]].flat(2).every((item) => typeof item === "string" || isNumber(item))) {
    has.add("audio_input").add("image_input");
  }
  return { without: withoutAll(has), toolCallsMax: {} };
}

/** What of a cache has a price of its own. */
export function cacheKinds(bytes: Uint8Array): Set<TokenKindApart> {
  return new Set(keptForAnHour(bytes) ? ["cache_write_1h"] : []);
}

const KINDS = [
  "audio_input",
  "image_input",
  "audio_output",
  "image_output",
  "cache_write_1h",
] as const satisfies readonly TokenKindApart[];

export function withoutAll(has: ReadonlySet<TokenKindApart>): readonly TokenKindApart[] {
  return KINDS.filter((kind) => !has.has(kind));
}

const TEXT_PARTS = new Set<unknown>(["text", "input_text", "output_text", "refusal", "thinking"]);
const IMAGE_PARTS = new Set<unknown>(["image_url", "input_image", "image"]);

function addInput(message: unknown, has: Set<TokenKindApart>): void {
  if (!isObject(message)) return;
  // An earlier answer that was sound, by its id.
  if (isObject(message["audio"])) has.add("audio_input");
  const content = message["content"] ?? "";
  if (typeof content === "string") return;
  for (const part of Array.isArray(content) ? content : [content]) {
    const type = isObject(part) ? part["type"] : typeof part === "string" ? "text" : undefined;
    if (TEXT_PARTS.has(type)) continue;
    has.add("image_input");
    // Files and videos hold sound, too.
    if (!IMAGE_PARTS.has(type)) has.add("audio_input");
  }
}

/** What a model makes that is not told, only its provider knows. */
function addOutput(body: JsonObject, has: Set<TokenKindApart>): void {
  const { modalities } = body;
  const isTold = Array.isArray(modalities) && modalities.length > 0;
  if (!isTold || modalities.includes("audio")) has.add("audio_output");
  if (!isTold || !modalities.every((one) => one === "text" || one === "audio")) {
    has.add("image_output");
  }
  if (listOf(body["tools"]).some(isServerTool)) has.add("image_output");
}

function toolCalls(body: JsonObject): Record<string, number> {
  const calls = new Map<string, number>();
  for (const tool of listOf(body["tools"])) {
    if (isServerTool(tool)) calls.set(toolName(tool["type"]), boundOf(tool["max_uses"]));
  }
  for (const plugin of listOf(body["plugins"])) {
    if (isObject(plugin)) calls.set(toolName(plugin["id"]), TOOL_CALLS_UNKNOWN);
  }
  const isOnline = String(body["model"]).endsWith(":online");
  if (isOnline || isObject(body["web_search_options"])) calls.set("web_search", TOOL_CALLS_UNKNOWN);
  const search = body["search_parameters"];
  if (isObject(search) && search["mode"] !== "off") {
    const sources = search["max_search_results"] ?? LIVE_SEARCH_SOURCES;
    calls.set("live_search_source", boundOf(sources));
  }
  return Object.fromEntries([...calls].slice(0, TOOLS_MAX));
}

/** A tool that the provider runs itself; the client's own are functions and custom tools. */
function isServerTool(tool: unknown): tool is JsonObject {
  if (!isObject(tool)) return false;
  const { type } = tool;
  return typeof type === "string" && type !== "function" && type !== "custom";
}

/** As usage names it: `web_search_20250305`, `openrouter:web_search` and `web` are one tool. */
export function toolName(type: unknown): string {
  const name = String(type)
    .replace(/^.*:/, "")
    .replace(/_(preview|\d).*$/, "");
  return name === "web" ? "web_search" : name;
}

export function boundOf(calls: unknown): number {
  const isBound = isNumber(calls) && Number.isInteger(calls) && calls >= 0;
  return isBound ? Math.min(calls, TOOL_CALLS_MAX) : TOOL_CALLS_UNKNOWN;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
