/** Guarantee: a bug inside an actor costs that actor; the process lives, and nothing is admitted. */
import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { setup } from "xstate";
import { ask, leaveReply, type Replies } from "../../actors/ask.ts";
import { startExchange } from "../../actors/exchange.ts";
import { laneHealth, startProvider } from "../../actors/provider.ts";
import { ActorGoneError, supervise, type OnFailure } from "../../actors/supervise.ts";
import { startTenant, tenantBudgets } from "../../actors/tenant.ts";
import { assert, AssertionError } from "../../src/base/assert.ts";
import { allow } from "../../src/base/verdict.ts";
import {
  START_MS,
  admit,
  budgetRule,
  costing,
  laneInput,
  outcome,
  settle,
  tenantInput,
  tenantSlotOwners,
} from "./fixtures.ts";

/** What `onFailure` was told: that the actor died of a bug, or that an event came too late. */
function listener(): { readonly told: string[]; readonly onFailure: OnFailure } {
  const told: string[] = [];
  return {
    told,
    onFailure: (error) => told.push(error instanceof ActorGoneError ? "gone" : "bug"),
  };
}

describe("a throw inside the tenant's actor", () => {
  test("refuses the request it happened in and every later one, and says so", () => {
    const { told, onFailure } = listener();
    const handle = startTenant(tenantInput({ budgets: [budgetRule({})] }), onFailure);
    expect(handle.ask(admit("1")).allowed).toBe(true);
    const corrupt = handle.ask(admit("2", { options: costing(Number.NaN) }));
    expect(corrupt).toMatchObject({ allowed: false, refusal: { code: "internal_error" } });
    expect(handle.isAlive()).toBe(false);
    expect(handle.ask(admit("3"))).toMatchObject({ refusal: { code: "internal_error" } });
    expect(handle.send(settle("1", 5))).toBe(false);
    expect(told).toEqual(["bug", "gone", "gone"]);
  });

  test("leaves the record as it was before the event, for the successor", () => {
    const corrupt = [
      admit("2", { options: costing(0.5) }),
      admit("2", { tokens: Number.NaN }),
      admit("2", { atMs: Number.NaN }),
      settle("1", -1),
      settle("1", Number.NaN),
      {
        type: "exchange.end",
        exchangeId: "req_1",
        tokensUsed: Number.NaN,
        atMs: START_MS,
      } as const,
      { type: "exchange.undo", exchangeId: "req_1", atMs: Number.NaN } as const,
    ];
    for (const event of corrupt) {
      const { told, onFailure } = listener();
      const handle = startTenant(tenantInput({ budgets: [budgetRule({})] }), onFailure);
      handle.ask(admit("1"));
      const before = { budgets: tenantBudgets(handle, START_MS), owners: tenantSlotOwners(handle) };
      expect(handle.send(event)).toBe(false);
      expect({
        budgets: tenantBudgets(handle, START_MS),
        owners: tenantSlotOwners(handle),
      }).toEqual(before);
      expect(told).toEqual(["bug"]);
    }
  });

  test("while it is built is thrown to its builder", () => {
    const { told, onFailure } = listener();
    const input = tenantInput({ budgets: [budgetRule({ timeZone: "Mars/Olympus" })] });
    expect(() => startTenant(input, onFailure)).toThrow(RangeError);
    const nowhere = tenantInput({ atMs: Number.NaN });
    expect(() => startTenant(nowhere, onFailure)).toThrow(AssertionError);
    expect(told).toEqual([]);
  });
});

test("a throw inside the provider's actor refuses permits, and its health can still be read", () => {
  const { told, onFailure } = listener();
  const corrupt = [
    outcome("att_1", "bad", START_MS, { jitter: Number.NaN }),
    outcome("att_1", "ok", START_MS, { latencyMs: Number.NaN }),
    outcome("att_1", "throttled", Number.NaN),
    { type: "permit.request", attemptId: "att_2", atMs: Number.NaN } as const,
    {
      type: "attempt.end",
      attemptId: "att_1",
      observed: { model: "m", inputBytes: 1, inputTokens: Number.NaN },
      atMs: START_MS,
    } as const,
  ];
  for (const event of corrupt) {
    const handle = startProvider(laneInput(), onFailure);
    const question = { type: "permit.request", attemptId: "att_1", atMs: START_MS } as const;
    expect(handle.ask(question).allowed).toBe(true);
    expect(handle.send(event)).toBe(false);
    expect(handle.ask({ ...question, attemptId: "att_3" })).toMatchObject({
      allowed: false,
      refusal: { code: "internal_error" },
    });
    expect(laneHealth(handle, START_MS)).toMatchObject({ breaker: "closed", inFlight: 1 });
  }
  expect(told).toEqual(corrupt.flatMap(() => ["bug", "gone"]));
});

