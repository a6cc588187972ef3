/** Prices that the operator sets. An attempt keeps the price it was made under; edits count from now. */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import { formatUsdPerMillion, parseUsdPerMillion, type PicoUsd } from "../base/units.ts";
import type { PriceRow, Store } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { namesOf, providerNamed } from "./names.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { Price, PriceChange, PriceFilter, PriceInput } from "./shapes/price.ts";
import { named } from "./write.ts";

export type Prices = Configured<Price, PriceInput, PriceChange, PriceFilter>;

/** A dollar per token: past it, one long answer would pass the largest amount the ledger holds. */
const PRICE_PICO_USD_MAX = 1_000_000 * 1_000_000;

export function createPrices(deps: AdminDeps): Prices {
  const { store, clock } = deps;
  return configured(deps, "prices", {
    rowOf: async (input: PriceInput) => {
      const provider = await providerNamed(store, input.provider);
      if (provider === null) {
        return refuse("unprocessable", `There is no provider ${input.provider}.`, "/provider");
      }
      const amounts = readAmounts(input);
      if (!amounts.allowed) return amounts;
      const { input: inputPicoUsd = 0, output: outputPicoUsd = 0, cachedInput } = amounts.value;
      const nowMs = clock.nowMs();
      return allow({
        id: newId("price", deps.random),
        providerId: provider.id,
        model: input.model,
        inputPicoUsd,
        outputPicoUsd,
        cachedInputPicoUsd: cachedInput ?? null,
        contextTokensMax: input.context_tokens_max ?? null,
        outputTokensMax: input.output_tokens_max ?? null,
        effectiveAtMs: nowMs,
        version: 1,
        createdAtMs: nowMs,
      });
    },
    editOf: (change: PriceChange) => () => {
      const amounts = readAmounts(change);
      if (!amounts.allowed) return amounts;
      const { input, output, cachedInput } = amounts.value;
      const isPriced = input !== undefined || output !== undefined || cachedInput !== undefined;
      return allow(
        named<PriceRow>({
          inputPicoUsd: input,
          outputPicoUsd: output,
          cachedInputPicoUsd: cachedInput,
          contextTokensMax: change.context_tokens_max,
          outputTokensMax: change.output_tokens_max,
          effectiveAtMs: isPriced ? clock.nowMs() : undefined,
        }),
      );
    },
    whereOf: async (filter: PriceFilter) => {
      if (filter.provider === undefined) return named<PriceRow>({ model: filter.model });
      const provider = await providerNamed(store, filter.provider);
      if (provider === null) return null;
      return named<PriceRow>({ model: filter.model, providerId: provider.id });
    },
    show: (rows) => showPrices(store, rows),
  });
}

/** undefined: not named; null: cleared. */
type Amounts = {
  readonly input: PicoUsd | undefined;
  readonly output: PicoUsd | undefined;
  readonly cachedInput: PicoUsd | null | undefined;
};

function readAmounts(change: PriceChange): AdminVerdict<Amounts> {
  const input = readAmount("input_usd_per_million", change.input_usd_per_million);
  if (!input.allowed) return input;
  const output = readAmount("output_usd_per_million", change.output_usd_per_million);
  if (!output.allowed) return output;
  const { cached_input_usd_per_million: cached } = change;
  if (cached === null) {
    return allow({ input: input.value, output: output.value, cachedInput: null });
  }
  const cachedInput = readAmount("cached_input_usd_per_million", cached);
  if (!cachedInput.allowed) return cachedInput;
  return allow({ input: input.value, output: output.value, cachedInput: cachedInput.value });
}

function readAmount(
  member: string,
  amount: string | number | undefined,
): AdminVerdict<PicoUsd | undefined> {
  if (amount === undefined) return allow(undefined);
  const picoUsd = parseUsdPerMillion(amount);
  if (picoUsd === undefined) {
    const must = 'must be US dollars per million tokens with at most 6 decimals, such as "2.50"';
    return refuse("invalid_request", `${member} ${must}.`, `/${member}`);
  }
  const most = formatUsdPerMillion(PRICE_PICO_USD_MAX);
  return picoUsd <= PRICE_PICO_USD_MAX
    ? allow(picoUsd)
    : refuse("invalid_request", `${member} must be at most ${most}.`, `/${member}`);
}

async function showPrices(store: Store, rows: readonly PriceRow[]): Promise<Price[]> {
  const ids = rows.map((row) => row.providerId);
  const names = await namesOf(store, "providers", ids);
  return rows.map((row) => ({
    id: row.id,
    provider: names.get(row.providerId) ?? row.providerId,
    model: row.model,
    input_usd_per_million: formatUsdPerMillion(row.inputPicoUsd),
    output_usd_per_million: formatUsdPerMillion(row.outputPicoUsd),
    cached_input_usd_per_million:
      row.cachedInputPicoUsd === null ? null : formatUsdPerMillion(row.cachedInputPicoUsd),
    context_tokens_max: row.contextTokensMax,
    output_tokens_max: row.outputTokensMax,
    source: "operator",
    effective_at: formatTime(row.effectiveAtMs),
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  }));
}
