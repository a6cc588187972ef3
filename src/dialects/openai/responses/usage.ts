/** Tokens out of the `usage` of a response, with the calls of the provider's own tools that its items show. */
import type { Usage } from "../../usage-contract.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { Counts } from "../../usage-counts.ts";

/** null when the object reports no usage. Details that are missing are 0. `answers`: of how many it tells. */
export function readResponseUsage(
  usage: unknown,
  calls: Readonly<Record<string, number>>,
  answers = 1,
): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts(answers);
  const input = counts.reported(usage["input_tokens"]);
  const output = counts.reported(usage["output_tokens"]);
  if (input === null || output === null) return null;
  const ofInput = objectIn(usage, "input_tokens_details");
  const ofOutput = objectIn(usage, "output_tokens_details");
  // xAI counts what its own tools did (2026-11); where both tell, they tell of the same calls.
  const told = counts.toolCalls(usage["server_side_tool_usage_details"], "_calls");
  return counts.usage({
    inputTokens: input,
    outputTokens: output,
    cachedInputTokens: counts.of(ofInput["cached_tokens"]),
    cacheWriteTokens: counts.of(ofInput["cache_write_tokens"]),
    reasoningTokens: counts.of(ofOutput["reasoning_tokens"]),
    audioInputTokens: counts.of(ofInput["audio_tokens"]),
    imageInputTokens: counts.of(ofInput["image_tokens"]),
    audioOutputTokens: counts.of(ofOutput["audio_tokens"]),
    imageOutputTokens: counts.of(ofOutput["image_tokens"]),
    toolCalls: { ...calls, ...told },
  });
}

function objectIn(holder: JsonObject, member: string): JsonObject {
  const value = holder[member];
  return isObject(value) ? value : {};
}

/** Items that show one call of a tool that is paid per call, and the tool as prices name it. */
const TOOLS: Readonly<Record<string, string>> = {
  web_search_call: "web_search",
  file_search_call: "file_search",
  image_generation_call: "image_generation",
};

/**
 * Counts calls by tool, item by item. Of searches only those that search are paid, not pages that are
 * opened; of the code interpreter each container is, however often it is used (OpenAI's prices, 2026-11).
 */
export class ToolTally {
  readonly #calls = new Map<string, number>();
  readonly #containers = new Set<unknown>();

  add(item: JsonObject): void {
    const { type, action } = item;
    if (typeof type !== "string") return;
    if (type === "code_interpreter_call") {
      const container = item["container_id"] ?? item["id"];
      if (this.#containers.has(container)) return;
      this.#containers.add(container);
      this.#count("code_interpreter");
      return;
    }
    const tool = Object.hasOwn(TOOLS, type) ? TOOLS[type] : undefined;
    const isFreeAction = isObject(action) && (action["type"] ?? "search") !== "search";
    if (tool !== undefined && !isFreeAction) this.#count(tool);
  }

  #count(tool: string): void {
    this.#calls.set(tool, (this.#calls.get(tool) ?? 0) + 1);
  }

  calls(): Record<string, number> {
    return Object.fromEntries(this.#calls);
  }
}
