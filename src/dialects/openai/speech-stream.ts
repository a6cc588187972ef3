/**
 * Watches speech that comes as events: `speech.audio.delta` with sound in base64, and `speech.audio.done`,
 * which ends it and has the usage (API reference, 2026-11). Every event is forwarded as it came.
 */
import { NOTHING_SEEN } from "../bytes-watch.ts";
import type { StreamWatch } from "../contract.ts";
import type { Usage } from "../usage-contract.ts";
import { isObject } from "../json.ts";
import { Counts } from "../usage-counts.ts";
import { TypedEvents } from "./typed-events.ts";

const DELTA = "speech.audio.delta";
const DONE = "speech.audio.done";

export function watchSpeech(): StreamWatch {
  const events = new TypedEvents((type, told) => {
    events.content ||= type === DELTA || type === DONE;
    if (type !== DONE) return;
    events.ended = true;
    events.usage = speechUsage(told["usage"]);
  });
  return events.watch({
    output: () => NOTHING_SEEN,
    // What it costs cannot be seen before it ends, so that it is never ended at its hold.
    lengthEnding: () => new Uint8Array(0),
  });
}

/** Tokens of speech: text in, sound out. null: none are reported. */
export function speechUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const input = counts.reported(usage["input_tokens"]);
  const output = counts.reported(usage["output_tokens"]);
  if (input === null || output === null) return null;
  return counts.usage({ inputTokens: input, outputTokens: output, audioOutputTokens: output });
}
