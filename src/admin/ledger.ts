/**
 * The ledger as a whole: how long it is, the ends of its chains, and whether it is frozen because it
 * is older than what was spent since. Accepting it is the operator's word that hard budgets may
 * count on it again.
 */
import { formatTime } from "../base/clock.ts";
import type { LedgerState } from "../store/money-contract.ts";
import type { AdminDeps } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { Ledger } from "./shapes/ledger.ts";

export interface LedgerCases {
  readonly state: () => Promise<AdminVerdict<Ledger>>;
  /** Refused when there is nothing to accept. */
  readonly accept: () => Promise<AdminVerdict<Ledger>>;
}

export function createLedger({ store }: AdminDeps): LedgerCases {
  return {
    state: async () => allow(showLedger(await store.ledgerState())),
    accept: async () => {
      const { frozen } = await store.ledgerState();
      if (frozen !== null) return allow(showLedger(await store.acceptLedger()));
      return refuse("conflict", "The ledger is not frozen: there is nothing to accept.");
    },
  };
}

function showLedger(state: LedgerState): Ledger {
  const { attempts, postings, attemptsHead, postingsHead, frozen } = state;
  return {
    attempts,
    postings,
    attempts_head: attemptsHead,
    postings_head: postingsHead,
    frozen: frozen === null ? null : { detail: frozen.detail, since: formatTime(frozen.sinceMs) },
  };
}
