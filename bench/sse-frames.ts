/**
 * Counts the frames of an OpenAI stream as its bytes arrive. A frame is an event that carries text
 * (`"content":"…"`, not empty); role, finish, usage and comment events are not frames. It finds
 * events by their blank line wherever the network cut them, and notices reads that held several.
 */

export type FrameSink = {
  /** A frame is complete; called once per frame, within the read that completed it. */
  readonly onFrame: () => void;
};

const textPattern = /"(?:content|text)":\s*"(?!")/;
const blankLine = /\r?\n\r?\n/g;
/** An event this long is no event: better an uncounted frame than unbounded memory. */
const carryCharactersMax = 1_048_576;

/** Counts one stream; {@link FrameCounter.endRead} must follow each network read. */
export class FrameCounter {
  readonly #sink: FrameSink;
  #carry = "";
  #framesOfRead = 0;
  frameCount = 0;
  /** Frames that shared a network read with an earlier one. */
  mergedCount = 0;
  /** The stream said `[DONE]`. */
  done = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(bytes: Buffer): void {
    // One character per byte: we compare ASCII only, so a split UTF-8 character does not matter.
    const text = this.#carry + bytes.toString("latin1");
    let start = 0;
    blankLine.lastIndex = 0;
    for (let match = blankLine.exec(text); match !== null; match = blankLine.exec(text)) {
      this.#event(text.slice(start, match.index));
      start = blankLine.lastIndex;
    }
    this.#carry = start === text.length ? "" : text.slice(start);
    if (this.#carry.length > carryCharactersMax) this.#carry = "";
  }

  /** The network read is over: what it held beyond one frame was merged on the way. */
  endRead(): void {
    if (this.#framesOfRead > 1) this.mergedCount += this.#framesOfRead - 1;
    this.#framesOfRead = 0;
  }

  #event(event: string): void {
    if (textPattern.test(event)) {
      this.frameCount += 1;
      this.#framesOfRead += 1;
      this.#sink.onFrame();
    } else if (event.startsWith("data:") && event.endsWith("[DONE]")) {
      this.done = true;
    }
  }
}
