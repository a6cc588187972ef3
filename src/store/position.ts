/**
 * How far a ledger has come: the ends of its chains, the money in it, the time of its last entry. The
 * writer keeps it beside the chains, so that telling it after a commit costs no query.
 */
import type { Database } from "bun:sqlite";
import { assert } from "../base/assert.ts";
import { headOf, type Head } from "./chain.ts";

export type Heads = { readonly attempts: Head; readonly postings: Head };

/** Money as bigint, because all of a ledger's time may pass what a number holds exactly. */
export type Totals = {
  /** Posted in all. */
  readonly postedNanoUsd: bigint;
  /** Held by the attempts that are open. */
  readonly openNanoUsd: bigint;
  /** Of the youngest entry; 0 when there is none. */
  readonly lastAtMs: number;
};

export type Position = Heads & Totals;

export function headsOf(sqlite: Database): Heads {
  return { attempts: headOf(sqlite, "attempts"), postings: headOf(sqlite, "postings") };
}

export function positionOf(sqlite: Database): Position {
  return { ...headsOf(sqlite), ...totalsOf(sqlite) };
}

function totalsOf(sqlite: Database): Totals {
  const one = (query: string): string =>
    sqlite.query<{ value: string }, []>(query).get()?.value ?? "0";
  const lastOf = (table: string, column: string): number =>
    Number(one(`select ${column} as value from ${table} order by seq desc limit 1`));
  return {
    postedNanoUsd: BigInt(
      one(`select cast(coalesce(sum(posted_nano_usd), 0) as text) as value
           from spend where scope_type = 'global'`),
    ),
    openNanoUsd: BigInt(
      one(`select cast(coalesce(sum(held_nano_usd), 0) as text) as value
           from open_attempts cross join attempts where seq = attempt_seq`),
    ),
    lastAtMs: Math.max(lastOf("attempts", "held_at_ms"), lastOf("postings", "posted_at_ms")),
  };
}

/** The totals while entries are written; read once, and anew after a commit failed. */
export class RunningTotals {
  readonly #sqlite: Database;
  #totals: Totals | null = null;

  constructor(sqlite: Database) {
    this.#sqlite = sqlite;
  }

  /** Call it before an entry is written: what is read must not have the entry in it. */
  load(): void {
    this.#totals ??= totalsOf(this.#sqlite);
  }

  get current(): Totals {
    this.load();
    assert(this.#totals !== null, "totals that were read are there");
    return this.#totals;
  }

  add(postedNanoUsd: number, openNanoUsd: number, atMs: number): void {
    const { current } = this;
    this.#totals = {
      postedNanoUsd: current.postedNanoUsd + BigInt(postedNanoUsd),
      openNanoUsd: current.openNanoUsd + BigInt(openNanoUsd),
      lastAtMs: Math.max(current.lastAtMs, atMs),
    };
  }

  forget(): void {
    this.#totals = null;
  }
}
