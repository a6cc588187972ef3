/** What a verification found to be different: all of it counted, the first hundred kept. */

export type LedgerDifference = {
  readonly table: string;
  /** The row's number or key; `-` where it is about the table. */
  readonly row: string;
  /** A sentence's end: what is wrong with the row. */
  readonly what: string;
};

const KEPT_MAX = 100;

export class Differences {
  readonly #first: LedgerDifference[] = [];
  #count = 0;

  add(table: string, row: string, what: string): void {
    this.#count += 1;
    if (this.#first.length < KEPT_MAX) this.#first.push({ table, row, what });
  }

  get count(): number {
    return this.#count;
  }

  get first(): readonly LedgerDifference[] {
    return this.#first;
  }
}
