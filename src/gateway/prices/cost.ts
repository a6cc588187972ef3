/**
 * What an attempt costs: at most, before it is made, and exactly, from the usage its provider
 * reported. Both are sums in pico-dollars rounded up once; the first is never below the second for
 * the same bounds.
 *
 * An answer is paid by its tokens where they were reported and have a price, else by its units, and
 * never by both: a provider bills a picture as a picture or as the tokens it takes.
 */
import { assert } from "../../base/assert.ts";
import { costOf, NANO_USD_MAX, type NanoUsd, type PicoUsd } from "../../base/units.ts";
import type { TokenKindApart, UnitCounts, Usage } from "../../dialects/usage-contract.ts";
import {
  type ModelPrice,
  pricesTokens,
  type Rates,
  ratesInForce,
  type RatesInForce,
} from "./price.ts";
import { toolCallPicoUsd } from "./tool-fees.ts";
import { unitParts } from "./unit-rates.ts";

/** Kinds of tokens that a request may be known not to have. */
export type TokenKind = TokenKindApart;

/** Bounds of one attempt. */
export type CostBounds = {
  /** No fewer tokens than the input can have. */
  readonly inputTokensBound: number;
  /** Most output tokens of one choice; 0 where nothing is generated. */
  readonly outputTokens: number;
  /** Choices asked for; the input is paid once, the output for each. */
  readonly choices: number;
  readonly price: ModelPrice;
  /** Kinds of tokens that the request cannot have; without it the dearest kind is assumed. */
  readonly without?: readonly TokenKind[];
  /** Most calls of the provider's own tools; without it none. */
  readonly toolCallsMax?: Readonly<Record<string, number>>;
  /** Most of what is no token; without it none. */
  readonly unitsMax?: UnitCounts;
  /** Requests of which these are the sums, and no fewer tokens than the longest input has; without it one. */
  readonly requests?: { readonly count: number; readonly inputTokensBound: number };
};

/** How an attempt was made, as far as its price depends on it. */
export type Manner = { readonly batch: boolean };

const AT_ONCE: Manner = { batch: false };

/** The most an attempt can cost within its bounds, whatever its tier and whatever is cached. */
export function worstCaseNanoUsd(bounds: CostBounds, manner: Manner = AT_ONCE): NanoUsd {
  const { price, inputTokensBound, without = [] } = bounds;
  const { requests = { count: 1, inputTokensBound } } = bounds;
  let input = 0;
  let output = 0;
  // Fewer tokens than the bound may lie in a cheaper or a dearer tier: every one that can apply counts.
  for (const rates of [price, ...price.tiers]) {
    if (rates !== price && requests.inputTokensBound <= aboveOf(rates)) continue;
    const inForce = ratesInForce(rates);
    input = Math.max(input, dearestInput(inForce, without));
    output = Math.max(output, dearestOutput(inForce, without));
  }
  const fees = feesOf(price, bounds.toolCallsMax ?? {}, requests.count);
  const tokens: CostPart[] = [
    [inputTokensBound, input],
    [bounds.outputTokens * bounds.choices, output],
  ];
  const byTokens = nanoUsdOf({ tokens, fees }, price, manner);
  if (bounds.unitsMax === undefined) return byTokens;
  // Which of them the provider will report is not known yet.
  return Math.max(byTokens, costOf([...unitParts(bounds.unitsMax, price), ...fees]));
}

function aboveOf(rates: Rates & { readonly aboveInputTokens?: number }): number {
  return rates.aboveInputTokens ?? 0;
}

function dearestInput(rates: RatesInForce, without: readonly TokenKind[]): PicoUsd {
  const audio = Math.max(rates.audioInputPicoUsd, rates.cachedAudioInputPicoUsd);
  return Math.max(
    rates.inputPicoUsd,
    rates.cachedInputPicoUsd,
    rates.cacheWritePicoUsd,
    without.includes("cache_write_1h") ? 0 : rates.cacheWrite1hPicoUsd,
    without.includes("audio_input") ? 0 : audio,
    without.includes("image_input") ? 0 : rates.imageInputPicoUsd,
  );
}

function dearestOutput(rates: RatesInForce, without: readonly TokenKind[]): PicoUsd {
  return Math.max(
    rates.outputPicoUsd,
    rates.reasoningPicoUsd,
    without.includes("audio_output") ? 0 : rates.audioOutputPicoUsd,
    without.includes("image_output") ? 0 : rates.imageOutputPicoUsd,
  );
}

/** What an attempt cost by its usage, in the tier of its input. */
export function exactNanoUsd(usage: Usage, price: ModelPrice, manner: Manner = AT_ONCE): NanoUsd {
  return nanoUsdOf(exactParts(usage, price), price, manner);
}

