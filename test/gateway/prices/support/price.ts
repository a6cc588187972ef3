/** Prices for tests, of which only what a test is about has to be said. */
import {
  type ModelPrice,
  plainRates,
  type PriceTier,
  type Rates,
} from "../../../../src/gateway/prices/price.ts";
import { NO_UNIT_RATES } from "../../../../src/gateway/prices/unit-rates.ts";

type Given = Partial<Omit<ModelPrice, "tiers">> & {
  readonly tiers?: readonly (Partial<Rates> & Pick<PriceTier, "aboveInputTokens">)[];
};

/** A price of nothing but what is given; what is left out is 0, null or empty. */
export function testPrice({ tiers = [], ...given }: Given): ModelPrice {
  return {
    ...plainRates(0, 0),
    ...NO_UNIT_RATES,
    requestPicoUsd: 0,
    toolCallPicoUsd: {},
    batchPermille: null,
    contextTokensMax: null,
    outputTokensMax: null,
    source: "test",
    ...given,
    tiers: tiers.map((tier) => Object.assign(plainRates(0, 0), tier)),
  };
}
