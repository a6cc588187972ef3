/** How long a body asks the provider to keep what it reads in a cache, which may have a price of its own. */
import { isObject } from "./json.ts";

/** Anthropic's `"cache_control":{"ttl":"1h"}`, wherever it stands; the letters may be escaped. */
const TTL_SPELLINGS = ['"ttl"', "\\u0074", "\\u006c", "\\u006C"] as const;

/** Whether it may ask for an hour. */
export function keptForAnHour(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return TTL_SPELLINGS.some((spelling) => view.includes(spelling));
}

const KEEPERS: ReadonlySet<string> = new Set([
  "cache_control",
  "prompt_cache_breakpoint",
  "prompt_cache_options",
]);

/** Times that have a price here: Anthropic's two, and the one that OpenAI keeps everything for. */
const PRICED: ReadonlySet<unknown> = new Set([undefined, null, "5m", "1h", "30m"]);

/** Whether it asks for a time that no price is for, as OpenAI's `12h` (openai-node 7.55, 2026-11). */
export function keptForLonger(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(keptForLonger);
  if (!isObject(value)) return false;
  return Object.entries(value).some(([name, inner]) =>
    KEEPERS.has(name) && isObject(inner) && !PRICED.has(inner["ttl"]) ? true : keptForLonger(inner),
  );
}
