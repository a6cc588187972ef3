/** Which price counts: the operator's, the catalogue's, a simulated model's, or none. */
import { describe, expect, test } from "bun:test";
import type { ModelPrice } from "../../../src/gateway/prices/price.ts";
import { effectivePrice } from "../../../src/gateway/prices/resolve.ts";
import {
  SIMULATED_PRICES,
  simulatedPrice,
  withoutScript,
} from "../../../src/gateway/prices/simulated.ts";
import type { PriceRow } from "../../../src/store/contract.ts";

const atMs = Date.UTC(2026, 10, 20);
const openAi = { name: "openai", baseUrl: "https://api.openai.com/v1", simulated: false };
const local = { name: "local", baseUrl: "http://127.0.0.1:9/v1", simulated: false };

const row: PriceRow = {
  id: "prc_1",
  providerId: "prv_1",
  model: "gpt-4o-mini",
  inputPicoUsd: 1,
  outputPicoUsd: 2,
  cachedInputPicoUsd: null,
  contextTokensMax: null,
  outputTokensMax: null,
  effectiveAtMs: 0,
  version: 1,
  createdAtMs: 0,
};

describe("the effective price", () => {
  test("is the operator's where there is one, with the bounds they left out from the catalogue", () => {
    const operator = {
      inputPicoUsd: 1,
      outputPicoUsd: 2,
      cachedInputPicoUsd: null,
      cacheWritePicoUsd: null,
      requestPicoUsd: 0,
      tiers: [],
      source: "operator",
    };
    const bounded: PriceRow = { ...row, contextTokensMax: 8_000, outputTokensMax: 100 };
    expect([
      effectivePrice(openAi, "gpt-4o-mini", row, atMs),
      effectivePrice(openAi, "gpt-4o-mini", bounded, atMs),
      effectivePrice(local, "llama3", row, atMs),
      effectivePrice(local, "sim-small", row, atMs),
    ]).toEqual([
      { ...operator, contextTokensMax: 128_000, outputTokensMax: null },
      { ...operator, contextTokensMax: 8_000, outputTokensMax: 100 },
      { ...operator, contextTokensMax: null, outputTokensMax: null },
      { ...operator, contextTokensMax: 128_000, outputTokensMax: 4_096 },
    ]);
  });

  test("of the operator may be 0, and is taken without the catalogue's tiers", () => {
    const zero: PriceRow = { ...row, inputPicoUsd: 0, outputPicoUsd: 0, cachedInputPicoUsd: 0 };
    const price = effectivePrice(openAi, "gpt-6-sol", zero, atMs);
    expect([
      price?.inputPicoUsd,
      price?.outputPicoUsd,
      price?.cachedInputPicoUsd,
      price?.tiers,
    ]).toEqual([0, 0, 0, []]);
  });

  test("is the same object while the row is the same, and a new one for a new row", () => {
    const first = effectivePrice(openAi, "gpt-4o-mini", row, atMs);
    expect([
      effectivePrice(openAi, "gpt-4o-mini", row, atMs + 1) === first,
      effectivePrice(openAi, "gpt-4o-mini", { ...row }, atMs) === first,
    ]).toEqual([true, false]);
  });

  test("is the catalogue's, else the simulated model's, else unknown", () => {
    const sources = [
      effectivePrice(openAi, "gpt-4o-mini", null, atMs),
      effectivePrice(local, "sim-large?tokens=3", null, atMs),
      effectivePrice(openAi, "sim-small", null, atMs), // Nobody else's models are ours.
      effectivePrice(local, "llama3", null, atMs),
      effectivePrice(openAi, "gpt-unknown", null, atMs),
    ].map((price) => price?.source ?? null);
    expect(sources).toEqual(["catalogue:0.1.8", "simulated", null, null, null]);
  });
});

describe("simulated models", () => {
  const { "sim-small": small, "sim-large": large, "sim-embed": embed } = SIMULATED_PRICES;

  test("cost what the README says", () => {
    const bounds = { contextTokensMax: 128_000, outputTokensMax: 4_096 };
    expect([small, large, embed]).toEqual(
      [
        [150_000, 600_000],
        [2_500_000, 10_000_000],
        [20_000, 0],
      ].map(([inputPicoUsd = 0, outputPicoUsd = 0]) =>
        Object.assign(
          { inputPicoUsd, outputPicoUsd, cachedInputPicoUsd: null, cacheWritePicoUsd: null },
          { requestPicoUsd: 0, tiers: [], source: "simulated" },
          bounds,
        ),
      ),
    );
  });

  test("are known by name without their script, and others of the family cost what the small one does", () => {
    const rows: readonly (readonly [string, ModelPrice | null])[] = [
      ["sim-small", small],
      ["sim-small?tokens=20&cut_at=3", small],
      ["sim-large?", large],
      ["sim-embed?x", embed],
      ["sim-slow", small],
      ["sim-constructor", small],
      ["sim-", small],
      ["sim", null],
      ["SIM-small", null],
      ["my-sim-small", null],
      ["", null],
    ];
    expect(rows.map(([model]) => simulatedPrice(model))).toEqual(rows.map(([, price]) => price));
  });

  test("lose their script, other models keep their question mark", () => {
    expect(["sim-small?a=1?b", "sim-small", "gpt?x"].map(withoutScript)).toEqual([
      "sim-small",
      "sim-small",
      "gpt?x",
    ]);
  });
});
