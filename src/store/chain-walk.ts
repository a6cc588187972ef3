/**
 * Walks a chained table in the order of its rows and tells of every link that is wrong. After a wrong
 * one it goes on from what is stored, so that one changed row is one difference.
 */
import { FIRST_LINK } from "./chain.ts";
import type { Differences } from "./differences.ts";

/** Rows read at once: bounds the memory, and a step between two reports of progress. */
const STEP_ROWS = 5_000;

type Linked = { readonly seq: number; readonly chain: unknown };

export type ChainWalk<Row extends Linked> = {
  readonly table: "attempts" | "postings";
  /** At most `limit` rows after `afterSeq`, in order. */
  readonly read: (afterSeq: number, limit: number) => readonly Row[];
  readonly link: (before: Uint8Array, row: Row) => Uint8Array;
  readonly check: (row: Row) => void;
  /** After every step, with the number of rows so far. */
  readonly stepped: (doneRows: number) => void;
};

export function walkChain<Row extends Linked>(
  walk: ChainWalk<Row>,
  differences: Differences,
): void {
  let before = FIRST_LINK;
  let lastSeq = 0;
  let done = 0;
  // The chain begins at 1; a row that was put in below it must be seen too.
  let rows = walk.read(Number.MIN_SAFE_INTEGER, STEP_ROWS);
  while (rows.length > 0) {
    for (const row of rows) {
      if (row.seq !== lastSeq + 1) {
        differences.add(walk.table, String(row.seq), `does not follow row ${lastSeq}`);
      }
      const link = walk.link(before, row);
      if (!isLink(row.chain, link)) {
        differences.add(
          walk.table,
          String(row.seq),
          "is not what was chained: it, or what was before it, was changed, put in or taken out",
        );
      }
      before = row.chain instanceof Uint8Array ? row.chain : link;
      lastSeq = row.seq;
      walk.check(row);
    }
    done += rows.length;
    walk.stepped(done);
    rows = walk.read(lastSeq, STEP_ROWS);
  }
}

export function isLink(stored: unknown, link: Uint8Array): boolean {
  return stored instanceof Uint8Array && Buffer.from(stored).equals(link);
}
