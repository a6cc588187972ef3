/**
 * What a price asks, between operators' decimal US dollars and the integer pico-dollars that costs
 * are computed with. Exact in both directions; what cannot be exact is refused.
 */
import { formatFeeUsd, formatUsdPerMillion, type PicoUsd } from "../base/units.ts";
import { NO_UNIT_RATES, type UnitRates } from "../gateway/prices/unit-rates.ts";
import type { PriceRow } from "../store/contract.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { readFee, readRate } from "./price-amount.ts";
import { readUnits, showUnits } from "./price-units.ts";
import type { PriceAmounts, PriceChange } from "./shapes/price.ts";
import { named } from "./write.ts";

const PERMILLE = 1_000;

/** Columns of rates that may be left open, by member. */
const OPTIONAL_RATES = {
  cached_input_usd_per_million: "cachedInputPicoUsd",
  cache_write_usd_per_million: "cacheWritePicoUsd",
  cache_write_1h_usd_per_million: "cacheWrite1hPicoUsd",
  reasoning_usd_per_million: "reasoningPicoUsd",
  audio_input_usd_per_million: "audioInputPicoUsd",
  audio_output_usd_per_million: "audioOutputPicoUsd",
  image_input_usd_per_million: "imageInputPicoUsd",
  image_output_usd_per_million: "imageOutputPicoUsd",
} as const;
type RateMember = keyof typeof OPTIONAL_RATES;
type RateColumn = (typeof OPTIONAL_RATES)[RateMember];

const RATE_MEMBERS = Object.keys(OPTIONAL_RATES).filter(
  (member): member is RateMember => member in OPTIONAL_RATES,
);

/** The member of each of those columns. */
export const MEMBER_OF_RATE = {
  cachedInputPicoUsd: "cached_input_usd_per_million",
  cacheWritePicoUsd: "cache_write_usd_per_million",
  cacheWrite1hPicoUsd: "cache_write_1h_usd_per_million",
  reasoningPicoUsd: "reasoning_usd_per_million",
  audioInputPicoUsd: "audio_input_usd_per_million",
  audioOutputPicoUsd: "audio_output_usd_per_million",
  imageInputPicoUsd: "image_input_usd_per_million",
  imageOutputPicoUsd: "image_output_usd_per_million",
} as const satisfies { readonly [M in RateMember as RateColumn]: RateMember };

/** The columns of a row that say what the price asks. */
export type AmountColumns = Pick<
  PriceRow,
  | "inputPicoUsd"
  | "outputPicoUsd"
  | RateColumn
  | keyof UnitRates
  | "requestPicoUsd"
  | "toolCallPicoUsd"
  | "tiers"
  | "batchPermille"
>;

/** A price of which nothing but input and output is set, and both are 0. */
export const NO_AMOUNTS: AmountColumns = {
  inputPicoUsd: 0,
  outputPicoUsd: 0,
  cachedInputPicoUsd: null,
  cacheWritePicoUsd: null,
  cacheWrite1hPicoUsd: null,
  reasoningPicoUsd: null,
  audioInputPicoUsd: null,
  audioOutputPicoUsd: null,
  imageInputPicoUsd: null,
  imageOutputPicoUsd: null,
  ...NO_UNIT_RATES,
  requestPicoUsd: null,
  toolCallPicoUsd: null,
  tiers: null,
  batchPermille: null,
};

/** Only what `change` names. */
export function readAmounts(change: PriceChange): AdminVerdict<Partial<AmountColumns>> {
  const input = readRate("/input_usd_per_million", change.input_usd_per_million);
  if (!input.allowed) return input;
  const output = readRate("/output_usd_per_million", change.output_usd_per_million);
  if (!output.allowed) return output;
  const rates: Partial<Record<RateColumn, PicoUsd | null>> = {};
  for (const member of RATE_MEMBERS) {
    const rate = readRate(`/${member}`, change[member]);
    if (!rate.allowed) return rate;
    if (rate.value !== undefined) rates[OPTIONAL_RATES[member]] = rate.value;
  }
  const units = readUnits(change);
  if (!units.allowed) return units;
  const request = readFee("/request_usd", change.request_usd);
  if (!request.allowed) return request;
  const tools = readTools(change.tool_call_usd);
  if (!tools.allowed) return tools;
  const tiers = readTiers(change.tiers);
  if (!tiers.allowed) return tiers;
  const batch = readBatch(change.batch_multiplier);
  if (!batch.allowed) return batch;
  return allow({
    ...rates,
    ...units.value,
    ...named<AmountColumns>({
      inputPicoUsd: input.value ?? undefined,
      outputPicoUsd: output.value ?? undefined,
      requestPicoUsd: request.value,
      toolCallPicoUsd: tools.value,
      tiers: tiers.value,
      batchPermille: batch.value,
    }),
  });
}

