/**
 * The public price list, as far as the installed package knows it: the only importer of
 * `@pydantic/genai-prices`, which is used offline. Whose prices are meant, which of them holds when,
 * and what the whole market asks.
 */
import {
  calcPrice,
  findProvider,
  type ModelInfo,
  type Provider,
  waitForUpdate,
} from "@pydantic/genai-prices";
import { LIMITS } from "../../base/limits.ts";
import { convertListed, type ListedPrice } from "./convert.ts";
import type { ModelPrice } from "./price.ts";

/** The installed version; a test compares it with package.json. */
export const CATALOGUE_VERSION = "0.1.8";

/** Whose prices are asked for. */
export type ProviderQuery = {
  /** Name the operator gave the provider, used when its address says nothing. */
  readonly providerName: string;
  readonly baseUrl: string;
  readonly atMs: number;
};

export type CatalogueQuery = ProviderQuery & {
  /** The upstream's name of the model. */
  readonly model: string;
};

export interface Catalogue {
  /** null: the catalogue does not know the provider, the model or its price. */
  readonly find: (query: CatalogueQuery) => ModelPrice | null;
}

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

/** As a catalogue finds it, remembering nothing. */
export function findListed(query: CatalogueQuery): ModelPrice | null {
  return lookUp(query).price;
}

function lookUp(query: CatalogueQuery): Entry {
  const provider = guessProvider(query);
  const model = provider === undefined ? null : modelAt(provider.id, query.model, query.atMs);
  if (model === null) return { price: null, validUntilMs: Number.POSITIVE_INFINITY };
  return {
    price: priceOf(model, query.atMs),
    validUntilMs: validUntil(model.prices, query.atMs),
  };
}

/** The list's own entry for a model's name at a provider, by the list's rules. */
function modelAt(providerId: string, model: string, atMs: number): ModelInfo | null {
  return calcPrice({}, model, { providerId, timestamp: new Date(atMs) })?.model ?? null;
}

/** By the address, else by the whole name, else by a part of it: `groq-eu` is groq. */
function guessProvider({ baseUrl, providerName }: ProviderQuery): Provider | undefined {
  const lower = providerName.toLowerCase();
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
function validUntil(prices: ModelInfo["prices"], atMs: number): number {
  if (!Array.isArray(prices)) return Number.POSITIVE_INFINITY;
  const periodMs = JSON.stringify(prices).includes("time_of_date") ? minuteMs : dayMs;
  return (Math.floor(atMs / periodMs) + 1) * periodMs;
}

function priceOf(model: ModelInfo, atMs: number): ModelPrice | null {
  const { id, prices, context_window: contextWindow } = model;
  const listed = Array.isArray(prices) ? listedAt(model, atMs) : prices;
  const source = `catalogue:${CATALOGUE_VERSION}`;
  return listed === null ? null : convertListed(id, listed, contextWindow ?? null, source);
}

/** The one of several dated prices that holds; the package chooses, of a list of one model. */
function listedAt(model: ModelInfo, atMs: number): ListedPrice | null {
  const own = { ...model, match: { equals: model.id } };
  const provider: Provider = { id: "", name: "", api_pattern: "", models: [own] };
  return calcPrice({}, model.id, { provider, timestamp: new Date(atMs) })?.model_price ?? null;
}

/**
 * Every model of a provider that has a price at `atMs`, by the list's own name of it; empty when the
 * list does not know the provider. What a provider resells under others' names is part of it.
 */
export function listCatalogue(query: ProviderQuery): ReadonlyMap<string, ModelPrice> {
  const provider = guessProvider(query);
  if (provider === undefined) return new Map();
  const prices = new Map<string, ModelPrice>();
  const add = (id: string, model: ModelInfo | null): void => {
    const price = model === null || prices.has(id) ? null : priceOf(model, query.atMs);
    if (price !== null) prices.set(id, price);
  };
  for (const model of provider.models) add(model.id, model);
  for (const providerId of provider.fallback_model_providers ?? []) {
    const resold = findProvider({ providerId })?.models ?? [];
    for (const { id } of resold) add(id, modelAt(provider.id, id, query.atMs));
  }
  return prices;
}

/** What a model costs at every provider of the list that knows one of its names. */
export async function sameModelPrices(
  names: readonly string[],
  atMs: number,
): Promise<readonly ModelPrice[]> {
  const providers = (await waitForUpdate()) ?? [];
  return providers.flatMap(({ id }) => {
    const known = names.map((name) => modelAt(id, name, atMs)).find((model) => model !== null);
    return known === undefined ? [] : (priceOf(known, atMs) ?? []);
  });
}

/** The price of every model of the list that has one. */
export async function marketPrices(atMs: number): Promise<readonly ModelPrice[]> {
  const providers = (await waitForUpdate()) ?? [];
  return providers.flatMap(({ models }) => models.flatMap((model) => priceOf(model, atMs) ?? []));
}
