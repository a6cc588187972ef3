/**
 * Guarantee: under a million mixed operations posted + held + free is the amount after each of them,
 * and both the money and every answer are those of a plain book that is kept beside.
 */
import { expect, test } from "bun:test";
import { assert } from "../../src/base/assert.ts";
import type { AttemptScopes } from "../../src/base/scope.ts";
import type { BudgetRule, HoldOption, TenantInput } from "../../actors/contract.ts";
import { freeOf } from "../../actors/policy/budget.ts";
import type { TenantQuestion } from "../../actors/tenant.ts";
import { accountAt, knowsTime } from "../../actors/tenant-windows.ts";
import { budgetRule, limitRule, SCOPES, START_MS, tenantInput } from "./fixtures.ts";
import { chainOf, MoneyOracle } from "./money-oracle.ts";
import { actor, bareFunctions, type Subject } from "./subjects.ts";

const RULES: readonly BudgetRule[] = [
  budgetRule({ id: "token", amountNanoUsd: 40_000 }),
  budgetRule({
    id: "token 2",
    scope: { type: "token", id: "tok_2" },
    amountNanoUsd: 900_000,
    window: "month",
  }),
  budgetRule({ id: "token 3", amountNanoUsd: 150_000, window: "week" }),
  budgetRule({ id: "token 4", amountNanoUsd: 8_000, window: "hour" }),
  budgetRule({
    id: "end user",
    scope: { type: "end_user", id: "ten_1/ann" },
    amountNanoUsd: 20_000,
  }),
  budgetRule({
    id: "project",
    scope: { type: "project", id: "prj_1" },
    amountNanoUsd: 900,
    mode: "soft",
  }),
  budgetRule({ id: "tenant", scope: { type: "tenant", id: "ten_1" }, amountNanoUsd: null }),
  budgetRule({
    id: "route",
    scope: { type: "route", id: "rte_1" },
    amountNanoUsd: 1_500_000,
    window: "month",
  }),
  budgetRule({ id: "provider", scope: { type: "provider", id: "prv_2" }, amountNanoUsd: 45_000 }),
  budgetRule({
    id: "global",
    scope: { type: "global", id: "*" },
    amountNanoUsd: 40_000_000,
    window: "total",
  }),
].map((rule) => ({ ...rule, alertThresholdsPpm: [500_000, 1_000_000] }));

const WHO: readonly AttemptScopes[] = [
  SCOPES,
  { ...SCOPES, endUserId: "ann" },
  { ...SCOPES, tokenId: "tok_2", projectId: null, providerId: "prv_2" },
  { ...SCOPES, tokenId: "tok_2", endUserId: "ann", routeId: null },
  { ...SCOPES, tokenId: "tok_3", tenantId: "ten_2", providerId: "prv_2", routeId: null },
];
const CHAINS = WHO.map((scopes) => chainOf(RULES, scopes));