test("a throw inside the exchange's actor leads to settling, as failed", () => {
  const { told, onFailure } = listener();
  const input = { exchangeId: "req_1", candidates: 2, attemptsMax: 3, deadlineMs: 9_000, atMs: 0 };
  const failed = {
    type: "attempt.failed",
    retry: "elsewhere",
    throttled: false,
    retryAfterMs: null,
    jitter: Number.NaN,
    atMs: 0,
  } as const;
  for (const event of [failed, { ...failed, jitter: 0, atMs: Number.NaN }]) {
    const handle = startExchange(input, onFailure);
    expect(handle.send(event)).toBe(false);
    expect(handle.step()).toEqual({ do: "settle", failed: true });
  }
  expect(told).toEqual(["bug", "bug"]);
});

test("an event for an actor that was stopped is reported, not lost in silence", () => {
  const told: unknown[] = [];
  const handle = startTenant(tenantInput({}), (error) => told.push(error));
  handle.stop();
  expect(handle.isAlive()).toBe(false);
  expect(handle.send(settle("1", 5))).toBe(false);
  expect(handle.ask(admit("1"))).toMatchObject({ refusal: { code: "internal_error" } });
  expect(told).toEqual([
    new ActorGoneError("attempt.settle"),
    new ActorGoneError("exchange.admit"),
  ]);
  expect(String(told[0])).toBe(
    'ActorGoneError: the actor is gone; "attempt.settle" was not delivered',
  );
});

describe("asking an actor", () => {
  type Event = { readonly type: "question" | "trick question" | "hush" };

  /** Answers until it is hushed. */
  function startListener(onFailure: OnFailure) {
    const machine = setup({
      types: {
        context: {} as Replies<number>,
        events: {} as Event,
        input: {} as { readonly first: number },
      },
    }).createMachine({
      context: ({ input }) => ({ reply: null, replies: input.first }),
      initial: "answering",
      states: {
        answering: {
          on: {
            question: { actions: ({ context }) => leaveReply(context, allow(context.replies)) },
            "trick question": {
              actions: ({ context }) => {
                leaveReply(context, allow(context.replies));
                assert(false, "answered, and then failed");
              },
            },
            hush: { target: "silent" },
          },
        },
        silent: {},
      },
    });
    return supervise(machine, { first: 0 }, { onFailure });
  }

  test("gives the answer to this very event, though it is the same object again", () => {
    const { told, onFailure } = listener();
    const actor = startListener(onFailure);
    const question = { type: "question" } as const;
    expect([ask(actor, question), ask(actor, question)]).toEqual([allow(0), allow(1)]);
    expect(told).toEqual([]);
  });

  test("refuses when the actor dies of the event, though it had answered already", () => {
    const { told, onFailure } = listener();
    const actor = startListener(onFailure);
    expect(ask(actor, { type: "trick question" })).toMatchObject({
      allowed: false,
      refusal: { code: "internal_error" },
    });
    expect(told).toEqual(["bug"]);
  });

  test("refuses where the state has no answer, instead of giving the last one again", () => {
    const { told, onFailure } = listener();
    const actor = startListener(onFailure);
    const question = { type: "question" } as const;
    ask(actor, question);
    actor.send({ type: "hush" });
    expect(ask(actor, question)).toMatchObject({
      allowed: false,
      refusal: { code: "internal_error" },
    });
    expect(told).toEqual([]);
  });
});

test("the process outlives a throw inside each of the machines", async () => {
  const actors = resolve(import.meta.dir, "../../actors");
  const code = `
    const { startTenant } = await import(${JSON.stringify(`${actors}/tenant.ts`)});
    const { startProvider } = await import(${JSON.stringify(`${actors}/provider.ts`)});
    const { createProviderCommons } = await import(${JSON.stringify(`${actors}/provider-commons.ts`)});
    const { startExchange } = await import(${JSON.stringify(`${actors}/exchange.ts`)});
    const dead = [];
    const tenant = startTenant(
      { tenantId: "t", status: "active", budgets: [], limits: [], allowances: [], postedNanoUsd: {},
        openHolds: [], slotOwners: [], fills: [], atMs: 0 },
      () => dead.push("tenant"));
    tenant.send({
      type: "attempt.settle", attemptId: "a", costNanoUsd: NaN, observed: null, atMs: 0 });
    const commons = createProviderCommons({ providerId: "p", atMs: 0 });
    const provider = startProvider({ commons, family: "f", atMs: 0 }, () => dead.push("provider"));
    provider.send({ type: "permit.request", attemptId: "a", atMs: NaN });
    const exchange = startExchange(
      { exchangeId: "e", candidates: 1, attemptsMax: 1, deadlineMs: 9, atMs: 0 }, () => dead.push("exchange"));
    exchange.send({ type: "candidate.refused", atMs: NaN });
    // An error that nobody observed would be thrown in a later task.
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.stdout.write(dead.join(" ") + ", alive");
  `;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "pipe" });
  const [out, err, exit] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ out, err, exit }).toEqual({ out: "tenant provider exchange, alive", err: "", exit: 0 });
});
