/**
 * The price of a model: integer pico-dollars per token, with what the price depends on. What a price
 * leaves open costs what the kind it belongs to costs, never nothing.
 */
import type { PicoUsd } from "../../base/units.ts";
import { isSurface, type Meter, metersOf, type Surface } from "../../dialects/surfaces.ts";
import { hasUnitRates, NO_UNIT_RATES, RATE_OF_UNIT, UNITS, type UnitRates } from "./unit-rates.ts";

/** What one token costs, by kind; null: what the named other kind costs. */
export type Rates = {
  readonly inputPicoUsd: PicoUsd;
  readonly outputPicoUsd: PicoUsd;
  /** Input read from the provider's cache; null: input. */
  readonly cachedInputPicoUsd: PicoUsd | null;
  /** Input written to the provider's cache for five minutes, or its only kind; null: input. */
  readonly cacheWritePicoUsd: PicoUsd | null;
  /** Input written to the provider's cache for an hour; null: the shorter kind of writing. */
  readonly cacheWrite1hPicoUsd: PicoUsd | null;
  /** null: output. */
  readonly reasoningPicoUsd: PicoUsd | null;
  /** null: input. */
  readonly audioInputPicoUsd: PicoUsd | null;
  /** Audio read from the provider's cache; null: audio input, where it has a price, else cached input. */
  readonly cachedAudioInputPicoUsd: PicoUsd | null;
  /** null: output. */
  readonly audioOutputPicoUsd: PicoUsd | null;
  /** Pictures, still or moving; null: input. */
  readonly imageInputPicoUsd: PicoUsd | null;
  /** Pictures, still or moving; null: output. */
  readonly imageOutputPicoUsd: PicoUsd | null;
};

/** The rates of a whole request whose input is longer than `aboveInputTokens`. */
export type PriceTier = Rates & { readonly aboveInputTokens: number };

/** Tokens, units or both; an answer is paid by one of them (see `cost.ts`). */
export type ModelPrice = Rates &
  UnitRates & {
    /** Per request, whatever its size; 0 for nearly every model. */
    readonly requestPicoUsd: PicoUsd;
    /** Per call of a tool that the provider runs itself, by tool: `web_search`, … */
    readonly toolCallPicoUsd: Readonly<Record<string, PicoUsd>>;
    /** In the order of their bounds; the last one that applies counts. */
    readonly tiers: readonly PriceTier[];
    /** What tokens cost in a batch, in thousandths of the above, at most 1000; null: no batch price. */
    readonly batchPermille: number | null;
    /** Input and output together; null: unknown. */
    readonly contextTokensMax: number | null;
    /** null: unknown. */
    readonly outputTokensMax: number | null;
    /** `operator`, `catalogue:VERSION`, `simulated` or `free`. */
    readonly source: string;
  };

/** Rates of which only the price of input and output is known. */
export function plainRates(inputPicoUsd: PicoUsd, outputPicoUsd: PicoUsd): Rates {
  return {
    inputPicoUsd,
    outputPicoUsd,
    cachedInputPicoUsd: null,
    cacheWritePicoUsd: null,
    cacheWrite1hPicoUsd: null,
    reasoningPicoUsd: null,
    audioInputPicoUsd: null,
    cachedAudioInputPicoUsd: null,
    audioOutputPicoUsd: null,
    imageInputPicoUsd: null,
    imageOutputPicoUsd: null,
  };
}

/** Rates without a gap. */
export type RatesInForce = { readonly [Kind in keyof Rates]: PicoUsd };

/** What every kind of token costs, those included that the price leaves open. */
export function ratesInForce(rates: Rates): RatesInForce {
  const { inputPicoUsd, outputPicoUsd, audioInputPicoUsd } = rates;
  const cached = rates.cachedInputPicoUsd ?? inputPicoUsd;
  const cacheWrite = rates.cacheWritePicoUsd ?? inputPicoUsd;
  return {
    inputPicoUsd,
    outputPicoUsd,
    cachedInputPicoUsd: cached,
    cacheWritePicoUsd: cacheWrite,
    cacheWrite1hPicoUsd: rates.cacheWrite1hPicoUsd ?? cacheWrite,
    reasoningPicoUsd: rates.reasoningPicoUsd ?? outputPicoUsd,
    audioInputPicoUsd: audioInputPicoUsd ?? inputPicoUsd,
    cachedAudioInputPicoUsd: rates.cachedAudioInputPicoUsd ?? audioInputPicoUsd ?? cached,
    audioOutputPicoUsd: rates.audioOutputPicoUsd ?? outputPicoUsd,
    imageInputPicoUsd: rates.imageInputPicoUsd ?? inputPicoUsd,
    imageOutputPicoUsd: rates.imageOutputPicoUsd ?? outputPicoUsd,
  };
}

/** Whether nothing that is done with the model costs anything: somebody said 0, and nothing else. */
export function isFree(price: ModelPrice): boolean {
  const units = UNITS.map((unit) => price[RATE_OF_UNIT[unit]] ?? 0);
  const fees = [price.requestPicoUsd, ...Object.values(price.toolCallPicoUsd), ...units];
  const rates = [price, ...price.tiers].flatMap((one) => Object.values(ratesInForce(one)));
  return [...fees, ...rates].every((amount) => amount === 0);
}

/** Whether tokens have a price: 0 is one where nothing else has, and says nothing beside a unit's. */
export function pricesTokens(price: ModelPrice): boolean {
  if (!hasUnitRates(price)) return true;
  const rates = [price, ...price.tiers].flatMap((one) => Object.values(ratesInForce(one)));
  return rates.some((amount) => amount > 0);
}

/** Whether the price says what anything costs that is counted so. */
export function pricesAny(price: ModelPrice, meters: readonly Meter[]): boolean {
  return meters.some((meter) => {
    if (meter === "tokens") return pricesTokens(price);
    return meter === "free" || price[RATE_OF_UNIT[meter]] !== null;
  });
}

/** Those of some surfaces where nobody has said what the model costs; null: nobody has said anything. */
export function unpricedOn(surfaces: readonly string[], price: ModelPrice | null): Surface[] {
  // A name that no surface has (any more) asks for no price.
  return surfaces
    .filter(isSurface)
    .filter((surface) => price === null || !pricesAny(price, metersOf(surface)));
}

/** Of what costs nothing at any provider, whatever the model. */
export const FREE_PRICE: ModelPrice = {
  ...plainRates(0, 0),
  ...NO_UNIT_RATES,
  requestPicoUsd: 0,
  toolCallPicoUsd: {},
  tiers: [],
  batchPermille: null,
  contextTokensMax: null,
  outputTokensMax: null,
  source: "free",
};
