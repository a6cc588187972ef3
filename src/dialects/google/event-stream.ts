/** Watches a stream of server-sent events, each of which is a GenerateContentResponse; all are forwarded. */
import type { StreamWatch } from "../contract.ts";
import { isSpace } from "../json-bytes.ts";
import { isObject, parseJsonText } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { readEvent } from "../sse-event.ts";
import { EventSplitter } from "../sse.ts";
import { meterContents, searchContents } from "./answer.ts";
import { GOOGLE_PART_BYTES_MAX } from "./bounds.ts";
import { StreamShape } from "./stream-shape.ts";

/** Before the last event of a stream that was ended at its hold; readers of events skip it. */
const HOLD_REACHED_COMMENT = ": x-tollgate-stopped: hold_reached";

const OPENING_BRACE = 0x7b;

export function watchEvents(): StreamWatch {
  const watch = new EventWatch();
  const { shape } = watch;
  return {
    push: (chunk) => watch.push(chunk),
    hasContent: () => shape.content,
    hasEnded: () => watch.hasEnded,
    bodyEnded: () => watch.end(),
    failure: () => shape.failure,
    usage: () => shape.usage,
    isUsageFinal: () => shape.isUsageFinal,
    output: () => watch.meter.output(shape.content ? 1 : 0),
    lengthEnding: (usage) => {
      const data = JSON.stringify(shape.lengthEnding(usage));
      return new TextEncoder().encode(`${HOLD_REACHED_COMMENT}\n\ndata: ${data}\n\n`);
    },
  };
}

class EventWatch {
  hasEnded = false;
  readonly shape = new StreamShape();
  readonly meter = new OutputMeter();
  private readonly contents = searchContents();
  private readonly splitter = new EventSplitter((bytes, start, end) => {
    meterContents(bytes, start, end, this.contents, this.meter);
    this.see(bytes.subarray(start, end));
    return true;
  }, GOOGLE_PART_BYTES_MAX);

  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.contents.forget();
    return this.splitter.push(chunk);
  }

  /**
   * An error within a stream comes as bare JSON without an event around it, and clients look for it there
   * (google-genai for Python and JavaScript, 2026-11): it is the one thing that may come without an end.
   */
  end(): readonly Uint8Array[] {
    const rest = this.splitter.rest();
    const hadFailed = this.shape.failure !== null;
    if (isBare(rest)) this.see(rest);
    this.hasEnded = this.shape.failure === null && this.shape.isComplete;
    return !hadFailed && this.shape.failure !== null ? [rest] : [];
  }

  private see(event: Uint8Array): void {
    const data = isBare(event) ? new TextDecoder().decode(event) : readEvent(event).data;
    const chunk = data === null ? undefined : parseJsonText(data);
    if (data !== null && isObject(chunk)) this.shape.see(chunk, data);
  }
}

/** JSON that stands where an event was due. */
function isBare(event: Uint8Array): boolean {
  return event.find((byte) => !isSpace(byte)) === OPENING_BRACE;
}
