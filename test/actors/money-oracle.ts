/**
 * What the money of an owner must be: a plain book of each budget's windows, kept beside the actor.
 * It shares no arithmetic with it: windows are named by the written date, free money is never stored.
 */
import type { AttemptScopes, ScopeRef } from "../../src/base/scope.ts";
import type { BudgetCredit, BudgetRule, HoldOption, OpenHold } from "../../actors/contract.ts";

/** One window of one budget. */
type Book = { posted: number; held: number; reset: number };

type Rule = {
  readonly rule: BudgetRule;
  /** Each with the window that it was given in. */
  readonly topUps: { readonly credit: BudgetCredit; readonly book: Book }[];
  readonly resets: BudgetCredit[];
  readonly books: Map<string, Book>;
  /** The book of the window of now. */
  now: Book;
};

type Attempt = {
  readonly exchangeId: string;
  readonly scopes: AttemptScopes;
  readonly nanoUsd: number;
  readonly heldAtMs: number;
  readonly books: readonly Book[];
};

/** How much of a written moment names its window. */
const NAME_CHARS = {
  hour: "2026-05-10T12".length,
  day: "2026-05-10".length,
  month: "2026-05".length,
};

/** Distinct for distinct windows of a kind, in UTC and without an anchor. */
export function windowName(window: BudgetRule["window"], atMs: number): string {
  if (window === "total") return "";
  // The first of January 1970 was a Thursday; weeks begin on Mondays.
  if (window === "week") return `week ${Math.floor((atMs / 86_400_000 + 3) / 7)}`;
  return new Date(atMs).toISOString().slice(0, NAME_CHARS[window]);
}

export class MoneyOracle {
  readonly #rules: readonly Rule[];
  readonly attempts = new Map<string, Attempt>();
  atMs: number;
  reachesMs: number;

  constructor(rules: readonly BudgetRule[], atMs: number) {
    this.atMs = atMs;
    this.reachesMs = atMs;
    this.#rules = rules.map((rule) => ({
      rule,
      topUps: [],
      resets: [],
      books: new Map(),
      now: { posted: 0, held: 0, reset: 0 },
    }));
    this.setClock(atMs);
  }

  setClock(atMs: number): void {
    this.atMs = atMs;
    for (const each of this.#rules) {
      const name = windowName(each.rule.window, atMs);
      each.now = each.books.get(name) ?? { posted: 0, held: 0, reset: 0 };
      each.books.set(name, each.now);
    }
  }

  /** The rules with the credits given so far, as an actor is built from them. */
  rules(): BudgetRule[] {
    return this.#rules.map(({ rule, topUps, resets }) => ({
      ...rule,
      credits: [...topUps.map(({ credit }) => credit), ...resets],
    }));
  }

  /** The ledger's sums of the windows of now. */
  ledgerSums(): Record<string, number> {
    return Object.fromEntries(this.#rules.map(({ rule, now }) => [rule.id, now.posted]));
  }

  openHolds(): OpenHold[] {
    return [...this.attempts].map(([attemptId, { exchangeId, scopes, nanoUsd, heldAtMs }]) => ({
      attemptId,
      exchangeId,
      scopes,
      heldNanoUsd: nanoUsd,
      heldAtMs,
    }));
  }

  topUp(nth: number, nanoUsd: number, expiresAtMs: number | null): void {
    const { topUps, now } = this.#nth(nth);
    topUps.push({ credit: this.#credit(nth, "top_up", nanoUsd, expiresAtMs), book: now });
    // An operator may take a top-up back; a list of thousands would only cost time here.
    if (topUps.length > 4) topUps.shift();
  }

  reset(nth: number): void {
    const { resets, now } = this.#nth(nth);
    resets.push(this.#credit(nth, "reset", now.posted - now.reset, null));
    now.reset = now.posted;
  }

  #credit(
    nth: number,
    kind: BudgetCredit["kind"],
    amountNanoUsd: number,
    expiresAtMs: number | null,
  ): BudgetCredit {
    const id = `crd_${this.#nth(nth).rule.id}`;
    return { id, kind, amountNanoUsd, startsAtMs: this.atMs, expiresAtMs };
  }

  #nth(nth: number): Rule {
    const rule = this.#rules[nth % this.#rules.length];
    if (rule === undefined) throw new Error("the oracle has no rules");
    return rule;
  }

  /** What must be held of an attempt, by the first option that fits; null: it must be refused. */
  wouldHold(chain: readonly number[], options: readonly HoldOption[]): number | null {
    for (const { nanoUsd } of options) {
      if (this.#hasRoom(chain, nanoUsd)) return nanoUsd;
    }
    return null;
  }

  #hasRoom(chain: readonly number[], nanoUsd: number): boolean {
    return nanoUsd === 0 || chain.every((nth) => (this.#left(nth)?.free ?? nanoUsd) >= nanoUsd);
  }

  /** null where nothing refuses. */
  #left(nth: number): { readonly amount: number; readonly free: number } | null {
    const { rule, now } = this.#nth(nth);
    const amount = rule.mode === "hard" ? this.amountOf(nth) : null;
    return amount === null ? null : { amount, free: amount - (now.posted - now.reset) - now.held };
  }

  amountOf(nth: number): number | null {
    const { rule, topUps, now } = this.#nth(nth);
    if (rule.amountNanoUsd === null) return null;
    let amount = rule.amountNanoUsd;
    for (const { credit, book } of topUps) {
      const { startsAtMs, expiresAtMs } = credit;
      const lasts = expiresAtMs === null ? book === now : this.atMs < expiresAtMs;
      if (lasts && this.atMs >= startsAtMs) amount += credit.amountNanoUsd;
    }
    return amount;
  }

  /** Posted and held in the window of now. */
  moneyOf(nth: number): readonly [posted: number, held: number] {
    const { now } = this.#nth(nth);
    return [now.posted - now.reset, now.held];
  }

  hold(
    attemptId: string,
    attempt: Pick<Attempt, "exchangeId" | "scopes" | "nanoUsd">,
    chain: readonly number[],
  ): void {
    const books = chain.map((nth) => this.#nth(nth).now);
    for (const book of books) book.held += attempt.nanoUsd;
    this.attempts.set(attemptId, { ...attempt, books, heldAtMs: this.atMs });
    this.reachesMs = Math.max(this.reachesMs, this.atMs);
  }

  settle(attemptId: string, costNanoUsd: number): void {
    const attempt = this.attempts.get(attemptId);
    if (attempt === undefined) return;
    this.attempts.delete(attemptId);
    for (const book of attempt.books) {
      book.held -= attempt.nanoUsd;
      book.posted += costNanoUsd;
    }
  }
}

/** The budgets that an attempt counts in, by their place. */
export function chainOf(rules: readonly BudgetRule[], scopes: AttemptScopes): number[] {
  const ids: Readonly<Record<ScopeRef["type"], string | null>> = {
    token: scopes.tokenId,
    end_user: scopes.endUserId === null ? null : `${scopes.tenantId}/${scopes.endUserId}`,
    project: scopes.projectId,
    tenant: scopes.tenantId,
    route: scopes.routeId,
    provider: scopes.providerId,
    global: "*",
  };
  return rules.flatMap(({ scope }, nth) => (ids[scope.type] === scope.id ? [nth] : []));
}
