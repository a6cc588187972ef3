/** What a price means in money, for whoever enters one: the numbers that show a wrong unit at once. */
import { costOf, formatUsd, type NanoUsd } from "../../base/units.ts";
import type { Usage } from "../../dialects/usage-contract.ts";
import { exactNanoUsd } from "./cost.ts";
import { type ModelPrice, pricesTokens } from "./price.ts";
import type { UnitRates } from "./unit-rates.ts";

/** Costs under a price, the fee per request included. */
export type CostPreview = {
  /** Of one request with 1,000 input and 1,000 output tokens. */
  readonly smallRequestNanoUsd: NanoUsd;
  /** Of a million input tokens, in requests of 1,000. */
  readonly millionInputNanoUsd: NanoUsd;
  /** Of a million output tokens, in requests of 1,000. */
  readonly millionOutputNanoUsd: NanoUsd;
  /** The same as one sentence. */
  readonly sentence: string;
};

const requests = 1_000;

/** What typical requests cost under `price`. */
export function previewCost(price: ModelPrice): CostPreview {
  const smallRequestNanoUsd = exactNanoUsd(plainUsage(1_000, 1_000), price);
  const millionInputNanoUsd = exactNanoUsd(plainUsage(1_000, 0), price) * requests;
  const millionOutputNanoUsd = exactNanoUsd(plainUsage(0, 1_000), price) * requests;
  return {
    smallRequestNanoUsd,
    millionInputNanoUsd,
    millionOutputNanoUsd,
    sentence: [
      ...(pricesTokens(price)
        ? [
            `Under this price a request with 1,000 input and 1,000 output tokens costs ` +
              `${formatUsd(smallRequestNanoUsd)} USD, a million input tokens ` +
              `${formatUsd(millionInputNanoUsd)} USD and a million output tokens ` +
              `${formatUsd(millionOutputNanoUsd)} USD.`,
          ]
        : []),
      ...unitSentences(price),
    ].join(" "),
  };
}

/** So many of each that the amounts are of a size that people know. */
const MANY: readonly (readonly [keyof UnitRates, count: number, many: string])[] = [
  ["imagePicoUsd", 1_000, "A thousand pictures cost"],
  ["audioSecondPicoUsd", 3_600, "An hour of sound costs"],
  ["characterPicoUsd", 1_000_000, "A million characters cost"],
  ["searchUnitPicoUsd", 1_000, "A thousand searches cost"],
];

function unitSentences(price: ModelPrice): string[] {
  return MANY.flatMap(([rate, count, many]) => {
    const picoUsd = price[rate];
    return picoUsd === null ? [] : [`${many} ${formatUsd(costOf([[count, picoUsd]]))} USD.`];
  });
}

function plainUsage(inputTokens: number, outputTokens: number): Usage {
  return { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, details: null };
}
