/**
 * What a body can use that has a price of its own: pictures, cache kept for an hour, the provider's own
 * tools. It decides how much is held, so what is not known is taken for the dearest that it can be.
 */
import { keptForAnHour } from "../cache-ttl.ts";
import type { ClientRequest } from "../contract.ts";
import type { TokenKindApart } from "../usage-contract.ts";
import { listOf } from "../json-body.ts";
import { isObject, type JsonObject } from "../json.ts";
import { paidToolName } from "./server-tools.ts";

/** Where the client sets no bound; server-side loops end after about as many calls. */
const TOOL_CALLS_UNKNOWN = 10;
const TOOL_CALLS_MAX = 10_000;
const TOOLS_MAX = 32;

/** Claude hears nothing, and makes neither sound nor pictures (models overview, 2026-11). */
const NEVER: readonly TokenKindApart[] = ["audio_input", "audio_output", "image_output"];

export function extrasOf(
  bytes: Uint8Array,
  body: JsonObject,
  mayHoldImages: boolean,
): Pick<ClientRequest, "without" | "toolCallsMax"> {
  const without: TokenKindApart[] = [...NEVER];
  if (!mayHoldImages) without.push("image_input");
  if (!keptForAnHour(bytes)) without.push("cache_write_1h");
  return { without, toolCallsMax: toolCallsMax(listOf(body["tools"])) };
}

function toolCallsMax(tools: readonly unknown[]): Record<string, number> {
  const calls = new Map<string, number>();
  for (const tool of tools) {
    const name = paidToolName(tool);
    if (name === null) continue;
    const most = isObject(tool) ? boundOf(tool["max_uses"]) : TOOL_CALLS_UNKNOWN;
    calls.set(name, (calls.get(name) ?? 0) + most);
  }
  return Object.fromEntries([...calls].slice(0, TOOLS_MAX));
}

function boundOf(calls: unknown): number {
  const isBound = typeof calls === "number" && Number.isInteger(calls) && calls >= 0;
  return isBound ? Math.min(calls, TOOL_CALLS_MAX) : TOOL_CALLS_UNKNOWN;
}
