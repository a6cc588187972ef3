/**
 * Ends a stream in its provider's place when its cost has reached its hold, so that the client sees what
 * it knows from `max_tokens`: every block that has begun ends, the message stops for its length with its
 * usage, and the terminator. A comment in front says that it was us.
 */
import type { Usage } from "../usage-contract.ts";
import { HOLD_REACHED_COMMENT } from "../hold-reached.ts";

/** `unfinished`: indexes of the blocks that have begun and not ended. */
export function lengthEnding(unfinished: Iterable<number>, usage: Usage): Uint8Array {
  const stops = [...unfinished].map((index) => ({ type: "content_block_stop", index }));
  const delta = { stop_reason: "max_tokens", stop_sequence: null };
  const events = [
    ...stops,
    { type: "message_delta", delta, usage: usageMembers(usage) },
    { type: "message_stop" },
  ];
  const written = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  return new TextEncoder().encode(`${HOLD_REACHED_COMMENT}${written.join("")}`);
}

/** As Anthropic counts: what was read from the cache or written to it is no part of `input_tokens`. */
function usageMembers({ inputTokens, cachedInputTokens, outputTokens, details }: Usage) {
  const written = (details?.cacheWriteTokens ?? 0) + (details?.cacheWrite1hTokens ?? 0);
  return {
    input_tokens: inputTokens - cachedInputTokens - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cachedInputTokens,
    output_tokens: outputTokens,
  };
}
