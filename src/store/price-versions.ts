/**
 * Prices by number: the ledger names a price that thousands of attempts share by its row in
 * `price_versions`. Numbers are remembered, and forgotten when the commit that made one fails.
 */
import type { Database } from "bun:sqlite";
import { assert } from "../base/assert.ts";

/** Few are in force at once; a price list that changes all the time must not grow this for ever. */
const REMEMBERED_MAX = 10_000;

export class PriceVersions {
  readonly #insert;
  readonly #find;
  readonly #numbers = new Map<string, number>();

  constructor(sqlite: Database) {
    this.#insert = sqlite.prepare<unknown, [string]>(
      "insert into price_versions (price) values (?) on conflict do nothing",
    );
    this.#find = sqlite.prepare<{ seq: number }, [string]>(
      "select seq from price_versions where price = ?",
    );
  }

  /** The number of a price, written in the running transaction when it is new. */
  numberOf(price: string): number {
    const known = this.#numbers.get(price);
    if (known !== undefined) return known;
    this.#insert.run(price);
    const found = this.#find.get(price);
    assert(found !== null, "a price that was just written is there");
    if (this.#numbers.size >= REMEMBERED_MAX) this.#numbers.clear();
    this.#numbers.set(price, found.seq);
    return found.seq;
  }

  forget(): void {
    this.#numbers.clear();
  }
}
