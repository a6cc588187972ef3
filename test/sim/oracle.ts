/**
 * The oracle: an independent bookkeeper that shares no code with the gateway. It knows what the
 * providers saw and generated, what stands in the database file and how each row came there, what
 * operators set and when; from that it says after every event whether the books can be right.
 *
 * Money in the ledger is never taken as truth: the truth is what the providers charge by their own
 * count and prices.
 */
import { spanOf } from "./calendar.ts";
import { amountAt, lessResets } from "./credit.ts";
import { chargeNanoUsd } from "./charge.ts";
import {
  Violation,
  type AttemptRow,
  type BudgetTerms,
  type CallFacts,
  type Followed,
  type OracleParts,
  type PostingRow,
  type Provenance,
  type ShownBudget,
} from "./oracle-types.ts";
import { accountFor, isInScope } from "./in-scope.ts";
import { checkPosting } from "./oracle-postings.ts";
import { Rules } from "./oracle-rules.ts";

export class Oracle {
  readonly rules = new Rules();
  readonly attempts: Followed[] = [];
  readonly calls: CallFacts[] = [];
  readonly #parts: OracleParts;
  readonly #byId = new Map<string, Followed>();
  #commit = 0;
  postings = 0;

  constructor(parts: OracleParts) {
    this.#parts = parts;
  }

  hasCrashed(epoch: number): boolean {
    return this.#parts.crashed.has(epoch);
  }

  /** Rows that the file did not have before. */
  committed(
    attempts: readonly AttemptRow[],
    postings: readonly PostingRow[],
    by: Provenance,
  ): void {
    this.#commit += 1;
    for (const row of attempts) this.#addAttempt(row, by);
    for (const row of postings) this.#addPosting(row, by);
  }

  #addAttempt(row: AttemptRow, by: Provenance): void {
    const admitted = this.#parts.momentOf(row.id);
    if (admitted === undefined) throw new Violation("provenance", `nobody drew ${row.id}`);
    if (by.way !== "batch") throw new Violation("provenance", `recovery wrote a hold: ${row.id}`);
    if (this.#byId.has(row.id)) throw new Violation("once", `${row.id} was held twice`);
    if (row.heldAtMs !== admitted.wallMs) {
      throw new Violation(
        "window",
        `${row.id} was admitted at ${admitted.wallMs}, held at ${row.heldAtMs}`,
      );
    }
    const asked = this.#parts.momentOf(row.requestId) ?? admitted;
    const prices = this.rules.pricesBetween(row.model, asked.order, admitted.order);
    const followed = {
      prices,
      row,
      admitted,
      arrived: by,
      commit: this.#commit,
      posting: null,
      call: null,
    };
    this.attempts.push(followed);
    this.#byId.set(row.id, followed);
  }

  #addPosting(row: PostingRow, by: Provenance): void {
    this.postings += 1;
    const attempt = this.#byId.get(row.attemptId);
    if (attempt === undefined) throw new Violation("provenance", `${row.attemptId} was never held`);
    if (attempt.posting !== null) throw new Violation("once", `${row.attemptId} was posted twice`);
    attempt.posting = { row, arrived: by, commit: this.#commit };
    checkPosting(attempt, this.#parts);
  }

  /** A provider has received a request: its money must be on the disk by now. */
  upstreamSaw(call: CallFacts): void {
    this.calls.push(call);
    const attempt = this.attempts.findLast(
      ({ row, call: other }) => row.requestId === call.exchange.requestId && other === null,
    );
    const which = `call ${call.number} of exchange ${call.exchange.number}`;
    if (attempt === undefined || attempt.posting !== null) {
      throw new Violation("hold-before-dispatch", `${which} has no open hold on the disk`);
    }
    const { row } = attempt;
    if (row.model !== call.model || row.providerId !== this.#parts.providerIds[call.provider]) {
      throw new Violation("hold-before-dispatch", `${which} went elsewhere than ${row.id}`);
    }
    if (attempt.admitted.epoch !== call.epoch) {
      throw new Violation("hold-before-dispatch", `${which} uses a hold of another process`);
    }
    attempt.call = call;
    this.#checkCaps(attempt);
    if (row.number === 1) this.#checkSlots(attempt);
  }

  /** No more exchanges at work at once than a limit allowed when the youngest of them was admitted. */
  #checkSlots({ row, admitted, call }: Followed): void {
    for (const terms of this.rules.limitsAt(admitted, row)) {
      const bounds = terms.map(({ maxConcurrent }) => maxConcurrent ?? Number.POSITIVE_INFINITY);
      const [limit] = terms;
      if (limit === undefined) continue;
      const working = this.attempts.filter(
        (other) =>
          other.call !== null &&
          !other.call.isClosed &&
          other.call.epoch === call?.epoch &&
          other.admitted.order <= admitted.order &&
          isInScope(other.row, limit),
      );
      const count = new Set(working.map((other) => other.row.requestId)).size;
      if (count > Math.max(...bounds)) {
        throw new Violation("slots", `${limit.id}: ${count} at work, allowed ${bounds.join("|")}`);
      }
    }
  }

