/**
 * Guarantee: under any operations in any order the actor's money and slots are those of a plain list
 * of what happened. The model keeps that list and adds it up; it shares no code with the actor.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { tenantBudgets, tenantLimits } from "../../actors/tenant.ts";
import {
  admit,
  ask,
  budgetRule,
  DAY_MS,
  end,
  limitRule,
  SCOPES,
  settle,
  START_MS,
  tenant,
  undo,
} from "./fixtures.ts";

const TOKENS = ["tok_1", "tok_2"] as const;
const CAPS = { tok_1: 1_000, tok_2: 700, ten_1: 1_500 } as const;
const SLOTS = 4;

type Entry = {
  readonly name: string;
  readonly tokenId: "tok_1" | "tok_2";
  readonly day: number;
  readonly nanoUsd: number;
  costNanoUsd: number | null;
  isRunning: boolean;
};

function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Posted and held today under one scope, from the list. */
function moneyOf(entries: readonly Entry[], scopeId: string, atMs: number): [number, number] {
  const today = entries.filter(
    (entry) => entry.day === dayOf(atMs) && (scopeId === "ten_1" || entry.tokenId === scopeId),
  );
  return [
    sum(today.map((entry) => entry.costNanoUsd ?? 0)),
    sum(today.map((entry) => (entry.costNanoUsd === null ? entry.nanoUsd : 0))),
  ];
}

const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("admit" as const),
      tokenId: fc.constantFrom(...TOKENS),
      nanoUsd: fc.nat(400),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      nth: fc.nat(9),
      cost: fc.nat(500),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("end" as const), nth: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("undo" as const), nth: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(DAY_MS) }) },
);

test("posted, held, free and slots are what a plain list of the operations adds up to", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 120, size: "max" }), (steps) => {
      const handle = tenant({
        budgets: [
          budgetRule({ id: "tok_1", amountNanoUsd: CAPS.tok_1 }),
          budgetRule({
            id: "tok_2",
            scope: { type: "token", id: "tok_2" },
            amountNanoUsd: CAPS.tok_2,
          }),
          budgetRule({
            id: "ten_1",
            scope: { type: "tenant", id: "ten_1" },
            amountNanoUsd: CAPS.ten_1,
          }),
        ],
        limits: [limitRule({ scope: { type: "tenant", id: "ten_1" }, maxConcurrent: SLOTS })],
      });
      let atMs = START_MS;
      let entries: Entry[] = [];
      for (const [index, step] of steps.entries()) {
        if (step.kind === "pass") atMs += step.ms;
        if (step.kind === "admit") {
          const { tokenId, nanoUsd } = step;
          const fits = (["ten_1", tokenId] as const).every((scopeId) => {
            const [posted, held] = moneyOf(entries, scopeId, atMs);
            return nanoUsd === 0 || nanoUsd <= CAPS[scopeId] - posted - held;
          });
          const hasSlot = entries.filter(({ isRunning }) => isRunning).length < SLOTS;
          const scopes = { ...SCOPES, tokenId, projectId: null };
          const options = [{ nanoUsd, outputTokensCap: null }];
          expect(ask(handle, admit(`${index}`, { scopes, options, atMs }))).toBe(
            !hasSlot ? "concurrency_limit_exceeded" : fits ? "allowed" : "budget_exceeded",
          );
          if (hasSlot && fits) {
            const entry = { name: `${index}`, tokenId, day: dayOf(atMs), nanoUsd };
            entries.push({ ...entry, costNanoUsd: null, isRunning: true });
          }
        }
        const entry = "nth" in step ? entries.at(-1 - step.nth) : undefined;
        if (step.kind === "settle" && entry !== undefined) {
          handle.send(settle(entry.name, step.cost, atMs));
          entry.costNanoUsd ??= step.cost;
        }
        if (step.kind === "end" && entry !== undefined) {
          handle.send(end(entry.name, 0, atMs));
          entry.isRunning = false;
        }
        if (step.kind === "undo" && entry !== undefined) {
          handle.send(undo(entry.name, atMs));
          if (entry.isRunning && entry.costNanoUsd === null) {
            entries = entries.filter((each) => each !== entry);
          }
          entry.isRunning = false;
        }
        expect(
          tenantBudgets(handle, atMs).map((state) => [
            state.budgetId,
            [state.postedNanoUsd, state.heldNanoUsd],
          ]),
        ).toEqual(
          ["tok_1", "tok_2", "ten_1"].map((scopeId) => [scopeId, moneyOf(entries, scopeId, atMs)]),
        );
        expect(tenantLimits(handle, atMs)[0]?.inFlight).toBe(
          entries.filter(({ isRunning }) => isRunning).length,
        );
      }
    }),
    { numRuns: 200 },
  );
});
