/** How many answers are read on for clients that left: bounded, so that leaving costs nobody else. */
import { assert } from "../base/assert.ts";
import { LIMITS } from "../base/limits.ts";

export class Drains {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** False when as many as may be are running. */
  begin(): boolean {
    if (this.#count >= LIMITS.clientGoneDrainsMax) return false;
    this.#count += 1;
    return true;
  }

  end(): void {
    assert(this.#count > 0, "a drain ended that was not begun");
    this.#count -= 1;
  }
}
