/**
 * What is known about prices beside the operator's: the built-in catalogue, model by model with the
 * operator's own price next to it, and models that clients asked for where nobody has a price of them.
 */
import { formatTime } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { listCatalogue } from "../gateway/prices/catalogue.ts";
import { type ModelPrice, unpricedOn } from "../gateway/prices/price.ts";
import { effectivePrice, listQuery } from "../gateway/prices/resolve.ts";
import { SIMULATED_PRICES } from "../gateway/prices/simulated.ts";
import type { PriceRow, ProviderRow } from "../store/contract.ts";
import { allRows } from "./all-rows.ts";
import type { Page, Paged } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { providerNamed } from "./names.ts";
import { showAmounts } from "./price-amounts.ts";
import { showListed } from "./price-check.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type {
  CatalogueFilter,
  CataloguePrice,
  UnpricedFilter,
  UnpricedModel,
} from "./shapes/price-catalogue.ts";

export interface PriceCatalogue {
  /** By provider and model, in the order of their names. */
  readonly catalogue: (filter: CatalogueFilter) => Promise<AdminVerdict<Page<CataloguePrice>>>;
  /** Models that have a price by now wherever they were asked for are left out. */
  readonly unpriced: (filter: UnpricedFilter) => Promise<AdminVerdict<Page<UnpricedModel>>>;
}

export function createPriceCatalogue(deps: AdminDeps): PriceCatalogue {
  return {
    catalogue: (filter) => catalogue(deps, filter),
    unpriced: (filter) => unpriced(deps, filter),
  };
}

async function catalogue(
  deps: AdminDeps,
  filter: CatalogueFilter,
): Promise<AdminVerdict<Page<CataloguePrice>>> {
  const after = readCursor(filter);
  if (!after.allowed) return after;
  const limit = filter.limit ?? LIMITS.pageRowsDefault;
  const found: CataloguePrice[] = [];
  for (const provider of await providersOf(deps, filter.provider)) {
    if (found.length > limit) break;
    if (after.value !== null && provider.name < (after.value[0] ?? "")) continue;
    const rows = await pricesAt(deps, provider, filter.overridden === true);
    found.push(...rows.filter((row) => isAfter(keyOf(row), after.value)));
  }
  return allow(pageOf(found, limit));
}

async function providersOf(
  { store }: AdminDeps,
  reference: string | undefined,
): Promise<readonly ProviderRow[]> {
  if (reference !== undefined) {
    const provider = await providerNamed(store, reference);
    return provider === null ? [] : [provider];
  }
  const all = await allRows(store, "providers", {});
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every model of a provider that somebody has a price of, by name. */
async function pricesAt(
  { store, clock }: AdminDeps,
  provider: ProviderRow,
  onlyOverridden: boolean,
): Promise<CataloguePrice[]> {
  const atMs = clock.nowMs();
  const rows = await allRows(store, "prices", { providerId: provider.id });
  const own = new Map(rows.map((row) => [row.model, row]));
  const listed = onlyOverridden ? new Map<string, ModelPrice>() : listedAt(provider, atMs);
  const models = [...new Set([...own.keys(), ...listed.keys()])].sort();
  return models.flatMap((model) => {
    const price = listed.get(model) ?? effectivePrice(provider, model, null, atMs);
    return showPrices(provider, model, own.get(model) ?? null, price);
  });
}

function listedAt(provider: ProviderRow, atMs: number): ReadonlyMap<string, ModelPrice> {
  if (provider.simulated) return new Map(Object.entries(SIMULATED_PRICES));
  return listCatalogue(listQuery(provider, atMs));
}

function showPrices(
  provider: ProviderRow,
  model: string,
  row: PriceRow | null,
  listed: ModelPrice | null,
): CataloguePrice[] {
  const source = row === null ? listed?.source : "operator";
  if (source === undefined) return [];
  return [
    {
      provider: provider.name,
      model,
      source,
      operator: row === null ? null : showAmounts(row),
      listed: listed === null ? null : showListed(listed),
    },
  ];
}

async function unpriced(
  { store, clock }: AdminDeps,
  filter: UnpricedFilter,
): Promise<AdminVerdict<Page<UnpricedModel>>> {
  const after = readCursor(filter);
  if (!after.allowed) return after;
  const atMs = clock.nowMs();
  const providers = new Map((await allRows(store, "providers", {})).map((row) => [row.id, row]));
  const own = new Map(
    (await allRows(store, "prices", {})).map((row) => [keyText([row.providerId, row.model]), row]),
  );
  const rows = (await store.unpricedModels()).flatMap((seen): UnpricedModel[] => {
    const { providerId, model } = seen;
    const provider = providers.get(providerId);
    const row = own.get(keyText([providerId, model])) ?? null;
    const price = provider === undefined ? null : effectivePrice(provider, model, row, atMs);
    const surfaces = unpricedOn(seen.surfaces, price);
    if (price !== null && surfaces.length === 0) return [];
    return [
      {
        provider: provider?.name ?? providerId,
        model,
        surfaces,
        requests: seen.requests,
        first_seen_at: formatTime(seen.firstSeenAtMs),
        last_seen_at: formatTime(seen.lastSeenAtMs),
      },
    ];
  });
  const left = rows
    .toSorted((a, b) => (isAfter(keyOf(a), keyOf(b)) ? 1 : -1))
    .filter((row) => isAfter(keyOf(row), after.value));
  return allow(pageOf(left, filter.limit ?? LIMITS.pageRowsDefault));
}

/** Provider and model, by which these lists are ordered. */
type Key = readonly [provider: string, model: string];

function keyOf({ provider, model }: { readonly provider: string; readonly model: string }): Key {
  return [provider, model];
}

function isAfter(key: Key, other: Key | null): boolean {
  if (other === null) return true;
  return key[0] === other[0] ? key[1] > other[1] : key[0] > other[0];
}

/** Names hold no line feed. */
function keyText(key: Key): string {
  return key.join("\n");
}

function pageOf<T extends Parameters<typeof keyOf>[0]>(
  found: readonly T[],
  limit: number,
): Page<T> {
  const data = found.slice(0, limit);
  const last = data.at(-1);
  const isWhole = found.length <= limit || last === undefined;
  const cursor = isWhole ? null : Buffer.from(keyText(keyOf(last)), "utf8").toString("base64url");
  return { data, next_cursor: cursor };
}

function readCursor({ cursor }: Paged): AdminVerdict<Key | null> {
  if (cursor === undefined) return allow(null);
  const [provider, model, ...rest] = Buffer.from(cursor, "base64url").toString("utf8").split("\n");
  return provider === undefined || model === undefined || rest.length > 0
    ? refuse("invalid_request", "The cursor is not one that an earlier page gave.", "cursor")
    : allow([provider, model]);
}