  /**
   * No cap is exceeded by admitted worst cases. Checked when a request is sent: what was sent so far
   * and admitted no later, at its posting or its hold, fits under an amount that was in force when
   * the youngest of it was admitted. Costs beyond a hold are the stated error, and are added.
   */
  #checkCaps(sent: Followed): void {
    const youngest = this.attempts.filter(
      ({ call, admitted }) => call !== null && admitted.order >= sent.admitted.order,
    );
    for (const one of youngest) {
      for (const standing of this.rules.budgetsAt(one.admitted, one.row)) {
        const terms = standing.map((version) => accountFor(version, one.row));
        if (terms.every(isWithoutCap)) continue;
        const fits = terms.some(
          (version) => isWithoutCap(version) || this.#fits(one, sent, version),
        );
        if (!fits) this.#overspent(one, sent, terms);
      }
    }
  }

  #fits(one: Followed, sent: Followed, terms: BudgetTerms): boolean {
    if (one.row.heldNanoUsd === 0) return true;
    const { total, error } = this.#exposure(one, sent, terms);
    const span = spanOf(terms.window, terms.timeZone, one.admitted.wallMs);
    return lessResets(total, terms, span) <= amountAt(terms, one.admitted.wallMs) + error;
  }

  #exposure(
    one: Followed,
    sent: Followed,
    terms: BudgetTerms,
  ): { readonly total: number; readonly error: number } {
    const span = spanOf(terms.window, terms.timeZone, one.admitted.wallMs);
    let total = 0;
    let error = 0;
    for (const other of this.attempts) {
      const { row, admitted, posting, call } = other;
      if (call === null || admitted.order > one.admitted.order) continue;
      if (!isInScope(row, terms)) continue;
      if (admitted.wallMs < span.startMs || admitted.wallMs >= span.endMs) continue;
      const isPosted = posting !== null && (one !== sent || posting.commit <= one.commit);
      const value = isPosted ? posting.row.amountNanoUsd : row.heldNanoUsd;
      total += value;
      error += Math.max(0, value - row.heldNanoUsd);
    }
    return { total, error };
  }

  #overspent(one: Followed, sent: Followed, versions: readonly BudgetTerms[]): never {
    const terms = versions.at(-1);
    const { total, error } =
      terms === undefined ? { total: 0, error: 0 } : this.#exposure(one, sent, terms);
    throw new Violation(
      "cap",
      `${terms?.id} (${terms?.scopeKind}, ${terms?.window}) of ${versions.map(({ amountNanoUsd }) => amountNanoUsd).join("|")} has ${total} in it (stated error ${error}) with ${one.row.id} of ${one.row.heldNanoUsd}`,
    );
  }

  /**
   * What the gateway shows of a budget, at a moment when nothing is on its way to the disk: what it
   * shows as posted is the sum of the postings, and what is open on the disk is held.
   */
  checkShown(shown: ShownBudget, terms: BudgetTerms, isAtRest: boolean): void {
    const span = spanOf(terms.window, terms.timeZone, shown.windowStartedAtMs);
    const which = `${terms.id} (${terms.scopeKind}, ${terms.window})`;
    const end = shown.windowEndsAtMs ?? Number.POSITIVE_INFINITY;
    if (span.startMs !== shown.windowStartedAtMs || span.endMs !== end) {
      throw new Violation(
        "window",
        `${which} shows a window that is none: ${shown.windowStartedAtMs}–${end}`,
      );
    }
    let posted = 0;
    let open = 0;
    for (const { row, admitted, posting } of this.attempts) {
      if (!isInScope(row, terms)) continue;
      if (admitted.wallMs < span.startMs || admitted.wallMs >= span.endMs) continue;
      if (posting === null) open += row.heldNanoUsd;
      else posted += posting.row.amountNanoUsd;
    }
    posted = lessResets(posted, terms, span);
    if (posted !== shown.postedNanoUsd) {
      throw new Violation(
        "conservation",
        `${which} shows ${shown.postedNanoUsd} posted, the ledger has ${posted}`,
      );
    }
    if (shown.heldNanoUsd < open || (isAtRest && shown.heldNanoUsd !== open)) {
      throw new Violation(
        "coverage",
        `${which} shows ${shown.heldNanoUsd} held, the ledger has ${open} open`,
      );
    }
  }

  /** Left of a budget by the ledger and the calendar; null when it refuses nothing. */
  freeOf(terms: BudgetTerms, wallMs: number): number | null {
    if (isWithoutCap(terms)) return null;
    const span = spanOf(terms.window, terms.timeZone, wallMs);
    let held = 0;
    let posted = 0;
    for (const { row, admitted, posting } of this.attempts) {
      if (!isInScope(row, terms)) continue;
      if (admitted.wallMs < span.startMs || admitted.wallMs >= span.endMs) continue;
      if (posting === null) held += row.heldNanoUsd;
      else posted += posting.row.amountNanoUsd;
    }
    return amountAt(terms, wallMs) - held - lessResets(posted, terms, span);
  }

  /** Posted in a window, less what was taken back before: as much as a reset may take back. */
  postedIn(terms: BudgetTerms, wallMs: number): number {
    const span = spanOf(terms.window, terms.timeZone, wallMs);
    let posted = 0;
    for (const { row, admitted, posting } of this.attempts) {
      const isIn = admitted.wallMs >= span.startMs && admitted.wallMs < span.endMs;
      if (isIn && isInScope(row, terms)) posted += posting?.row.amountNanoUsd ?? 0;
    }
    return lessResets(posted, terms, span);
  }

  /** Truly charged by the providers for an attempt. */
  chargedFor({ call }: Followed): number {
    const rates = call === null ? undefined : this.#parts.rates[call.model];
    return call === null || rates === undefined ? 0 : chargeNanoUsd(call, rates);
  }
}

function isWithoutCap({ mode, amountNanoUsd }: BudgetTerms): boolean {
  return mode === "soft" || amountNanoUsd === null;
}
