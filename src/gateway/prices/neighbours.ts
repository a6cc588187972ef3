/**
 * The prices that a new one is compared with: the same model wherever it is sold, the other models
 * of its provider, and the whole market. The catalogue's and the operator's own count alike.
 */
import {
  type CatalogueQuery,
  findListed,
  listCatalogue,
  marketPrices,
  sameModelPrices,
} from "./catalogue.ts";
import type { ModelPrice } from "./price.ts";

export type PriceNeighbours = {
  /** The catalogue's price of the model at this very provider. */
  readonly listed: ModelPrice | null;
  /** The same model wherever it is sold. */
  readonly sameModel: readonly ModelPrice[];
  /** Other models of the same provider. */
  readonly sameProvider: readonly ModelPrice[];
  /** Every price of the catalogue. */
  readonly market: readonly ModelPrice[];
};

/** A price that the operator has set before. */
export type OwnPrice = {
  readonly providerName: string;
  readonly model: string;
  readonly price: ModelPrice;
};

const dayMs = 24 * 60 * 60_000;

// Reading the whole catalogue takes tens of milliseconds, and its prices change by the day at most.
let market: { readonly day: number; readonly prices: readonly ModelPrice[] } | null = null;

/** What is known around the price that `query` asks for; `own` may hold that very price. */
export async function priceNeighbours(
  query: CatalogueQuery,
  own: readonly OwnPrice[] = [],
): Promise<PriceNeighbours> {
  const model = query.model.toLowerCase();
  const isSameModel = (other: string): boolean => other.toLowerCase() === model;
  const catalogue = [...listCatalogue(query)];
  const atOthers = own.filter((one) => one.providerName !== query.providerName);
  const atSame = own.filter((one) => one.providerName === query.providerName);
  return {
    listed: findListed(query) ?? catalogue.find(([id]) => isSameModel(id))?.[1] ?? null,
    sameModel: [
      ...(await sameModelPrices(namesOf(model), query.atMs)),
      ...atOthers.filter((one) => isSameModel(one.model)).map(({ price }) => price),
    ],
    sameProvider: [
      ...catalogue.filter(([id]) => !isSameModel(id)).map(([, price]) => price),
      ...atSame.filter((one) => !isSameModel(one.model)).map(({ price }) => price),
    ],
    market: await marketOf(query.atMs),
  };
}

/** `openai/gpt-4o` is sold as `gpt-4o` as well. */
function namesOf(model: string): readonly string[] {
  const last = model.slice(model.lastIndexOf("/") + 1);
  return last === model ? [model] : [model, last];
}

async function marketOf(atMs: number): Promise<readonly ModelPrice[]> {
  const day = Math.floor(atMs / dayMs);
  if (market?.day !== day) market = { day, prices: await marketPrices(atMs) };
  return market.prices;
}
