/**
 * What an attempt costs: at most, before it is made, and exactly, from the usage its provider
 * reported. Both are sums in pico-dollars rounded up once; the first is never below the second for
 * the same tokens.
 */
import { costOf, type NanoUsd, type PicoUsd } from "../../base/units.ts";
import type { ModelPrice, Rates } from "./price.ts";

/** Bounds of one attempt. */
export type CostBounds = {
  /** No fewer tokens than the input can have. */
  readonly inputTokensBound: number;
  /** Most output tokens of one choice; 0 where nothing is generated. */
  readonly outputTokens: number;
  /** Choices asked for; the input is paid once, the output for each. */
  readonly choices: number;
  readonly price: ModelPrice;
};

/** The most an attempt can cost within its bounds, whatever its tier and whatever is cached. */
export function worstCaseNanoUsd(bounds: CostBounds): NanoUsd {
  const { price, inputTokensBound } = bounds;
  // Fewer tokens than the bound may lie in a cheaper or a dearer tier: every one that can apply counts.
  const possible: readonly Rates[] = [
    price,
    ...price.tiers.filter((tier) => inputTokensBound > tier.aboveInputTokens),
  ];
  const input = Math.max(...possible.map(dearestInput));
  const output = Math.max(...possible.map((rates) => rates.outputPicoUsd));
  return costOf([
    [inputTokensBound, input],
    [bounds.outputTokens * bounds.choices, output],
    [1, price.requestPicoUsd],
  ]);
}

function dearestInput(rates: Rates): PicoUsd {
  return Math.max(
    rates.inputPicoUsd,
    rates.cachedInputPicoUsd ?? rates.inputPicoUsd,
    rates.cacheWritePicoUsd ?? rates.inputPicoUsd,
  );
}

/** Tokens of one attempt as its provider reported them. */
export type BilledTokens = {
  readonly inputTokens: number;
  /** Reasoning included. */
  readonly outputTokens: number;
  /** Part of the input. */
  readonly cachedInputTokens: number;
  /** Part of the input; providers that do not report it bill it as input. */
  readonly cacheWriteTokens?: number;
};

/** What an attempt cost by the tokens of its usage, in the tier of its input. */
export function exactNanoUsd(usage: BilledTokens, price: ModelPrice): NanoUsd {
  const rates = ratesFor(usage.inputTokens, price);
  // Parts cannot be more than the whole, even when a provider says so.
  const cached = Math.min(usage.cachedInputTokens, usage.inputTokens);
  const written = Math.min(usage.cacheWriteTokens ?? 0, usage.inputTokens - cached);
  return costOf([
    [usage.inputTokens - cached - written, rates.inputPicoUsd],
    [cached, rates.cachedInputPicoUsd ?? rates.inputPicoUsd],
    [written, rates.cacheWritePicoUsd ?? rates.inputPicoUsd],
    [usage.outputTokens, rates.outputPicoUsd],
    [1, price.requestPicoUsd],
  ]);
}

function ratesFor(inputTokens: number, price: ModelPrice): Rates {
  return price.tiers.findLast((tier) => inputTokens > tier.aboveInputTokens) ?? price;
}
