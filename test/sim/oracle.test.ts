/** The oracle is worth something only as long as it shares no code with what it judges. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { spanOf } from "./calendar.ts";
import { chargeNanoUsd } from "./charge.ts";
import { amountAt, lessResets } from "./credit.ts";
import type { BudgetTerms } from "./oracle-types.ts";

/** Files that the oracle consists of. */
const ORACLE = readdirSync(import.meta.dir).filter(
  (name) =>
    /^(?:oracle|calendar|charge|credit|in-scope|ledger-view)/.test(name) &&
    !name.includes(".test."),
);

test("the oracle imports nothing but itself and the reader of the file", () => {
  expect(ORACLE.length).toBeGreaterThan(8);
  const foreign = ORACLE.flatMap((name) => {
    const text = readFileSync(join(import.meta.dir, name), "utf8");
    const imports = [...text.matchAll(/from "([^"]+)"/g)].map(([, from]) => from ?? "");
    return imports
      .filter((from) => from !== "bun:sqlite" && !ORACLE.includes(from.replace("./", "")))
      .map((from) => `${name} imports ${from}`);
  });
  expect(foreign).toEqual([]);
});

test("its calendar knows hours, days, weeks and months of zones beside UTC", () => {
  const at = Date.UTC(2026, 8, 16, 18, 20);
  const span = (window: string, zone: string): string[] => {
    const { startMs, endMs } = spanOf(window, zone, at);
    return [startMs, endMs].map((ms) => new Date(ms).toISOString().slice(0, 16));
  };
  expect(span("hour", "Asia/Kathmandu")).toEqual(["2026-09-16T18:15", "2026-09-16T19:15"]);
  expect(span("day", "Asia/Kathmandu")).toEqual(["2026-09-16T18:15", "2026-09-17T18:15"]);
  expect(span("day", "Asia/Kolkata")).toEqual(["2026-09-15T18:30", "2026-09-16T18:30"]);
  expect(span("week", "UTC")).toEqual(["2026-09-14T00:00", "2026-09-21T00:00"]);
  expect(span("month", "Asia/Kolkata")).toEqual(["2026-08-31T18:30", "2026-09-30T18:30"]);
  expect(spanOf("total", "UTC", at)).toEqual({ startMs: 0, endMs: Number.POSITIVE_INFINITY });
});

test("its prices are rounded up once", () => {
  const rates = { inputPicoUsd: 150_001, outputPicoUsd: 600_000, cachedPicoUsd: 75_000 };
  const tokens = { inputTokens: 10, cachedTokens: 3, generatedTokens: 2 };
  expect(chargeNanoUsd(tokens, rates)).toBe(2_476);
  expect(chargeNanoUsd(tokens, { ...rates, cachedPicoUsd: null })).toBe(2_701);
});

test("its credits count while they are in force", () => {
  const day = Date.UTC(2026, 8, 16);
  const terms: BudgetTerms = {
    id: "b",
    scopeKind: "global",
    scopeId: "*",
    tenantId: null,
    amountNanoUsd: 100,
    window: "day",
    timeZone: "UTC",
    mode: "hard",
    credits: [
      { kind: "top_up", amountNanoUsd: 10, startsAtMs: day + 5, expiresAtMs: day + 9 },
      { kind: "top_up", amountNanoUsd: 7, startsAtMs: day + 6, expiresAtMs: null },
      { kind: "reset", amountNanoUsd: 40, startsAtMs: day + 7, expiresAtMs: null },
    ],
  };
  const amounts = [day, day + 5, day + 6, day + 9, day + 86_400_000];
  expect(amounts.map((ms) => amountAt(terms, ms))).toEqual([100, 110, 117, 107, 100]);
  expect(lessResets(50, terms, spanOf("day", "UTC", day))).toBe(10);
  expect(lessResets(30, terms, spanOf("day", "UTC", day))).toBe(0);
  expect(lessResets(50, terms, spanOf("day", "UTC", day - 1))).toBe(50);
});
