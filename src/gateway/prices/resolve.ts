/**
 * Which price an attempt runs under: the operator's own, else the catalogue's, else that of a
 * simulated model, else none, and then the model is refused as unpriced.
 */
import { addressClass } from "../../base/address.ts";
import type { PicoUsd } from "../../base/units.ts";
import type { PriceRow, ProviderRow } from "../../store/contract.ts";
import { listedAddress } from "../../providers/companies.ts";
import { createCatalogue, type ProviderQuery } from "./catalogue.ts";
import {
  isFree,
  type ModelPrice,
  plainRates,
  type PriceTier,
  type Rates,
  ratesInForce,
} from "./price.ts";
import { simulatedPrice } from "./simulated.ts";

// The catalogue is constant data; what it remembers are its own answers.
const catalogue = createCatalogue();

/**
 * The price in force at `atMs` of the upstream's `model` at `provider`; null when nobody knows one.
 * `row` is the operator's price of that model: one that exists is in force.
 */
export function effectivePrice(
  provider: Pick<ProviderRow, "name" | "baseUrl" | "simulated"> &
    Partial<Pick<ProviderRow, "terms">>,
  model: string,
  row: PriceRow | null,
  atMs: number,
): ModelPrice | null {
  const listed =
    catalogue.find({ ...listQuery(provider, atMs), model }) ?? simulatedAt(provider, model);
  return row === null ? listed : operatorPrice(row, listed);
}

/** Whose prices a provider's are, in the catalogue. */
export function listQuery(
  {
    name,
    baseUrl,
    terms,
  }: Pick<ProviderRow, "name" | "baseUrl"> & Partial<Pick<ProviderRow, "terms">>,
  atMs: number,
): ProviderQuery {
  const address = listedAddress({ company: terms?.company, baseUrl });
  return { providerName: name, baseUrl: address, atMs };
}

/** The name first: most models have none of ours, and looking at an address takes microseconds. */
function simulatedAt(provider: Place, model: string): ModelPrice | null {
  const price = simulatedPrice(model);
  return price !== null && isSimulator(provider) ? price : null;
}

type Place = Pick<ProviderRow, "simulated" | "baseUrl">;
// Rows are replaced, never changed.
const simulators = new WeakMap<Place, boolean>();

/** The built-in one, or `tollgate simulator` on this machine: nobody else's `sim-` models are ours. */
function isSimulator(provider: Place): boolean {
  if (provider.simulated) return true;
  let found = simulators.get(provider);
  if (found === undefined) {
    const { hostname } = new URL(provider.baseUrl);
    found = hostname === "localhost" || addressClass(hostname) === "private";
    simulators.set(provider, found);
  }
  return found;
}

type Made = { readonly listed: ModelPrice | null; readonly price: ModelPrice };
type RowTier = NonNullable<PriceRow["tiers"]>[number];
const madeFromRows = new WeakMap<PriceRow, Made>();

/**
 * The operator's rates alone, without anybody's tiers. What their price does not speak of, bounds
 * and the fees of requests and tools, is as listed; a price of nothing but zeros is free of fees.
 */
export function operatorPrice(row: PriceRow, listed: ModelPrice | null): ModelPrice {
  const known = madeFromRows.get(row);
  if (known !== undefined && known.listed === listed) return known.price;
  const spoken = spokenPrice(row);
  const fees = isFree(spoken) ? null : listed;
  const price: ModelPrice = {
    ...spoken,
    requestPicoUsd: row.requestPicoUsd ?? fees?.requestPicoUsd ?? 0,
    toolCallPicoUsd: row.toolCallPicoUsd ?? fees?.toolCallPicoUsd ?? {},
    contextTokensMax: row.contextTokensMax ?? listed?.contextTokensMax ?? null,
    outputTokensMax: row.outputTokensMax ?? listed?.outputTokensMax ?? null,
  };
  madeFromRows.set(row, { listed, price });
  return price;
}

/** What a row says, and nothing else. */
function spokenPrice(row: PriceRow): ModelPrice {
  const tiers = (row.tiers ?? []).map((tier) => tierOf(row, tier));
  return {
    ...ratesOf(row),
    imagePicoUsd: row.imagePicoUsd,
    audioSecondPicoUsd: row.audioSecondPicoUsd,
    characterPicoUsd: row.characterPicoUsd,
    searchUnitPicoUsd: row.searchUnitPicoUsd,
    requestPicoUsd: row.requestPicoUsd ?? 0,
    toolCallPicoUsd: row.toolCallPicoUsd ?? {},
    // The last tier that applies counts, so their order is part of the price.
    tiers: tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens),
    batchPermille: row.batchPermille,
    contextTokensMax: row.contextTokensMax,
    outputTokensMax: row.outputTokensMax,
    source: "operator",
  };
}

function ratesOf(row: PriceRow): Rates {
  return {
    ...plainRates(row.inputPicoUsd, row.outputPicoUsd),
    cachedInputPicoUsd: row.cachedInputPicoUsd,
    cacheWritePicoUsd: row.cacheWritePicoUsd,
    cacheWrite1hPicoUsd: row.cacheWrite1hPicoUsd,
    reasoningPicoUsd: row.reasoningPicoUsd,
    audioInputPicoUsd: row.audioInputPicoUsd,
    audioOutputPicoUsd: row.audioOutputPicoUsd,
    imageInputPicoUsd: row.imageInputPicoUsd,
    imageOutputPicoUsd: row.imageOutputPicoUsd,
  };
}

/** Kinds that a row's tier cannot name cost what they cost below it, or the tier's text if dearer. */
function tierOf(row: PriceRow, tier: RowTier): PriceTier {
  const spoken: Rates = {
    ...plainRates(tier.inputPicoUsd, tier.outputPicoUsd),
    cachedInputPicoUsd: tier.cachedInputPicoUsd,
    cacheWritePicoUsd: tier.cacheWritePicoUsd,
  };
  const inForce = ratesInForce(spoken);
  const base = ratesOf(row);
  const dearer = (kind: keyof Rates): PicoUsd | null => {
    const below = base[kind];
    return below === null ? null : Math.max(below, inForce[kind]);
  };
  return {
    ...spoken,
    aboveInputTokens: tier.aboveInputTokens,
    cacheWrite1hPicoUsd: dearer("cacheWrite1hPicoUsd"),
    reasoningPicoUsd: dearer("reasoningPicoUsd"),
    audioInputPicoUsd: dearer("audioInputPicoUsd"),
    audioOutputPicoUsd: dearer("audioOutputPicoUsd"),
    imageInputPicoUsd: dearer("imageInputPicoUsd"),
    imageOutputPicoUsd: dearer("imageOutputPicoUsd"),
  };
}
