/**
 * Watches a streamed transcript: `transcript.text.delta`, with speakers `transcript.text.segment`, and
 * `transcript.text.done`, which ends it and has the usage (types of openai-node 7.55, 2026-11). Every
 * event is forwarded as it came.
 */
import type { StreamWatch } from "../contract.ts";
import { OutputMeter } from "../output-meter.ts";
import { writeEvent } from "../sse-event.ts";
import { readSoundUsage } from "./transcript.ts";
import { TypedEvents } from "./typed-events.ts";

const DELTA = "transcript.text.delta";
const SEGMENT = "transcript.text.segment";
const DONE = "transcript.text.done";

export function watchTranscript(): StreamWatch {
  const meter = new OutputMeter();
  const events = new TypedEvents((type, told) => {
    events.content ||= type === DELTA || type === SEGMENT || type === DONE;
    // With speakers the text comes in segments, and the deltas are theirs too.
    if (type === DELTA) addText(meter, told["delta"]);
    if (type !== DONE) return;
    events.ended = true;
    events.usage = readSoundUsage(told["usage"]);
    if (meter.textBytes === 0) addText(meter, told["text"]);
  });
  return events.watch({
    output: () => meter.output(events.content ? 1 : 0),
    lengthEnding: () => ending(meter.output(0).text()),
  });
}

function addText(meter: OutputMeter, text: unknown): void {
  if (typeof text !== "string") return;
  const before = meter.textBytes;
  const bytes = new TextEncoder().encode(JSON.stringify(text).slice(1, -1));
  meter.addText(bytes, 0, bytes.length);
  meter.endPiece(before);
}

/** The comment says that it was us; readers of server-sent events skip it. */
function ending(text: string): Uint8Array {
  const comment = ": x-tollgate-stopped: hold_reached\n\n";
  const done = writeEvent(JSON.stringify({ type: DONE, text }), DONE);
  return new Uint8Array(Buffer.concat([Buffer.from(comment), done]));
}
