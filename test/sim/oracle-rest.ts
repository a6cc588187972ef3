/**
 * The last read: when everything has ended, the books are closed and everything must agree with
 * everything: holds with postings, postings with the running sums, the sums with what is shown, and
 * all of it with what the providers charged.
 */
import { spanOf } from "./calendar.ts";
import type { LedgerView } from "./ledger-view.ts";
import { accountFor, isInScope, sumNames } from "./in-scope.ts";
import type { Oracle } from "./oracle.ts";
import { Violation, type Followed } from "./oracle-types.ts";

const SLOT_MS = 15 * 60_000;

/** Checks the file against what the oracle has followed. Nothing is under way. */
export function checkBooks(oracle: Oracle, view: LedgerView): void {
  checkHistory(oracle, view);
  for (const { row, posting } of oracle.attempts) {
    if (posting === null) throw new Violation("once", `${row.id} has no posting`);
  }
  const open = view.openCount();
  if (open !== 0) throw new Violation("rest", `${open} attempts are open`);
  checkSums(oracle, view);
  checkRequests(oracle, view);
}

/**
 * A request has cost what its attempts have; a row may be missing only where a process crashed. What
 * recovery expired may come after the row, which stays as it was.
 */
function checkRequests(oracle: Oracle, view: LedgerView): void {
  const costs = new Map<string, { nanoUsd: number; mayMiss: boolean }>();
  const expired = new Set<string>();
  for (const { row, posting, admitted, call } of oracle.attempts) {
    const cost = costs.get(row.requestId) ?? { nanoUsd: 0, mayMiss: true };
    costs.set(row.requestId, cost);
    cost.nanoUsd += posting?.row.amountNanoUsd ?? 0;
    if (posting?.row.kind === "expire") expired.add(row.requestId);
    if (call !== null && !oracle.hasCrashed(admitted.epoch)) cost.mayMiss = false;
  }
  const rows = view.requestCosts();
  for (const [requestId, { nanoUsd, mayMiss }] of costs) {
    const is = rows.get(requestId);
    if ((is === undefined && mayMiss) || expired.has(requestId)) continue;
    agree(`the cost of ${requestId}`, is ?? Number.NaN, nanoUsd);
  }
}

/** Nothing that was written has changed or gone. */
function checkHistory(oracle: Oracle, view: LedgerView): void {
  const { attempts, postings } = view.everything();
  const before = oracle.attempts.map(({ row }) => JSON.stringify(row));
  if (JSON.stringify(attempts) !== `[${before.join(",")}]`) {
    throw new Violation("history", "the holds in the file are not those that were written");
  }
  const written = oracle.attempts.flatMap(({ posting }) => (posting === null ? [] : [posting.row]));
  written.sort((one, other) => one.seq - other.seq);
  if (JSON.stringify(postings) !== JSON.stringify(written)) {
    throw new Violation("history", "the postings in the file are not those that were written");
  }
}

/** Money by scope and slot of admission, usage by access token, requests by access token. */
function checkSums(oracle: Oracle, view: LedgerView): void {
  const expected = new Map<string, number>();
  const usage = new Map<string, { nanoUsd: number; attempts: number }>();
  const requests = new Map<string, number>();
  for (const { row, admitted, posting } of oracle.attempts) {
    if (row.number === 1) requests.set(row.tokenId, (requests.get(row.tokenId) ?? 0) + 1);
    if (posting === null) continue;
    const { amountNanoUsd } = posting.row;
    const sums = usage.get(row.tokenId) ?? { nanoUsd: 0, attempts: 0 };
    usage.set(row.tokenId, sums);
    sums.nanoUsd += amountNanoUsd;
    sums.attempts += 1;
    if (amountNanoUsd === 0) continue;
    const slotMs = Math.floor(admitted.wallMs / SLOT_MS) * SLOT_MS;
    for (const scope of sumNames(row)) {
      const key = `${scope} ${slotMs}`;
      expected.set(key, (expected.get(key) ?? 0) + amountNanoUsd);
    }
  }
  for (const { scopeKind, scopeId, slotStartMs, nanoUsd } of view.spend()) {
    const key = `${scopeKind} ${scopeId} ${slotStartMs}`;
    agree(`spend of ${key}`, nanoUsd, expected.get(key) ?? 0);
    expected.delete(key);
  }
  for (const [key, nanoUsd] of expected) agree(`spend of ${key}`, 0, nanoUsd);
  for (const { tokenId, nanoUsd, attempts } of view.usage()) {
    agree(`usage of ${tokenId}`, nanoUsd, usage.get(tokenId)?.nanoUsd ?? 0);
    agree(`attempts of ${tokenId}`, attempts, usage.get(tokenId)?.attempts ?? 0);
  }
  for (const [tokenId, count] of view.requestCounts()) {
    agree(`requests of ${tokenId}`, count, requests.get(tokenId) ?? 0);
  }
}

function agree(what: string, is: number, should: number): void {
  if (is !== should) throw new Violation("sums", `${what} is ${is}, by the postings ${should}`);
}

/**
 * True spend. What an honest provider charges is never more than was held for it, and what it
 * reported is what was posted; so in every window the charges stay below the cap, but for the stated
 * error: estimates that were too low, and providers that do not keep to what they were asked.
 */
export function checkTruth(oracle: Oracle): void {
  for (const attempt of oracle.attempts) {
    const { row, call } = attempt;
    if (call === null || !call.isHonest) continue;
    const charged = oracle.chargedFor(attempt);
    if (charged > row.heldNanoUsd) {
      throw new Violation(
        "worst-case",
        `${row.id} held ${row.heldNanoUsd}, was charged ${charged}`,
      );
    }
  }
  for (const terms of oracle.rules.budgetsNow()) {
    const windows = Map.groupBy(
      oracle.attempts.filter(({ row }) => isInScope(row, terms)),
      ({ admitted, row }) =>
        `${accountFor(terms, row).scopeId} ${spanOf(terms.window, terms.timeZone, admitted.wallMs).startMs}`,
    );
    for (const attempts of windows.values()) checkWindow(oracle, terms.id, attempts);
  }
}

function checkWindow(oracle: Oracle, id: string, attempts: readonly Followed[]): void {
  let charged = 0;
  let posted = 0;
  let stated = 0;
  for (const attempt of attempts) {
    const { posting, call } = attempt;
    const truth = oracle.chargedFor(attempt);
    const amount = posting?.row.amountNanoUsd ?? 0;
    charged += truth;
    posted += amount;
    const isStated = posting?.row.estimated === 1 || call?.isHonest === false;
    if (isStated) stated += Math.max(0, truth - amount);
  }
  if (charged > posted + stated) {
    throw new Violation(
      "true-spend",
      `${id}: charged ${charged}, posted ${posted}, stated error ${stated}`,
    );
  }
}
