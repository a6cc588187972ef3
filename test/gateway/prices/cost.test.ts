/** Costs in nano-dollars, computed by hand, and that no attempt can cost more than its worst case. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  type BilledTokens,
  exactNanoUsd,
  worstCaseNanoUsd,
} from "../../../src/gateway/prices/cost.ts";
import type { ModelPrice, PriceTier, Rates } from "../../../src/gateway/prices/price.ts";

/** 0.15 and 0.60 USD per million, cached input at half. */
const small: ModelPrice = {
  inputPicoUsd: 150_000,
  outputPicoUsd: 600_000,
  cachedInputPicoUsd: 75_000,
  cacheWritePicoUsd: null,
  requestPicoUsd: 0,
  tiers: [],
  contextTokensMax: 128_000,
  outputTokensMax: null,
  source: "test",
};

/** 2 and 10 USD per million, above 272,000 input tokens 4 and 15; cache 0.20 / 0.40, writing 2.50 / 5. */
const tiered: ModelPrice = {
  ...small,
  inputPicoUsd: 2_000_000,
  outputPicoUsd: 10_000_000,
  cachedInputPicoUsd: 200_000,
  cacheWritePicoUsd: 2_500_000,
  tiers: [
    {
      aboveInputTokens: 272_000,
      inputPicoUsd: 4_000_000,
      outputPicoUsd: 15_000_000,
      cachedInputPicoUsd: 400_000,
      cacheWritePicoUsd: 5_000_000,
    },
  ],
};

const uncached: ModelPrice = { ...small, cachedInputPicoUsd: null };
const perRequest: ModelPrice = { ...small, requestPicoUsd: 12_000_000_000 };
const odd: ModelPrice = { ...uncached, inputPicoUsd: 1, outputPicoUsd: 999 };
const free: ModelPrice = { ...uncached, inputPicoUsd: 0, outputPicoUsd: 0 };

type Tokens = readonly [input: number, output: number, cached: number, written?: number];

function usage([
  inputTokens,
  outputTokens,
  cachedInputTokens,
  cacheWriteTokens,
]: Tokens): BilledTokens {
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens,
    ...(cacheWriteTokens === undefined ? {} : { cacheWriteTokens }),
  };
}

describe("the exact cost", () => {
  const rows: readonly (readonly [string, ModelPrice, Tokens, nanoUsd: number])[] = [
    ["nothing costs nothing", small, [0, 0, 0], 0],
    // 1000 × 0.15 = 150 µUSD, 500 × 0.60 = 300 µUSD.
    ["input and output", small, [1_000, 500, 0], 450_000],
    // 600 × 0.15 + 400 × 0.075 = 90 + 30 µUSD.
    ["cached input at its own price", small, [1_000, 0, 400], 120_000],
    ["cached input at the input's price when it has none", uncached, [1_000, 0, 400], 150_000],
    ["all input cached", small, [1_000, 0, 1_000], 75_000],
    // 100 × 2 + 500 × 0.2 + 400 × 2.5 = 200 + 100 + 1000 µUSD.
    ["input written to the cache", tiered, [1_000, 0, 500, 400], 1_300_000],
    ["more cached than there is counts as all", small, [1_000, 0, 5_000], 75_000],
    ["more written than is left counts as the rest", tiered, [1_000, 0, 600, 900], 1_120_000],
    // 272,000 × 2 USD per million = 0.544 USD; 1 × 10 µUSD.
    ["at the tier's bound the base rates hold", tiered, [272_000, 1, 0], 544_010_000],
    // 272,001 × 4 µUSD = 1.088004 USD, 1 × 15 µUSD.
    [
      "one token above, the tier's rates hold for all of it",
      tiered,
      [272_001, 1, 0],
      1_088_019_000,
    ],
    ["per request on top", perRequest, [1_000, 500, 0], 12_450_000],
    ["a single pico-dollar is rounded up to a nano-dollar", odd, [1, 0, 0], 1],
    ["1000 pico-dollars are one nano-dollar", odd, [1, 1, 0], 1],
    ["1001 pico-dollars are two", odd, [2, 1, 0], 2],
    ["a price of 0 costs nothing", free, [1_000_000, 1_000_000, 0], 0],
    // 10^10 × 0.15 µUSD + 10^10 × 0.60 µUSD = 7,500 USD: past 2^53 in pico-dollars.
    ["beyond doubles", small, [10_000_000_000, 10_000_000_000, 0], 7_500_000_000_000],
  ];
  for (const [name, price, tokens, nanoUsd] of rows) {
    test(name, () => {
      expect(exactNanoUsd(usage(tokens), price)).toBe(nanoUsd);
    });
  }
});

