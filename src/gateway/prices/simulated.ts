/**
 * Prices of the built-in simulated provider, so that a first start has budgets to watch without any
 * account anywhere. They are those of well-known small and large models.
 */
import { PICO_PER_USD_PER_MILLION } from "../../base/units.ts";
import { type ModelPrice, plainRates } from "./price.ts";
import { NO_UNIT_RATES } from "./unit-rates.ts";

function simulated(inputPicoUsd: number, outputPicoUsd: number): ModelPrice {
  return {
    ...plainRates(inputPicoUsd, outputPicoUsd),
    ...NO_UNIT_RATES,
    requestPicoUsd: 0,
    toolCallPicoUsd: {},
    tiers: [],
    batchPermille: null,
    contextTokensMax: 128_000,
    outputTokensMax: 4_096,
    source: "simulated",
  };
}

export const SIMULATED_PRICES = {
  /** 0.15 and 0.60 USD per million. */
  "sim-small": simulated(150_000, 600_000),
  /** 2.50 and 10 USD per million. */
  "sim-large": simulated(2_500_000, 10 * PICO_PER_USD_PER_MILLION),
  /** 0.02 USD per million; embeddings generate nothing. */
  "sim-embed": simulated(20_000, 0),
} as const satisfies Record<string, ModelPrice>;

/** `sim-small?tokens=20` → `sim-small`: a script is no part of a simulated model's name. */
export function withoutScript(model: string): string {
  return model.startsWith("sim-") ? (model.split("?", 1)[0] ?? model) : model;
}

/** The price of a simulated model, by default that of sim-small; null for every other name. */
export function simulatedPrice(model: string): ModelPrice | null {
  if (!model.startsWith("sim-")) return null;
  const name = withoutScript(model);
  const known: Readonly<Record<string, ModelPrice>> = SIMULATED_PRICES;
  return known[name] ?? SIMULATED_PRICES["sim-small"];
}
