/**
 * All recordings of the process, bounded in number and bytes; and those that are kept for a while
 * after their end, the oldest of which make room for what is being written.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { Recording, type Room } from "./recording.ts";

type Kept = {
  readonly recording: Recording;
  readonly untilMs: number;
  readonly forget: () => void;
};

export class Recordings {
  readonly #clock: Clock;
  #bytes = 0;
  #count = 0;
  /** In the order in which they are due, because all are kept for the same time. */
  readonly #kept = new Set<Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** null: as many as may be are running or being read; what is only kept makes room. */
  begin(requestId: string): Recording | null {
    for (const kept of this.#kept) {
      if (this.#count < LIMITS.recordingsMax) break;
      kept.forget();
    }
    if (this.#count >= LIMITS.recordingsMax) return null;
    this.#count += 1;
    return new Recording(requestId, this.#room);
  }

  /** Keeps one that has ended; `onForgotten` is called when it is let go of. */
  keep(recording: Recording, onForgotten: () => void): void {
    recording.keep();
    const untilMs = this.#clock.monotonicMs() + LIMITS.resumableKeptMs;
    const kept: Kept = {
      recording,
      untilMs,
      forget: () => {
        this.#kept.delete(kept);
        onForgotten();
        recording.letGo();
      },
    };
    this.#kept.add(kept);
  }

  /** Lets go of what has been kept for its time. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const kept of this.#kept) {
      if (kept.untilMs > nowMs) return;
      kept.forget();
    }
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  readonly #room: Room = {
    isShort: () => {
      for (const kept of this.#kept) {
        if (this.#bytes <= LIMITS.recordingsBytesMax) break;
        kept.forget();
      }
      return this.#bytes > LIMITS.recordingsBytesMax;
    },
    count: (bytes) => {
      this.#bytes += bytes;
    },
    leave: () => {
      this.#count -= 1;
    },
  };
}