describe("the worst case", () => {
  const rows: readonly (readonly [
    string,
    ModelPrice,
    input: number,
    output: number,
    choices: number,
    nanoUsd: number,
  ])[] = [
    ["is all input and all output", small, 1_000, 500, 1, 450_000],
    ["pays the output of every choice and the input once", small, 1_000, 500, 3, 1_050_000],
    ["has no output where nothing is generated", small, 1_000, 0, 1, 150_000],
    // Writing to the cache is dearer than input: 1000 × 2.5 µUSD.
    ["takes the dearest kind of input", tiered, 1_000, 0, 1, 2_500_000],
    ["stays in the base rates up to a tier's bound", tiered, 272_000, 0, 1, 680_000_000],
    ["takes a tier that can apply", tiered, 272_001, 1, 1, 1_360_020_000],
    ["includes the price per request", perRequest, 0, 0, 1, 12_000_000],
    ["is nothing at a price of 0", free, 1_000, 1_000, 5, 0],
    ["goes beyond doubles", small, 10_000_000_000, 5_000_000_000, 2, 7_500_000_000_000],
  ];
  for (const [name, price, inputTokensBound, outputTokens, choices, nanoUsd] of rows) {
    test(name, () => {
      expect(worstCaseNanoUsd({ inputTokensBound, outputTokens, choices, price })).toBe(nanoUsd);
    });
  }

  test("takes the dearest rates also when a longer input is cheaper", () => {
    const cheaper: ModelPrice = {
      ...uncached,
      tiers: [{ ...uncached, aboveInputTokens: 100, inputPicoUsd: 1_000, outputPicoUsd: 900_000 }],
    };
    // Input at the base's 0.15, output at the tier's 0.90: 1000 × 0.15 + 100 × 0.9 = 240 µUSD.
    const bounds = { inputTokensBound: 1_000, outputTokens: 100, choices: 1, price: cheaper };
    expect(worstCaseNanoUsd(bounds)).toBe(240_000);
  });

  test("is never below the exact cost of any usage within its bounds", () => {
    const picoUsd = fc.nat({ max: 20_000_000 });
    const optional = fc.option(picoUsd, { nil: null });
    const rates: fc.Arbitrary<Rates> = fc.record({
      inputPicoUsd: picoUsd,
      outputPicoUsd: picoUsd,
      cachedInputPicoUsd: optional,
      cacheWritePicoUsd: optional,
    });
    const tiers: fc.Arbitrary<readonly PriceTier[]> = fc
      .array(fc.tuple(fc.nat({ max: 300_000 }), rates), { maxLength: 3 })
      .map((list) =>
        list
          .toSorted(([a], [b]) => a - b)
          .map(([aboveInputTokens, tier]) => Object.assign({ aboveInputTokens }, tier)),
      );
    const tokens = fc.nat({ max: 400_000 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        rates,
        tiers,
        picoUsd,
        fc.tuple(tokens, tokens, fc.integer({ min: 1, max: 8 })),
        fc.tuple(share, share, share, share),
        (base, priceTiers, requestPicoUsd, [inputBound, outputBound, choices], shares) => {
          const price: ModelPrice = { ...small, ...base, requestPicoUsd, tiers: priceTiers };
          const inputTokens = Math.floor(inputBound * shares[0]);
          const cost = exactNanoUsd(
            {
              inputTokens,
              outputTokens: Math.floor(outputBound * choices * shares[1]),
              cachedInputTokens: Math.floor(inputTokens * shares[2]),
              cacheWriteTokens: Math.floor(inputTokens * shares[3]),
            },
            price,
          );
          const worst = worstCaseNanoUsd({
            inputTokensBound: inputBound,
            outputTokens: outputBound,
            choices,
            price,
          });
          expect(cost).toBeLessThanOrEqual(worst);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
