/**
 * The public price list, as far as the installed package knows it: the only importer of
 * `@pydantic/genai-prices`, which is used offline. Its dollars per million tokens become integer
 * pico-dollars by their decimal text, so no float arithmetic touches money.
 */
import {
  calcPrice,
  findProvider,
  type ModelPrice as Listed,
  type Provider,
} from "@pydantic/genai-prices";
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseUsdPerMillion, type PicoUsd } from "../../base/units.ts";
import type { ModelPrice, PriceTier, Rates } from "./price.ts";

/** The installed version; a test compares it with package.json. */
export const CATALOGUE_VERSION = "0.1.8";

export type CatalogueQuery = {
  /** Name the operator gave the provider, used when its address says nothing. */
  readonly providerName: string;
  readonly baseUrl: string;
  /** The upstream's name of the model. */
  readonly model: string;
  readonly atMs: number;
};

export interface Catalogue {
  /** null: the catalogue does not know the provider, the model or its price. */
  readonly find: (query: CatalogueQuery) => ModelPrice | null;
}

type ListedPrice = Listed[string];
type Entry = { readonly price: ModelPrice | null; readonly validUntilMs: number };

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** A catalogue with a bounded memory of its own answers. */
export function createCatalogue(): Catalogue {
  const remembered = new Map<string, Entry>();
  return {
    find: (query) => {
      const key = `${query.providerName}\0${query.baseUrl}\0${query.model}`;
      const known = remembered.get(key);
      if (known !== undefined && query.atMs < known.validUntilMs) return known.price;
      // Clients may name any model of a provider; starting over is cheaper than an exact LRU.
      if (remembered.size >= LIMITS.priceCacheMax) remembered.clear();
      const entry = lookUp(query);
      remembered.set(key, entry);
      return entry.price;
    },
  };
}

function lookUp(query: CatalogueQuery): Entry {
  const provider = guessProvider(query.baseUrl, query.providerName);
  const found =
    provider === undefined
      ? null
      : calcPrice({}, query.model, {
          providerId: provider.id,
          timestamp: new Date(query.atMs),
        });
  if (found === null) return { price: null, validUntilMs: Number.POSITIVE_INFINITY };
  return {
    price: convert(found.model.id, found.model_price, found.model.context_window),
    validUntilMs: validUntil(found.model.prices, query.atMs),
  };
}

/** By the address, else by the whole name, else by a part of it: `groq-eu` is groq. */
function guessProvider(baseUrl: string, name: string): Provider | undefined {
  const lower = name.toLowerCase();
  for (const guess of [
    { providerApiUrl: URL.parse(baseUrl)?.href ?? baseUrl },
    { providerId: lower },
    ...lower.split(/[^a-z0-9]+/).map((part) => ({ providerId: part })),
  ]) {
    const provider = findProvider(guess);
    if (provider !== undefined) return provider;
  }
  return undefined;
}

/** Dated prices change at midnight UTC, prices by the time of day at any minute. */
function validUntil(prices: unknown, atMs: number): number {
  if (!Array.isArray(prices)) return Number.POSITIVE_INFINITY;
  const periodMs = JSON.stringify(prices).includes("time_of_date") ? minuteMs : dayMs;
  return (Math.floor(atMs / periodMs) + 1) * periodMs;
}

/** null when the list has no price per input token, unless the model is listed as free. */
function convert(id: string, listed: Listed, contextWindow: number | undefined): ModelPrice | null {
  const free = Object.keys(listed).length === 0 && id.endsWith(":free");
  if (listed["input_mtok"] === undefined && !free) return null;
  const starts = new Set(Object.values(listed).flatMap(startsOf));
  const tiers = [...starts]
    .sort((a, b) => a - b)
    .map((start): PriceTier => Object.assign({ aboveInputTokens: start }, ratesAt(listed, start)));
  const requestPrice = listed["requests_kcount"];
  return {
    ...ratesAt(listed, 0),
    // Listed in dollars per thousand requests: a thousand times what per million would be.
    requestPicoUsd: typeof requestPrice === "number" ? picoUsd(requestPrice) * 1_000 : 0,
    tiers,
    contextTokensMax: contextWindow ?? null,
    outputTokensMax: null,
    source: `catalogue:${CATALOGUE_VERSION}`,
  };
}

function startsOf(price: ListedPrice): readonly number[] {
  return typeof price === "object" ? price.tiers.map((tier) => tier.start) : [];
}

/** The rates of a request with more than `start` input tokens, up to the next tier. */
function ratesAt(listed: Listed, start: number): Rates {
  const input = rateAt(listed["input_mtok"], start) ?? 0;
  return {
    inputPicoUsd: input,
    // Only embeddings and rerankers are listed without one; what generates must never be free.
    outputPicoUsd: rateAt(listed["output_mtok"], start) ?? input,
    cachedInputPicoUsd: rateAt(listed["cache_read_mtok"], start),
    cacheWritePicoUsd: rateAt(listed["cache_write_mtok"], start),
  };
}

function rateAt(price: ListedPrice, start: number): PicoUsd | null {
  if (price === undefined) return null;
  if (typeof price === "number") return picoUsd(price);
  const reached = price.tiers
    .filter((tier) => tier.start <= start)
    .reduce((last, tier) => (tier.start >= last.start ? tier : last), {
      start: -1,
      price: price.base,
    });
  return picoUsd(reached.price);
}

/**
 * Dollars per million tokens → pico-dollars per token, by decimal text. Six decimals are exact; the
 * few listed with more are leftovers of float arithmetic and go to the nearest pico-dollar.
 */
function picoUsd(usdPerMillion: number): PicoUsd {
  const parsed = parseUsdPerMillion(usdPerMillion.toFixed(6));
  assert(parsed !== undefined, `the catalogue holds an impossible price: ${usdPerMillion}`);
  return parsed;
}
