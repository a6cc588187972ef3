/** Costs in nano-dollars, computed by hand, and that no attempt can cost more than its worst case. */
import { describe, expect, test } from "bun:test";
import type { Usage, UsageDetails } from "../../../src/dialects/usage-contract.ts";
import { exactNanoUsd, worstCaseNanoUsd } from "../../../src/gateway/prices/cost.ts";
import type { ModelPrice } from "../../../src/gateway/prices/price.ts";
import { testPrice } from "./support/price.ts";

/** 0.15 and 0.60 USD per million, cached input at half. */
const small = testPrice({
  inputPicoUsd: 150_000,
  outputPicoUsd: 600_000,
  cachedInputPicoUsd: 75_000,
  contextTokensMax: 128_000,
});

/** 2 and 10 USD per million, above 272,000 input tokens 4 and 15; cache 0.20 / 0.40, writing 2.50 / 5. */
const tiered = testPrice({
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
});

/** Every kind at a price of its own: 1 and 10 USD per million for text. */
const rich = testPrice({
  inputPicoUsd: 1_000_000,
  outputPicoUsd: 10_000_000,
  cachedInputPicoUsd: 100_000,
  cacheWritePicoUsd: 1_250_000,
  cacheWrite1hPicoUsd: 2_000_000,
  reasoningPicoUsd: 12_000_000,
  audioInputPicoUsd: 30_000_000,
  cachedAudioInputPicoUsd: 300_000,
  audioOutputPicoUsd: 60_000_000,
  imageInputPicoUsd: 5_000_000,
  imageOutputPicoUsd: 40_000_000,
  // A cent a search.
  toolCallPicoUsd: { web_search: 10_000_000_000 },
  requestPicoUsd: 1_000_000,
  batchPermille: 500,
});

const uncached: ModelPrice = { ...small, cachedInputPicoUsd: null };
const perRequest: ModelPrice = { ...small, requestPicoUsd: 12_000_000_000 };
const odd: ModelPrice = { ...uncached, inputPicoUsd: 1, outputPicoUsd: 999 };
const free: ModelPrice = { ...uncached, inputPicoUsd: 0, outputPicoUsd: 0 };

type Tokens = readonly [input: number, output: number, cached: number, written?: number];

const noDetails: UsageDetails = {
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  cachedAudioInputTokens: 0,
  imageInputTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: {},
};

function usage([inputTokens, outputTokens, cachedInputTokens, written]: Tokens): Usage {
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens,
    reasoningTokens: 0,
    details: written === undefined ? null : { ...noDetails, cacheWriteTokens: written },
  };
}

