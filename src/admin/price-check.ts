/**
 * Whether a price can be meant, before it counts: compared with its neighbours, told with what it
 * would cost, and taken all the same when the operator confirms it.
 */
import { assert } from "../base/assert.ts";
import { formatFeeUsd, formatUsd, formatUsdPerMillion, type PicoUsd } from "../base/units.ts";
import { type OwnPrice, priceNeighbours } from "../gateway/prices/neighbours.ts";
import type { PriceAmount, PriceDoubt } from "../gateway/prices/doubt.ts";
import { pricePlausibility, type PricePlausibility } from "../gateway/prices/plausible.ts";
import type { ModelPrice } from "../gateway/prices/price.ts";
import { effectivePrice, listQuery } from "../gateway/prices/resolve.ts";
import type { UnitRates } from "../gateway/prices/unit-rates.ts";
import type { PriceRow, ProviderRow, Store } from "../store/contract.ts";
import { allRows } from "./all-rows.ts";
import type { AdminDeps } from "./deps.ts";
import { MEMBER_OF_RATE, showAmounts } from "./price-amounts.ts";
import { isPerMillion, MEMBER_OF_UNIT } from "./price-units.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { PricePreview } from "./shapes/price-catalogue.ts";

/** Refused with the reason and a preview of costs, unless the operator confirms what can be confirmed. */
export async function checkPrice(
  deps: AdminDeps,
  provider: ProviderRow,
  row: PriceRow,
  isConfirmed: boolean,
): Promise<AdminVerdict<PriceRow>> {
  const judged = await judge(deps, provider, row);
  if (judged.plausible) return allow(row);
  const { doubts, preview } = judged;
  // Past the most that is accepted there is nothing to confirm: costs could not be counted.
  const fatal = doubts.find((doubt) => doubt.usualPicoUsd === null);
  const [first] = doubts;
  if (first === undefined || (isConfirmed && fatal === undefined)) return allow(row);
  const reasons = doubts.map((doubt) => doubt.explanation).join(" ");
  const costs = preview === null ? "" : ` ${preview.sentence}`;
  const way = fatal === undefined ? ' If it is meant, send "confirm_unusual": true with it.' : "";
  return refuse(
    "unprocessable",
    `${reasons}${costs}${way}`,
    pointerOf(row, (fatal ?? first).amount),
  );
}

/** What setting the price would mean. */
export async function previewPrice(
  deps: AdminDeps,
  provider: ProviderRow,
  row: PriceRow,
): Promise<PricePreview> {
  const judged = await judge(deps, provider, row);
  const listed = effectivePrice(provider, row.model, null, deps.clock.nowMs());
  const { preview } = judged;
  return {
    plausible: judged.plausible,
    doubts: judged.plausible ? [] : judged.doubts.map((doubt) => showDoubt(row, doubt)),
    costs:
      preview === null
        ? null
        : {
            small_request_usd: formatUsd(preview.smallRequestNanoUsd),
            million_input_usd: formatUsd(preview.millionInputNanoUsd),
            million_output_usd: formatUsd(preview.millionOutputNanoUsd),
            sentence: preview.sentence,
          },
    listed: listed === null ? null : showListed(listed),
  };
}

export function showListed(price: ModelPrice): NonNullable<PricePreview["listed"]> {
  return { source: price.source, ...showAmounts(price) };
}

async function judge(
  { store, clock }: AdminDeps,
  provider: ProviderRow,
  row: PriceRow,
): Promise<PricePlausibility> {
  const atMs = clock.nowMs();
  const price = effectivePrice(provider, row.model, row, atMs);
  assert(price !== null, "a price that is set is not in force");
  const own = await ownPrices(store, atMs);
  const query = { ...listQuery(provider, atMs), model: row.model };
  return pricePlausibility(price, await priceNeighbours(query, own));
}

/** Every price that the operator has set. */
async function ownPrices(store: Store, atMs: number): Promise<OwnPrice[]> {
  const providers = new Map((await allRows(store, "providers", {})).map((row) => [row.id, row]));
  return (await allRows(store, "prices", {})).flatMap((row) => {
    const provider = providers.get(row.providerId);
    const price = provider && effectivePrice(provider, row.model, row, atMs);
    return price ? [{ providerName: provider.name, model: row.model, price }] : [];
  });
}

const MEMBERS = {
  inputPicoUsd: "input_usd_per_million",
  outputPicoUsd: "output_usd_per_million",
  ...MEMBER_OF_RATE,
} as const;

function isUnitAmount(amount: PriceAmount): amount is { readonly kind: keyof UnitRates } {
  return Object.hasOwn(MEMBER_OF_UNIT, amount.kind);
}

/** The member that an amount was entered as. */
function pointerOf(row: PriceRow, amount: PriceAmount): string {
  if (amount.kind === "requestPicoUsd") return "/request_usd";
  if (amount.kind === "toolCallPicoUsd") return `/tool_call_usd/${amount.tool}`;
  if (isUnitAmount(amount)) return `/${MEMBER_OF_UNIT[amount.kind]}`;
  const { kind, aboveInputTokens } = amount;
  const member = Object.hasOwn(MEMBERS, kind) ? MEMBERS[kind as keyof typeof MEMBERS] : kind;
  if (aboveInputTokens === null) return `/${member}`;
  const place = (row.tiers ?? []).findIndex((tier) => tier.aboveInputTokens === aboveInputTokens);
  return `/tiers/${place}/${member}`;
}

function showDoubt(row: PriceRow, doubt: PriceDoubt): PricePreview["doubts"][number] {
  const { amount } = doubt;
  const isFee = isUnitAmount(amount)
    ? !isPerMillion(amount.kind)
    : amount.kind === "requestPicoUsd" || amount.kind === "toolCallPicoUsd";
  const show = isFee ? formatFeeUsd : formatUsdPerMillion;
  const orNull = (one: PicoUsd | null): string | null => (one === null ? null : show(one));
  return {
    member: pointerOf(row, doubt.amount),
    entered_usd: show(doubt.enteredPicoUsd),
    usual_usd: orNull(doubt.usualPicoUsd),
    suggested_usd: orNull(doubt.suggestedPicoUsd),
    explanation: doubt.explanation,
  };
}
