/** Which price counts: the operator's, the catalogue's, a simulated model's, or none. */
import { describe, expect, test } from "bun:test";
import type { ModelPrice } from "../../../src/gateway/prices/price.ts";
import { effectivePrice, operatorPrice } from "../../../src/gateway/prices/resolve.ts";
import {
  SIMULATED_PRICES,
  simulatedPrice,
  withoutScript,
} from "../../../src/gateway/prices/simulated.ts";
import type { PriceRow } from "../../../src/store/contract.ts";
import { testPrice } from "./support/price.ts";

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
  cacheWritePicoUsd: null,
  cacheWrite1hPicoUsd: null,
  reasoningPicoUsd: null,
  audioInputPicoUsd: null,
  audioOutputPicoUsd: null,
  imageInputPicoUsd: null,
  imageOutputPicoUsd: null,
  imagePicoUsd: null,
  audioSecondPicoUsd: null,
  characterPicoUsd: null,
  searchUnitPicoUsd: null,
  requestPicoUsd: null,
  toolCallPicoUsd: null,
  tiers: null,
  batchPermille: null,
  contextTokensMax: null,
  outputTokensMax: null,
  effectiveAtMs: 0,
  version: 1,
  createdAtMs: 0,
};

describe("the effective price", () => {
  test("is the operator's where there is one, with the bounds they left out from the catalogue", () => {
    const operator = testPrice({ inputPicoUsd: 1, outputPicoUsd: 2, source: "operator" });
    const bounded: PriceRow = { ...row, contextTokensMax: 8_000, outputTokensMax: 100 };
    // What the operator does not speak of is as listed: 10 and 2.50 USD per thousand calls.
    const toolCallPicoUsd = { web_search: 10_000_000_000, file_search: 2_500_000_000 };
    expect([
      effectivePrice(openAi, "gpt-4o-mini", row, atMs),
      effectivePrice(openAi, "gpt-4o-mini", bounded, atMs),
      effectivePrice(local, "llama3", row, atMs),
      effectivePrice(local, "sim-small", row, atMs),
    ]).toEqual([
      { ...operator, toolCallPicoUsd, contextTokensMax: 128_000, outputTokensMax: null },
      { ...operator, toolCallPicoUsd, contextTokensMax: 8_000, outputTokensMax: 100 },
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

describe("an operator's price", () => {
  const listed = testPrice({
    inputPicoUsd: 5,
    requestPicoUsd: 6,
    toolCallPicoUsd: { web_search: 7 },
    cacheWritePicoUsd: 8,
    batchPermille: 500,
    tiers: [{ aboveInputTokens: 9 }],
    outputTokensMax: 10,
    source: "catalogue:test",
  });

  test("is all that it says, in the order of its tiers", () => {
    const said = {
      cachedInputPicoUsd: 12,
      cacheWritePicoUsd: 13,
      cacheWrite1hPicoUsd: 14,
      reasoningPicoUsd: 15,
      audioInputPicoUsd: 16,
      audioOutputPicoUsd: 17,
      imageInputPicoUsd: 18,
      imageOutputPicoUsd: 19,
      requestPicoUsd: 0,
      toolCallPicoUsd: { web_search: 0, oracle: 19 },
      batchPermille: 250,
    };
    const tiers = [2_000, 1_000].map((aboveInputTokens) => ({
      aboveInputTokens,
      inputPicoUsd: aboveInputTokens,
      outputPicoUsd: 3,
      cachedInputPicoUsd: null,
      cacheWritePicoUsd: 4,
    }));
    // What a tier cannot name is as below it, or as the tier's own text where that is dearer.
    const beyond = {
      outputPicoUsd: 3,
      cacheWritePicoUsd: 4,
      cacheWrite1hPicoUsd: 14,
      reasoningPicoUsd: 15,
      audioOutputPicoUsd: 17,
      imageOutputPicoUsd: 19,
    };
    expect(operatorPrice({ ...row, ...said, tiers }, listed)).toEqual(
      testPrice({
        ...said,
        inputPicoUsd: 1,
        outputPicoUsd: 2,
        tiers: [1_000, 2_000].map((above) => ({
          ...beyond,
          aboveInputTokens: above,
          inputPicoUsd: above,
          audioInputPicoUsd: above,
          imageInputPicoUsd: above,
        })),
        outputTokensMax: 10,
        source: "operator",
      }),
    );
  });

  test("leaves open in its tiers what it leaves open below them", () => {
    const tier = { inputPicoUsd: 3, outputPicoUsd: 4, cachedInputPicoUsd: 5, cacheWritePicoUsd: 6 };
    const price = operatorPrice({ ...row, tiers: [{ aboveInputTokens: 9, ...tier }] }, null);
    expect(price.tiers).toEqual(testPrice({ tiers: [{ aboveInputTokens: 9, ...tier }] }).tiers);
  });

  test("that does not speak of fees has the listed ones, unless it is free", () => {
    const zero: PriceRow = { ...row, inputPicoUsd: 0, outputPicoUsd: 0 };
    const fees = [row, zero, { ...zero, requestPicoUsd: 3 }].map((one) => {
      const { requestPicoUsd, toolCallPicoUsd } = operatorPrice(one, listed);
      return [requestPicoUsd, toolCallPicoUsd];
    });
    const alone = operatorPrice({ ...row }, null);
    expect([...fees, [alone.requestPicoUsd, alone.toolCallPicoUsd]]).toEqual([
      [6, { web_search: 7 }],
      [0, {}],
      [3, { web_search: 7 }],
      [0, {}],
    ]);
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
        testPrice({ inputPicoUsd, outputPicoUsd, source: "simulated", ...bounds }),
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