function slotsOf(who: number | undefined): number {
  return who !== undefined && WHO[who]?.tenantId === "ten_1" ? 1 : 0;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const OPEN_MAX = 40;

/** The same numbers in every run: a failure can be repeated. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One run: the subject, its book, and what is in flight. */
class Run {
  readonly #start: (input: TenantInput) => Subject;
  readonly #draw: (below: number) => number;
  readonly oracle = new MoneyOracle(RULES, START_MS);
  #subject: Subject;
  /** Attempts and exchanges that were begun, the last ones; some of them are over. */
  readonly #attemptIds: string[] = [];
  readonly #exchanges = new Map<string, number>();
  /** Those of the tenant whose slots are counted. */
  #running = 0;
  #names = 0;
  readonly seen = { admitted: 0, refused: 0, rebuilt: 0, overdrawn: 0 };

  constructor(start: (input: TenantInput) => Subject, seed: number) {
    this.#start = start;
    this.#draw = seeded(seed);
    this.#subject = this.#build();
  }

  #build(): Subject {
    const { oracle } = this;
    return this.#start(
      tenantInput({
        ownerKey: "*",
        tenantId: null,
        budgets: oracle.rules(),
        limits: [limitRule({ scope: { type: "tenant", id: "ten_1" }, maxConcurrent: 1_000 })],
        postedNanoUsd: oracle.ledgerSums(),
        openHolds: oracle.openHolds(),
        slotOwners: [...this.#exchanges].map(([exchangeId, who]) => ({
          exchangeId,
          scopes: WHO[who] ?? SCOPES,
        })),
        ledgerReachesMs: oracle.reachesMs,
        atMs: oracle.atMs,
      }),
    );
  }

  rebuild(): void {
    this.#subject = this.#build();
    this.seen.rebuilt += 1;
  }

  step(): void {
    const draw = this.#draw;
    const isFull = this.oracle.attempts.size >= OPEN_MAX || this.#exchanges.size >= OPEN_MAX;
    const kind = draw(1_000);
    if (kind < 420 && !isFull) this.#admit();
    else if (kind < 520 && !isFull) this.#holdAgain();
    else if (kind < 800) this.#settle();
    else if (kind < 930) this.#end("end");
    else if (kind < 960) this.#end("undo");
    else if (kind < 994) this.#pass();
    else if (kind < 996) this.#credit();
    else if (kind < 998) this.rebuild();
    this.check();
  }

  #options(): HoldOption[] {
    const draw = this.#draw;
    const worst = draw(3) === 0 ? draw(2_500) : draw(300);
    const capped = Math.floor(worst / 3);
    return [
      { nanoUsd: worst, outputTokensCap: null },
      { nanoUsd: capped, outputTokensCap: 64 },
    ];
  }

  #admit(): void {
    const who = this.#draw(WHO.length);
    const exchangeId = `req_${this.#names}`;
    if (!this.#take("exchange.admit", exchangeId, who)) return;
    this.#exchanges.set(exchangeId, who);
    this.#running += slotsOf(who);
  }

  /** Of an exchange that runs, perhaps by other scopes than it was admitted with. */
  #holdAgain(): void {
    const exchangeId = this.#pick(this.#exchanges);
    if (exchangeId !== undefined) this.#take("attempt.hold", exchangeId, this.#draw(WHO.length));
  }

  #take(type: TenantQuestion["type"], exchangeId: string, who: number): boolean {
    const { oracle } = this;
    const scopes = WHO[who] ?? SCOPES;
    const chain = CHAINS[who] ?? [];
    const options = this.#options();
    const attemptId = `att_${this.#names}`;
    this.#names += 1;
    const expected = oracle.wouldHold(chain, options);
    const { atMs } = oracle;
    const asked = { exchangeId, attemptId, scopes, options, atMs };
    const verdict = this.#subject.ask(
      type === "exchange.admit" ? { type, tokens: 0, ...asked } : { type, ...asked },
    );
    const held = verdict.allowed ? verdict.value.heldNanoUsd : null;
    assert(held === expected, `held ${held} instead of ${expected}`);
    this.seen[verdict.allowed ? "admitted" : "refused"] += 1;
    if (expected === null) return false;
    oracle.hold(attemptId, { exchangeId, scopes, nanoUsd: expected }, chain);
    this.#attemptIds.push(attemptId);
    if (this.#attemptIds.length > 2 * OPEN_MAX) this.#attemptIds.shift();
    return true;
  }

  /** Below, at and above its hold, as a void, and now and then once more. */
  #settle(): void {
    const draw = this.#draw;
    const attemptId =
      draw(10) === 0
        ? this.#attemptIds[draw(this.#attemptIds.length)]
        : this.#pick(this.oracle.attempts);
    if (attemptId === undefined) return;
    const nanoUsd = this.oracle.attempts.get(attemptId)?.nanoUsd ?? 7;
    const costs = [
      0,
      Math.floor(nanoUsd / 3),
      Math.floor(nanoUsd / 4),
      nanoUsd,
      nanoUsd + draw(90),
    ];
    const cost = costs[draw(costs.length)] ?? 0;
    this.#subject.settle(attemptId, cost, this.oracle.atMs);
    this.oracle.settle(attemptId, cost);
  }

  #end(how: "end" | "undo"): void {
    const exchangeId = this.#pick(this.#exchanges);
    if (exchangeId === undefined) return;
    this.#subject[how](exchangeId, this.oracle.atMs);
    this.#running -= slotsOf(this.#exchanges.get(exchangeId));
    this.#exchanges.delete(exchangeId);
    if (how === "end") return;
    for (const [attemptId, attempt] of this.oracle.attempts) {
      if (attempt.exchangeId === exchangeId) this.oracle.settle(attemptId, 0);
    }
  }

  /** Mostly forward, sometimes over a window's end, now and then back. */
  #pass(): void {
    const draw = this.#draw;
    const lot = draw(20);
    const ms = lot === 0 ? -draw(2 * DAY_MS) : lot === 1 ? draw(3 * DAY_MS) : draw(40 * MINUTE_MS);
    this.oracle.setClock(this.oracle.atMs + ms);
    if (!knowsTime(this.#subject.record(), this.oracle.atMs)) this.rebuild();
  }

  /** An edit: the actor is built anew. */
  #credit(): void {
    const draw = this.#draw;
    const nth = draw(RULES.length);
    const expiresAtMs = draw(2) === 0 ? null : this.oracle.atMs + draw(2 * DAY_MS);
    if (draw(3) === 0) this.oracle.reset(nth);
    else this.oracle.topUp(nth, draw(20_000), expiresAtMs);
    this.rebuild();
  }

  #pick(from: ReadonlyMap<string, unknown>): string | undefined {
    let left = this.#draw(from.size);
    for (const key of from.keys()) {
      if (left === 0) return key;
      left -= 1;
    }
    return undefined;
  }

  check(): void {
    const { budgets, limits } = this.#subject.record();
    const { oracle, seen } = this;
    let nth = -1;
    for (const budget of budgets) {
      nth += 1;
      const account = accountAt(budget, oracle.atMs);
      const { amountNanoUsd, postedNanoUsd, heldNanoUsd } = account;
      const [posted, held] = oracle.moneyOf(nth);
      const amount = oracle.amountOf(nth);
      const isSame = postedNanoUsd === posted && heldNanoUsd === held && amountNanoUsd === amount;
      // Said in full only when it is wrong: a million expectations take a minute.
      if (!isSame) {
        expect([amountNanoUsd, postedNanoUsd, heldNanoUsd]).toEqual([amount, posted, held]);
      }
      if (amountNanoUsd === null) continue;
      const free = freeOf(account) ?? Number.NaN;
      assert(postedNanoUsd + heldNanoUsd + free === amountNanoUsd, `${budget.budgetId} leaks`);
      if (free < 0) seen.overdrawn += 1;
    }
    assert(limits[0]?.inFlight === this.#running, "a slot is lost");
  }
}

test.each([
  ["the functions that its machine calls", bareFunctions, 950_000, 11],
  ["an actor", actor, 50_000, 12],
] as const)(
  "a million operations neither make nor lose money: %s",
  (_name, start, steps, seed) => {
    const run = new Run(start, seed);
    run.check();
    for (let step = 0; step < steps; step += 1) run.step();
    // All that can happen has happened, often.
    for (const count of Object.values(run.seen)) expect(count).toBeGreaterThan(steps / 1_000);
  },
  120_000,
);
