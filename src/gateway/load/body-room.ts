/**
 * Room for client bodies that are on their way: thousands of slow senders must not fill the memory.
 * A declared length is taken at once, what comes without one as it comes; all of it is given back when
 * the body has been read, whatever became of it.
 */
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";

export class BodyRoom {
  #takenBytes = 0;

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** False when there is no room for so many more; nothing is taken then. */
  take(bytes: number): boolean {
    if (this.#takenBytes + bytes > LIMITS.bodiesReadingBytesMax) return false;
    this.#takenBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    assert(bytes <= this.#takenBytes, "more room was given back than was taken");
    this.#takenBytes -= bytes;
  }
}
