/** What operators see of the ledger as a whole, and what they may decide about it. */
import type { LedgerState } from "./money-contract.ts";
import type { Connection } from "./database.ts";
import { frozenState, thaw } from "./freeze.ts";
import type { Mark } from "./mark.ts";
import { headsOf } from "./position.ts";
import type { Calls } from "./protocol.ts";

export function ledgerCalls(
  connection: Connection,
  mark: Mark,
): Pick<Calls, "ledgerState" | "acceptLedger"> {
  const state = (): LedgerState => {
    const { attempts, postings } = headsOf(connection.sqlite);
    return {
      // Rows are numbered without a gap and never removed.
      attempts: attempts.seq,
      postings: postings.seq,
      attemptsHead: Buffer.from(attempts.link).toString("hex"),
      postingsHead: Buffer.from(postings.link).toString("hex"),
      frozen: frozenState(connection),
    };
  };
  return {
    ledgerState: state,
    acceptLedger: () => {
      thaw(connection, mark);
      return state();
    },
  };
}
