/**
 * What a response can use beside plain text and has a price of its own. It decides how much is held for
 * the request, so whatever is not known is taken for the dearest that it can be.
 */
import { keptForAnHour } from "../../cache-ttl.ts";
import type { Modality } from "../../contract.ts";
import type { TokenKindApart } from "../../usage-contract.ts";
import { listOf } from "../../json-body.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { boundOf, type Extras, toolName, TOOLS_MAX, withoutAll } from "../extras.ts";

/** Tools that the client runs itself: the provider asks no fee for them (OpenAI's tool guides, 2026-11). */
const CLIENT_TOOLS = new Set<unknown>([
  "function",
  "custom",
  "computer_use_preview",
  "computer",
  "local_shell",
  "apply_patch",
  "namespace",
]);

export function isRunByProvider(tool: unknown): tool is JsonObject {
  return isObject(tool) && typeof tool["type"] === "string" && !CLIENT_TOOLS.has(tool["type"]);
}

export function responseExtras(
  bytes: Uint8Array,
  body: JsonObject,
  input: { readonly modalities: readonly Modality[]; readonly hasUnsized: boolean },
): Extras {
  const has = new Set<TokenKindApart>(keptForAnHour(bytes) ? ["cache_write_1h"] : []);
  const isAny = input.hasUnsized || input.modalities.includes("file");
  if (isAny || input.modalities.includes("image")) has.add("image_input");
  if (isAny || input.modalities.includes("audio")) has.add("audio_input");
  // What a model makes that is not told, only its provider knows.
  const { modalities } = body;
  const isTold = Array.isArray(modalities) && modalities.length > 0;
  if (!isTold || modalities.includes("audio")) has.add("audio_output");
  const tools = listOf(body["tools"]).filter(isRunByProvider);
  if (!isTold || tools.length > 0 || modalities.some((one) => one !== "text" && one !== "audio")) {
    has.add("image_output");
  }
  const calls = boundOf(body["max_tool_calls"]);
  // Each once: a tool that is offered many times leaves room for the others.
  const names = [...new Set(tools.map(({ type }) => toolName(type)))].slice(0, TOOLS_MAX);
  const toolCallsMax = Object.fromEntries(names.map((name) => [name, calls]));
  return { without: withoutAll(has), toolCallsMax };
}
