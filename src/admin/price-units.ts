/** What units that are no tokens cost, between operators' members and the columns of a price. */
import { formatFeeUsd, formatUsdPerMillion, type PicoUsd } from "../base/units.ts";
import type { UnitRates } from "../gateway/prices/unit-rates.ts";
import { readFee, readRate } from "./price-amount.ts";
import { type AdminVerdict, allow } from "./refusal.ts";
import type { PriceAmounts, PriceChange } from "./shapes/price.ts";

/** The member of each column; characters are cheap, so that they are told by the million like tokens. */
export const MEMBER_OF_UNIT = {
  imagePicoUsd: "image_usd",
  audioSecondPicoUsd: "audio_second_usd",
  characterPicoUsd: "character_usd_per_million",
  searchUnitPicoUsd: "search_unit_usd",
} as const satisfies Record<keyof UnitRates, keyof PriceAmounts>;

type UnitColumn = keyof UnitRates;
const COLUMNS = Object.keys(MEMBER_OF_UNIT).filter(
  (column): column is UnitColumn => column in MEMBER_OF_UNIT,
);

export function isPerMillion(column: UnitColumn): boolean {
  return column === "characterPicoUsd";
}

/** Whether a price says what any unit costs. */
export function namesUnit(input: PriceChange): boolean {
  return COLUMNS.some((column) => (input[MEMBER_OF_UNIT[column]] ?? null) !== null);
}

/** Only what `change` names. */
export function readUnits(change: PriceChange): AdminVerdict<Partial<UnitRates>> {
  const units: Partial<Record<UnitColumn, PicoUsd | null>> = {};
  for (const column of COLUMNS) {
    const member = MEMBER_OF_UNIT[column];
    const read = isPerMillion(column) ? readRate : readFee;
    const amount = read(`/${member}`, change[member]);
    if (!amount.allowed) return amount;
    if (amount.value !== undefined) units[column] = amount.value;
  }
  return allow(units);
}

export function showUnits(
  rates: UnitRates,
): Pick<PriceAmounts, (typeof MEMBER_OF_UNIT)[UnitColumn]> {
  const show = (column: UnitColumn): string | null => {
    const amount = rates[column];
    if (amount === null) return null;
    return isPerMillion(column) ? formatUsdPerMillion(amount) : formatFeeUsd(amount);
  };
  return {
    image_usd: show("imagePicoUsd"),
    audio_second_usd: show("audioSecondPicoUsd"),
    character_usd_per_million: show("characterPicoUsd"),
    search_unit_usd: show("searchUnitPicoUsd"),
  };
}
