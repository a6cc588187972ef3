/**
 * The price of a model: integer pico-dollars per token, with what the price depends on. Its JSON
 * form goes into the ledger with every hold, so that an attempt can be priced again in ten years.
 */
import type { PicoUsd } from "../../base/units.ts";

/** What one token costs, by kind. */
export type Rates = {
  readonly inputPicoUsd: PicoUsd;
  /** Reasoning tokens are output. */
  readonly outputPicoUsd: PicoUsd;
  /** Input read from the provider's cache; null: costs what input costs. */
  readonly cachedInputPicoUsd: PicoUsd | null;
  /** Input written to the provider's cache; null: costs what input costs. */
  readonly cacheWritePicoUsd: PicoUsd | null;
};

/** The rates of a whole request whose input is longer than `aboveInputTokens`. */
export type PriceTier = Rates & { readonly aboveInputTokens: number };

export type ModelPrice = Rates & {
  /** Per request, whatever its size; 0 for nearly every model. */
  readonly requestPicoUsd: PicoUsd;
  /** In the order of their bounds; the last one that applies counts. */
  readonly tiers: readonly PriceTier[];
  /** Input and output together; null: unknown. */
  readonly contextTokensMax: number | null;
  /** null: unknown. */
  readonly outputTokensMax: number | null;
  /** `operator`, `catalogue:VERSION` or `simulated`. */
  readonly source: string;
};

const written = new WeakMap<ModelPrice, string>();

/** The ledger's form: short, in a fixed order, with the units in the names. */
export function priceJson(price: ModelPrice): string {
  // The same price object serves many attempts; its text is made once.
  const known = written.get(price);
  if (known !== undefined) return known;
  const text = JSON.stringify({
    source: price.source,
    ...formatRates(price),
    request_pico_usd: price.requestPicoUsd,
    tiers: price.tiers.map((tier) => ({
      above_input_tokens: tier.aboveInputTokens,
      ...formatRates(tier),
    })),
    context_tokens_max: price.contextTokensMax,
    output_tokens_max: price.outputTokensMax,
  });
  written.set(price, text);
  return text;
}

function formatRates(rates: Rates): Record<string, number | null> {
  return {
    input_pico_usd: rates.inputPicoUsd,
    output_pico_usd: rates.outputPicoUsd,
    cached_input_pico_usd: rates.cachedInputPicoUsd,
    cache_write_pico_usd: rates.cacheWritePicoUsd,
  };
}

/** Reads {@link priceJson}'s text back; undefined when it is anything else. */
export function parsePriceJson(text: string): ModelPrice | undefined {
  const members = membersOf(parseJson(text));
  if (members === undefined) return undefined;
  const rates = parseRates(members);
  const tiers = parseTiers(members["tiers"]);
  const requestPicoUsd = count(members["request_pico_usd"]);
  const contextTokensMax = countOrNull(members["context_tokens_max"]);
  const outputTokensMax = countOrNull(members["output_tokens_max"]);
  const source = members["source"];
  if (rates === undefined || tiers === undefined || typeof source !== "string") return undefined;
  if (requestPicoUsd === undefined) return undefined;
  if (contextTokensMax === undefined || outputTokensMax === undefined) return undefined;
  return { ...rates, requestPicoUsd, tiers, contextTokensMax, outputTokensMax, source };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not a price, which is the answer the caller asked for.
    return undefined;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...value }
    : undefined;
}

function parseRates(members: Readonly<Record<string, unknown>>): Rates | undefined {
  const inputPicoUsd = count(members["input_pico_usd"]);
  const outputPicoUsd = count(members["output_pico_usd"]);
  const cachedInputPicoUsd = countOrNull(members["cached_input_pico_usd"]);
  const cacheWritePicoUsd = countOrNull(members["cache_write_pico_usd"]);
  if (inputPicoUsd === undefined || outputPicoUsd === undefined) return undefined;
  if (cachedInputPicoUsd === undefined || cacheWritePicoUsd === undefined) return undefined;
  return { inputPicoUsd, outputPicoUsd, cachedInputPicoUsd, cacheWritePicoUsd };
}

function parseTiers(value: unknown): readonly PriceTier[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const tiers: PriceTier[] = [];
  for (const item of value) {
    const members = membersOf(item);
    const rates = members === undefined ? undefined : parseRates(members);
    const aboveInputTokens = count(members?.["above_input_tokens"]);
    if (rates === undefined || aboveInputTokens === undefined) return undefined;
    tiers.push({ aboveInputTokens, ...rates });
  }
  return tiers;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function countOrNull(value: unknown): number | null | undefined {
  return value === null ? null : count(value);
}
