/** What one parsed event of a stream says of content. Pure reading. */
import { isObject, type JsonObject } from "../json.ts";

/** Blocks that begin empty and are filled by deltas; every other one says something by being there. */
const EMPTY_AT_START = new Set<unknown>(["text", "thinking"]);

/**
 * Text, thinking, a tool call, a result or why the message ended; neither a ping nor a block or delta
 * that is still empty.
 */
export function hasContent(type: string, event: JsonObject): boolean {
  switch (type) {
    case "content_block_start": {
      const block = event["content_block"];
      return isObject(block) && (!EMPTY_AT_START.has(block["type"]) || isFilled(block));
    }
    case "content_block_delta":
      return isObject(event["delta"]) && isFilled(event["delta"]);
    case "message_delta":
      return isObject(event["delta"]) && typeof event["delta"]["stop_reason"] === "string";
    default:
      return false;
  }
}

/** Something beside its type is not empty. */
function isFilled(part: JsonObject): boolean {
  return Object.entries(part).some(
    ([name, value]) => name !== "type" && value !== "" && value !== null && !isEmptyList(value),
  );
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