/** What is paid for: tokens, which are cheaper in a batch, or units, and fees, which are not. */
export type CostParts = {
  readonly tokens: readonly CostPart[];
  readonly fees: readonly CostPart[];
};

export function exactParts(usage: Usage, price: ModelPrice): CostParts {
  const rates = ratesInForce(
    price.tiers.findLast((tier) => usage.inputTokens > tier.aboveInputTokens) ?? price,
  );
  const { details } = usage;
  const tokens =
    details?.units !== undefined && isPaidByUnits(usage, price)
      ? unitParts(details.units, price)
      : [...inputParts(usage, rates), ...outputParts(usage, rates)];
  return { tokens, fees: feesOf(price, details?.toolCalls ?? {}) };
}

function nanoUsdOf({ tokens, fees }: CostParts, price: ModelPrice, { batch }: Manner): NanoUsd {
  return batch
    ? roundedUp(batchPicoUsdPermille({ tokens, fees }, price))
    : costOf([...tokens, ...fees]);
}

/** False where a usage counts nothing but units that the price says nothing of. */
export function tellsCost(
  { inputTokens, outputTokens, details }: Usage,
  price: ModelPrice,
): boolean {
  const units = details?.units;
  if (units === undefined || inputTokens + outputTokens > 0) return true;
  return unitParts(units, price).length > 0;
}

function isPaidByUnits({ inputTokens, outputTokens }: Usage, price: ModelPrice): boolean {
  return inputTokens + outputTokens === 0 || !pricesTokens(price);
}

type CostPart = readonly [amount: number, picoUsd: PicoUsd];

/** Each token once, whatever the parts claim: what is left after them costs what input costs. */
function inputParts(usage: Usage, rates: RatesInForce): CostPart[] {
  const { details } = usage;
  const left = new Remainder(usage.inputTokens);
  const cachedAudio = Math.min(details?.cachedAudioInputTokens ?? 0, usage.cachedInputTokens);
  return [
    [left.take(cachedAudio), rates.cachedAudioInputPicoUsd],
    [left.take(usage.cachedInputTokens - cachedAudio), rates.cachedInputPicoUsd],
    [left.take(details?.cacheWrite1hTokens ?? 0), rates.cacheWrite1hPicoUsd],
    [left.take(details?.cacheWriteTokens ?? 0), rates.cacheWritePicoUsd],
    [
      left.take(Math.max(0, (details?.audioInputTokens ?? 0) - cachedAudio)),
      rates.audioInputPicoUsd,
    ],
    [left.take(details?.imageInputTokens ?? 0), rates.imageInputPicoUsd],
    [left.tokens, rates.inputPicoUsd],
  ];
}

function outputParts(usage: Usage, rates: RatesInForce): CostPart[] {
  const left = new Remainder(usage.outputTokens);
  return [
    [left.take(usage.details?.audioOutputTokens ?? 0), rates.audioOutputPicoUsd],
    [left.take(usage.details?.imageOutputTokens ?? 0), rates.imageOutputPicoUsd],
    [left.take(usage.reasoningTokens), rates.reasoningPicoUsd],
    [left.tokens, rates.outputPicoUsd],
  ];
}

/** Tokens of a whole that no part has taken yet. */
class Remainder {
  tokens: number;

  constructor(tokens: number) {
    this.tokens = tokens;
  }

  take(tokens: number): number {
    const taken = Math.min(tokens, this.tokens);
    this.tokens -= taken;
    return taken;
  }
}

function feesOf(
  price: ModelPrice,
  calls: Readonly<Record<string, number>>,
  requests = 1,
): CostPart[] {
  const fees: CostPart[] = [[requests, price.requestPicoUsd]];
  for (const [tool, count] of Object.entries(calls)) {
    fees.push([count, toolCallPicoUsd(price, tool)]);
  }
  return fees;
}

const PERMILLE = 1_000;

/** In thousandths of a pico-dollar, so that nothing is rounded before it is all added up. */
export function batchPicoUsdPermille({ tokens, fees }: CostParts, price: ModelPrice): bigint {
  const permille = price.batchPermille ?? PERMILLE;
  assert(permille <= PERMILLE, `a batch costs no more than its parts: ${permille}`);
  return sumOf(tokens) * BigInt(permille) + sumOf(fees) * BigInt(PERMILLE);
}

/** Thousandths of a pico-dollar as what is charged. */
export function roundedUp(picoUsdPermille: bigint): NanoUsd {
  const nano = (picoUsdPermille + 999_999n) / 1_000_000n;
  return nano <= BigInt(NANO_USD_MAX) ? Number(nano) : NANO_USD_MAX;
}

function sumOf(parts: readonly CostPart[]): bigint {
  return parts.reduce((sum, [amount, picoUsd]) => sum + BigInt(amount) * BigInt(picoUsd), 0n);
}
