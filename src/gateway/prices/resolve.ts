/**
 * Which price an attempt runs under: the operator's own, else the catalogue's, else that of a
 * simulated model, else none, and then the model is refused as unpriced.
 */
import { addressClass } from "../../base/address.ts";
import type { PriceRow, ProviderRow } from "../../store/contract.ts";
import { createCatalogue } from "./catalogue.ts";
import type { ModelPrice } from "./price.ts";
import { simulatedPrice } from "./simulated.ts";

// The catalogue is constant data; what it remembers are its own answers.
const catalogue = createCatalogue();

/**
 * The price in force at `atMs` of the upstream's `model` at `provider`; null when nobody knows one.
 * `row` is the operator's price of that model: one that exists is in force.
 */
export function effectivePrice(
  provider: Pick<ProviderRow, "name" | "baseUrl" | "simulated">,
  model: string,
  row: PriceRow | null,
  atMs: number,
): ModelPrice | null {
  const query = { providerName: provider.name, baseUrl: provider.baseUrl, model, atMs };
  const listed = catalogue.find(query) ?? (isSimulator(provider) ? simulatedPrice(model) : null);
  return row === null ? listed : operatorPrice(row, listed);
}

/** The built-in one, or `tollgate simulator` on this machine: nobody else's `sim-` models are ours. */
function isSimulator({ simulated, baseUrl }: Pick<ProviderRow, "simulated" | "baseUrl">): boolean {
  if (simulated) return true;
  const { hostname } = new URL(baseUrl);
  return hostname === "localhost" || addressClass(hostname) === "private";
}

type Made = { readonly listed: ModelPrice | null; readonly price: ModelPrice };
const madeFromRows = new WeakMap<PriceRow, Made>();

/** The operator's rates alone, without anybody's tiers; bounds that they left out are the listed ones. */
function operatorPrice(row: PriceRow, listed: ModelPrice | null): ModelPrice {
  const known = madeFromRows.get(row);
  if (known !== undefined && known.listed === listed) return known.price;
  const price: ModelPrice = {
    inputPicoUsd: row.inputPicoUsd,
    outputPicoUsd: row.outputPicoUsd,
    cachedInputPicoUsd: row.cachedInputPicoUsd,
    cacheWritePicoUsd: null,
    requestPicoUsd: 0,
    tiers: [],
    contextTokensMax: row.contextTokensMax ?? listed?.contextTokensMax ?? null,
    outputTokensMax: row.outputTokensMax ?? listed?.outputTokensMax ?? null,
    source: "operator",
  };
  madeFromRows.set(row, { listed, price });
  return price;
}
