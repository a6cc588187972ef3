/** How many there are of each key; what there is none of takes no room. */
import { assert } from "../../base/assert.ts";

export class KeyedCounts {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, by: 1 | -1): void {
    const count = this.of(key) + by;
    assert(count >= 0, `fewer than none of ${key}`);
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
