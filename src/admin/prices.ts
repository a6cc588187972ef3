/** Prices that the operator sets. An attempt keeps the price it was made under; edits count from now. */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import type { PriceRow, ProviderRow, Store } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { namesOf, providerNamed } from "./names.ts";
import { NO_AMOUNTS, readAmounts, showAmounts } from "./price-amounts.ts";
import { createPriceCatalogue, type PriceCatalogue } from "./price-catalogue.ts";
import { refuseMissingRate } from "./price-amount.ts";
import { checkPrice, previewPrice } from "./price-check.ts";
import { namesUnit } from "./price-units.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { Price, PriceChange, PriceFilter, PriceInput } from "./shapes/price.ts";
import type { PricePreview } from "./shapes/price-catalogue.ts";
import { named } from "./write.ts";

export type Prices = Configured<Price, PriceInput, PriceChange, PriceFilter> &
  PriceCatalogue & {
    /** What a price would mean; sets nothing. */
    readonly preview: (input: PriceInput) => Promise<AdminVerdict<PricePreview>>;
  };

export function createPrices(deps: AdminDeps): Prices {
  const { store } = deps;
  return {
    ...configured(deps, "prices", {
      rowOf: async (input: PriceInput) => {
        const made = await newRow(deps, input);
        if (!made.allowed) return made;
        const { provider, row } = made.value;
        return checkPrice(deps, provider, row, input.confirm_unusual === true);
      },
      editOf: (change: PriceChange) => (current) => editOf(deps, change, current),
      whereOf: async (filter: PriceFilter) => {
        if (filter.provider === undefined) return named<PriceRow>({ model: filter.model });
        const provider = await providerNamed(store, filter.provider);
        if (provider === null) return null;
        return named<PriceRow>({ model: filter.model, providerId: provider.id });
      },
      show: (rows) => showPrices(store, rows),
    }),
    ...createPriceCatalogue(deps),
    preview: async (input) => {
      const made = await newRow(deps, input);
      if (!made.allowed) return made;
      return allow(await previewPrice(deps, made.value.provider, made.value.row));
    },
  };
}

type Made = { readonly provider: ProviderRow; readonly row: PriceRow };

async function newRow(deps: AdminDeps, input: PriceInput): Promise<AdminVerdict<Made>> {
  const provider = await providerNamed(deps.store, input.provider);
  if (provider === null) {
    return refuse("unprocessable", `There is no provider ${input.provider}.`, "/provider");
  }
  const missing = missingRate(input);
  if (missing !== null) return missing;
  const amounts = readAmounts(input);
  if (!amounts.allowed) return amounts;
  const nowMs = deps.clock.nowMs();
  const row = {
    id: newId("price", deps.random),
    providerId: provider.id,
    model: input.model,
    ...NO_AMOUNTS,
    ...amounts.value,
    contextTokensMax: input.context_tokens_max ?? null,
    outputTokensMax: input.output_tokens_max ?? null,
    effectiveAtMs: nowMs,
    version: 1,
    createdAtMs: nowMs,
  };
  return allow({ provider, row });
}

/** The rates of tokens may be left out only where something else has a price: nothing is free by silence. */
function missingRate(input: PriceInput): AdminVerdict<never> | null {
  if (namesUnit(input)) return null;
  for (const member of ["input_usd_per_million", "output_usd_per_million"] as const) {
    if (input[member] === undefined) return refuseMissingRate(member);
  }
  return null;
}

async function editOf(
  deps: AdminDeps,
  change: PriceChange,
  current: PriceRow,
): Promise<AdminVerdict<Partial<PriceRow>>> {
  const amounts = readAmounts(change);
  if (!amounts.allowed) return amounts;
  const bounds = named<PriceRow>({
    contextTokensMax: change.context_tokens_max,
    outputTokensMax: change.output_tokens_max,
  });
  if (Object.keys(amounts.value).length === 0) return allow(bounds);
  const edit = { ...amounts.value, ...bounds, effectiveAtMs: deps.clock.nowMs() };
  const provider = await deps.store.get("providers", current.providerId);
  if (provider === null) return allow(edit);
  const isConfirmed = change.confirm_unusual === true;
  const checked = await checkPrice(deps, provider, { ...current, ...edit }, isConfirmed);
  return checked.allowed ? allow(edit) : checked;
}

async function showPrices(store: Store, rows: readonly PriceRow[]): Promise<Price[]> {
  const ids = rows.map((row) => row.providerId);
  const names = await namesOf(store, "providers", ids);
  return rows.map((row) => ({
    id: row.id,
    provider: names.get(row.providerId) ?? row.providerId,
    model: row.model,
    ...showAmounts(row),
    source: "operator",
    effective_at: formatTime(row.effectiveAtMs),
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  }));
}