function detailed(
  inputTokens: number,
  outputTokens: number,
  details: Partial<UsageDetails>,
  more: Partial<Usage> = {},
): Usage {
  const plain = usage([inputTokens, outputTokens, 0]);
  return { ...plain, ...more, details: { ...noDetails, ...details } };
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

describe("the exact cost of every kind", () => {
  const rows: readonly (readonly [string, ModelPrice, Usage, nanoUsd: number])[] = [
    // 400 × 1 + 100 × 0.1 + 300 × 1.25 + 200 × 2 = 400 + 10 + 375 + 400 µUSD, 1 µUSD the request.
    [
      "writing to the cache for five minutes and for an hour",
      rich,
      detailed(
        1_000,
        0,
        { cacheWriteTokens: 300, cacheWrite1hTokens: 200 },
        { cachedInputTokens: 100 },
      ),
      1_186_000,
    ],
    // 40 × 10 + 60 × 12 = 400 + 720 µUSD, 1 µUSD the request.
    ["reasoning", rich, detailed(0, 100, {}, { reasoningTokens: 60 }), 1_121_000],
    // 10 × 1 + 30 × 0.1 + 50 × 30 + 10 × 0.3 = 10 + 3 + 1500 + 3 µUSD, 1 µUSD the request.
    [
      "audio input, cached and not",
      rich,
      detailed(
        100,
        0,
        { audioInputTokens: 60, cachedAudioInputTokens: 10 },
        { cachedInputTokens: 40 },
      ),
      1_517_000,
    ],
    // 30 × 1 + 70 × 5 + 20 × 10 + 50 × 60 + 30 × 40 = 30 + 350 + 200 + 3000 + 1200 µUSD, 1 the request.
    [
      "pictures in, sound and pictures out",
      rich,
      detailed(100, 100, { imageInputTokens: 70, audioOutputTokens: 50, imageOutputTokens: 30 }),
      4_781_000,
    ],
    // 3 × 0.01 USD and 1 µUSD.
    ["calls of a tool", rich, detailed(0, 0, { toolCalls: { web_search: 3 } }), 30_001_000],
    // The fee that nobody published is 0.05 USD; 1 µUSD the request.
    ["calls of an unpriced tool", rich, detailed(0, 0, { toolCalls: { oracle: 2 } }), 100_001_000],
    ["calls of a tool without a fee", rich, detailed(0, 0, { toolCalls: { mcp: 9 } }), 1_000],
    [
      "a tool with the name of an object's member",
      rich,
      detailed(0, 0, { toolCalls: { constructor: 1 } }),
      50_001_000,
    ],
    ["tools of a free model", free, detailed(9, 9, { toolCalls: { oracle: 2 } }), 0],
    // Where a price is open: 0.15 and 0.60, 300 × 0.15 + 100 × 0.075 + 100 × 0.6 µUSD.
    [
      "kinds whose price is open, at that of text",
      small,
      detailed(
        400,
        100,
        {
          cacheWriteTokens: 50,
          cacheWrite1hTokens: 50,
          audioInputTokens: 100,
          cachedAudioInputTokens: 50,
          imageInputTokens: 50,
          audioOutputTokens: 30,
          imageOutputTokens: 30,
        },
        { cachedInputTokens: 100, reasoningTokens: 20 },
      ),
      112_500,
    ],
    // An hour at what five minutes cost: 100 × 2.5 µUSD.
    ["an hour of unknown price", tiered, detailed(100, 0, { cacheWrite1hTokens: 100 }), 250_000],
    // Cached audio of unknown price is audio, not text: 100 × 30 µUSD.
    [
      "cached audio of unknown price",
      { ...rich, cachedAudioInputPicoUsd: null, requestPicoUsd: 0 },
      detailed(
        100,
        0,
        { audioInputTokens: 100, cachedAudioInputTokens: 100 },
        { cachedInputTokens: 100 },
      ),
      3_000_000,
    ],
    // Ten tokens are ten tokens: all of them sound, 10 × 60 µUSD, 1 µUSD the request.
    [
      "parts that together pass their whole",
      rich,
      detailed(0, 10, { audioOutputTokens: 99, imageOutputTokens: 99 }, { reasoningTokens: 99 }),
      601_000,
    ],
  ];
  for (const [name, price, used, nanoUsd] of rows) {
    test(name, () => {
      expect(exactNanoUsd(used, price)).toBe(nanoUsd);
    });
  }
});

describe("a batch", () => {
  test("costs its share of the tokens and the whole of the fees, rounded up once", () => {
    const used = detailed(1_000, 100, { toolCalls: { web_search: 1 } });
    const third: ModelPrice = { ...odd, batchPermille: 333 };
    expect([
      // Half of 1000 + 1000 µUSD, and 0.01 USD and 1 µUSD of fees.
      exactNanoUsd(used, rich, { batch: true }),
      exactNanoUsd(used, rich, { batch: false }),
      exactNanoUsd(used, { ...rich, batchPermille: null }, { batch: true }),
      exactNanoUsd(used, { ...rich, batchPermille: 0 }, { batch: true }),
      // 3 pico-dollars at a third are less than one nano-dollar, which is rounded up to.
      exactNanoUsd(usage([3, 0, 0]), third, { batch: true }),
      // (1 + 3 × 999) × 0.333 = 998.334 pico-dollars; with 7 × 999 it is 2328.
      exactNanoUsd(usage([1, 3, 0]), third, { batch: true }),
      exactNanoUsd(usage([0, 7, 0]), third, { batch: true }),
      // 7,500 USD, past 2^53 in pico-dollars, at half.
      exactNanoUsd(
        usage([10_000_000_000, 10_000_000_000, 0]),
        { ...uncached, batchPermille: 500 },
        { batch: true },
      ),
    ]).toEqual([11_001_000, 12_001_000, 12_001_000, 10_001_000, 1, 1, 3, 3_750_000_000_000]);
  });
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

  test("assumes the dearest kinds unless the request cannot have them, and the calls it is told of", () => {
    const bounds = { inputTokensBound: 100, outputTokens: 10, choices: 1, price: rich };
    const media = ["audio_input", "image_input", "audio_output", "image_output"] as const;
    expect([
      // 100 × 30 + 10 × 60 + 1 µUSD.
      worstCaseNanoUsd(bounds),
      // 100 × 5 (pictures) + 10 × 40 + 1 µUSD.
      worstCaseNanoUsd({ ...bounds, without: ["audio_input", "audio_output"] }),
      // 100 × 2 (an hour in the cache) + 10 × 12 (reasoning) + 1 µUSD.
      worstCaseNanoUsd({ ...bounds, without: media }),
      // 100 × 1.25 (five minutes in the cache) + 10 × 12 + 1 µUSD.
      worstCaseNanoUsd({ ...bounds, without: [...media, "cache_write_1h"] }),
      // And 2 × 0.01 USD + 1 × 0.05 USD.
      worstCaseNanoUsd({ ...bounds, toolCallsMax: { web_search: 2, oracle: 1 } }),
    ]).toEqual([3_601_000, 901_000, 321_000, 246_000, 73_601_000]);
  });
});