function readTools(
  tools: PriceChange["tool_call_usd"],
): AdminVerdict<Readonly<Record<string, PicoUsd>> | null | undefined> {
  if (tools === undefined || tools === null) return allow(tools);
  const fees: [string, PicoUsd][] = [];
  for (const [tool, amount] of Object.entries(tools)) {
    const fee = readFee(`/tool_call_usd/${tool}`, amount);
    if (!fee.allowed) return fee;
    fees.push([tool, fee.value ?? 0]);
  }
  return allow(Object.fromEntries(fees));
}

type Tiers = NonNullable<PriceRow["tiers"]>;

/** In the order of their bounds, whatever order they come in. */
function readTiers(tiers: PriceChange["tiers"]): AdminVerdict<Tiers | null | undefined> {
  if (tiers === undefined || tiers === null) return allow(tiers);
  const read: Tiers[number][] = [];
  for (const [place, tier] of tiers.entries()) {
    const amounts: (PicoUsd | null)[] = [];
    for (const member of TIER_MEMBERS) {
      const rate = readRate(`/tiers/${place}/${member}`, tier[member]);
      if (!rate.allowed) return rate;
      amounts.push(rate.value ?? null);
    }
    const { above_input_tokens: aboveInputTokens } = tier;
    if (read.some((other) => other.aboveInputTokens === aboveInputTokens)) {
      const sentence = `tiers.${place}.above_input_tokens is that of another tier already.`;
      return refuse("invalid_request", sentence, `/tiers/${place}/above_input_tokens`);
    }
    const [input, output, cachedInputPicoUsd = null, cacheWritePicoUsd = null] = amounts;
    read.push({
      aboveInputTokens,
      inputPicoUsd: input ?? 0,
      outputPicoUsd: output ?? 0,
      cachedInputPicoUsd,
      cacheWritePicoUsd,
    });
  }
  return allow(read.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens));
}

const TIER_MEMBERS = [
  "input_usd_per_million",
  "output_usd_per_million",
  "cached_input_usd_per_million",
  "cache_write_usd_per_million",
] as const;

function readBatch(multiplier: number | null | undefined): AdminVerdict<number | null | undefined> {
  if (multiplier === undefined || multiplier === null) return allow(multiplier);
  const permille = Math.round(multiplier * PERMILLE);
  if (permille / PERMILLE === multiplier) return allow(permille);
  const sentence =
    "batch_multiplier must be a number from 0 to 1 with at most 3 decimals, such as 0.5.";
  return refuse("invalid_request", sentence, "/batch_multiplier");
}

type Shown = AmountColumns & Pick<PriceRow, "contextTokensMax" | "outputTokensMax">;

export function showAmounts(price: Shown): PriceAmounts {
  const { tiers, requestPicoUsd, toolCallPicoUsd, batchPermille } = price;
  return {
    input_usd_per_million: formatUsdPerMillion(price.inputPicoUsd),
    output_usd_per_million: formatUsdPerMillion(price.outputPicoUsd),
    cached_input_usd_per_million: showRate(price.cachedInputPicoUsd),
    cache_write_usd_per_million: showRate(price.cacheWritePicoUsd),
    cache_write_1h_usd_per_million: showRate(price.cacheWrite1hPicoUsd),
    reasoning_usd_per_million: showRate(price.reasoningPicoUsd),
    audio_input_usd_per_million: showRate(price.audioInputPicoUsd),
    audio_output_usd_per_million: showRate(price.audioOutputPicoUsd),
    image_input_usd_per_million: showRate(price.imageInputPicoUsd),
    image_output_usd_per_million: showRate(price.imageOutputPicoUsd),
    ...showUnits(price),
    request_usd: requestPicoUsd === null ? null : formatFeeUsd(requestPicoUsd),
    tool_call_usd: toolCallPicoUsd === null ? null : showFees(toolCallPicoUsd),
    tiers: (tiers ?? []).map((tier) => ({
      above_input_tokens: tier.aboveInputTokens,
      input_usd_per_million: formatUsdPerMillion(tier.inputPicoUsd),
      output_usd_per_million: formatUsdPerMillion(tier.outputPicoUsd),
      cached_input_usd_per_million: showRate(tier.cachedInputPicoUsd),
      cache_write_usd_per_million: showRate(tier.cacheWritePicoUsd),
    })),
    batch_multiplier: batchPermille === null ? null : batchPermille / PERMILLE,
    context_tokens_max: price.contextTokensMax,
    output_tokens_max: price.outputTokensMax,
  };
}

function showFees(fees: Readonly<Record<string, PicoUsd>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fees).map(([tool, fee]) => [tool, formatFeeUsd(fee)]));
}

function showRate(picoUsd: PicoUsd | null): string | null {
  return picoUsd === null ? null : formatUsdPerMillion(picoUsd);
}
