/** What is no token: what it costs beside tokens or in their place, and which prices of it can be meant. */
import { describe, expect, test } from "bun:test";
import type { UnitCounts, Usage } from "../../../src/dialects/usage-contract.ts";
import type { Meter } from "../../../src/dialects/surfaces.ts";
import { exactNanoUsd, tellsCost, worstCaseNanoUsd } from "../../../src/gateway/prices/cost.ts";
import { pricePlausibility } from "../../../src/gateway/prices/plausible.ts";
import { previewCost } from "../../../src/gateway/prices/preview.ts";
import { isFree, type ModelPrice, pricesAny } from "../../../src/gateway/prices/price.ts";
import { testPrice } from "./support/price.ts";

/** 0.04 USD a picture. */
const perImage = testPrice({ imagePicoUsd: 40_000_000_000 });
/** 5 and 40 USD per million tokens. */
const byTokens = testPrice({ inputPicoUsd: 5_000_000, outputPicoUsd: 40_000_000 });
const either: ModelPrice = { ...byTokens, imagePicoUsd: 40_000_000_000 };
/** 15 USD per million characters; 0.0001 USD a second; 0.002 USD a search. */
const others = testPrice({
  characterPicoUsd: 15_000_000,
  audioSecondPicoUsd: 100_000_000,
  searchUnitPicoUsd: 2_000_000_000,
});

function used(units: UnitCounts, inputTokens = 0, outputTokens = 0): Usage {
  const none = {
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    audioInputTokens: 0,
    cachedAudioInputTokens: 0,
    imageInputTokens: 0,
    audioOutputTokens: 0,
    imageOutputTokens: 0,
    toolCalls: {},
  };
  const tokens = { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 };
  return { ...tokens, details: { ...none, units } };
}

describe("the cost of an answer", () => {
  test.each<readonly [what: string, Usage, ModelPrice, nanoUsd: number]>([
    ["is its pictures'", used({ images: 3 }), perImage, 120_000_000],
    ["is its pictures' though they took tokens", used({ images: 1 }, 9, 99), perImage, 40_000_000],
    ["is its tokens' where they have a price", used({ images: 1 }, 10, 100), byTokens, 4_050_000],
    ["is its tokens' where both have one", used({ images: 1 }, 10, 100), either, 4_050_000],
    ["is its pictures' where no tokens were told", used({ images: 2 }), either, 80_000_000],
    ["is its characters'", used({ characters: 7 }), others, 105_000],
    ["is its seconds'", used({ audio_seconds: 61 }), others, 6_100_000],
    ["is its searches'", used({ search_units: 2 }), others, 4_000_000],
    ["is every unit's", used({ search_units: 1, characters: 1 }), others, 2_015_000],
    [
      "has the fee of a request in it",
      used({ images: 1 }),
      { ...perImage, requestPicoUsd: 1_000_000 },
      40_001_000,
    ],
    ["is rounded up once", used({ characters: 3 }), testPrice({ characterPicoUsd: 400 }), 2],
  ])("%s", (_what, usage, price, nanoUsd) => {
    expect(exactNanoUsd(usage, price)).toBe(nanoUsd);
  });

  test("cannot be told by units that have no price, and no tokens", () => {
    const told = [
      tellsCost(used({ images: 1 }), byTokens),
      tellsCost(used({ images: 1 }, 1, 0), byTokens),
      tellsCost(used({ images: 1 }), perImage),
      tellsCost(used({ images: 1 }), others),
    ];
    expect(told).toEqual([false, true, true, false]);
  });
});

function worst(price: ModelPrice, unitsMax?: UnitCounts): number {
  const bounds = { inputTokensBound: 100, outputTokens: 1_000, choices: 2, price };
  return worstCaseNanoUsd(unitsMax === undefined ? bounds : { ...bounds, unitsMax });
}

describe("the worst case", () => {
  test("is the dearer of tokens and units, and never their sum", () => {
    expect([
      worst(either, { images: 2 }),
      worst(either, { images: 3 }),
      worst(perImage, { images: 2 }),
      worst(byTokens, { images: 2 }),
      worst(either),
    ]).toEqual([80_500_000, 120_000_000, 80_000_000, 80_500_000, 80_500_000]);
  });
});

test("a price prices a meter by a rate of it, and 0 per token is one only where nothing else is", () => {
  const meters: readonly Meter[] = ["tokens", "images", "characters", "free"];
  const priced = (price: ModelPrice): boolean[] => meters.map((meter) => pricesAny(price, [meter]));
  expect([priced(byTokens), priced(perImage), priced(either), priced(testPrice({}))]).toEqual([
    [true, false, false, true],
    [false, true, false, true],
    [true, true, false, true],
    [true, false, false, true],
  ]);
  expect(pricesAny(perImage, ["tokens", "images"])).toBe(true);
  expect([isFree(perImage), isFree(testPrice({ imagePicoUsd: 0 }))]).toEqual([false, true]);
});

describe("a price of a unit", () => {
  const nobody = { listed: null, sameModel: [], sameProvider: [], market: [] };
  const doubted = (price: ModelPrice): readonly unknown[] => {
    const answer = pricePlausibility(price, nobody);
    return answer.plausible
      ? []
      : answer.doubts.map(({ amount, suggestedPicoUsd }) => [amount.kind, suggestedPicoUsd]);
  };

  test.each<readonly [what: string, ModelPrice, readonly unknown[]]>([
    ["as published", { ...others, imagePicoUsd: 40_000_000_000 }, []],
    ["explicitly free", testPrice({ imagePicoUsd: 0 }), []],
    [
      "of a picture, in cents",
      testPrice({ imagePicoUsd: 4_000_000_000_000 }),
      [["imagePicoUsd", 40_000_000_000]],
    ],
    [
      "of a second, per minute",
      testPrice({ audioSecondPicoUsd: 6_000_000_000 }),
      [["audioSecondPicoUsd", 100_000_000]],
    ],
    [
      "of a search, per thousand",
      testPrice({ searchUnitPicoUsd: 2_000_000_000_000 }),
      [["searchUnitPicoUsd", 2_000_000_000]],
    ],
    [
      "of characters, per thousand",
      testPrice({ characterPicoUsd: 15_000 }),
      [["characterPicoUsd", 15_000_000]],
    ],
    [
      "of a picture, more than anything may cost",
      testPrice({ imagePicoUsd: 200_000_000_000_000 }),
      [["imagePicoUsd", null]],
    ],
  ])("%s", (_what, price, doubts) => {
    expect(doubted(price)).toEqual(doubts);
  });
});

test("a price of units is told in amounts that people know, and of tokens only where they have one", () => {
  expect(previewCost({ ...others, imagePicoUsd: 40_000_000_000 }).sentence).toBe(
    "A thousand pictures cost 40.00 USD. An hour of sound costs 0.36 USD. " +
      "A million characters cost 15.00 USD. A thousand searches cost 2.00 USD.",
  );
  expect(previewCost(either).sentence).toEndWith(
    "a million output tokens 40.00 USD. A thousand pictures cost 40.00 USD.",
  );
});
