/**
 * Prices of what is no token: a picture, a second of sound, a character read aloud, a search. A model has
 * one price for a unit, whatever the size or quality asked for: it has to be that of the dearest.
 */
import type { PicoUsd } from "../../base/units.ts";
import type { UnitCounts } from "../../dialects/usage-contract.ts";
import type { Unit } from "../../dialects/surfaces.ts";

/** What one unit costs; null: the model is not paid by it. */
export type UnitRates = {
  readonly imagePicoUsd: PicoUsd | null;
  readonly audioSecondPicoUsd: PicoUsd | null;
  readonly characterPicoUsd: PicoUsd | null;
  readonly searchUnitPicoUsd: PicoUsd | null;
};

/** The rate of each unit. */
export const RATE_OF_UNIT = {
  images: "imagePicoUsd",
  audio_seconds: "audioSecondPicoUsd",
  characters: "characterPicoUsd",
  search_units: "searchUnitPicoUsd",
} as const satisfies Record<Unit, keyof UnitRates>;

export const UNITS = Object.keys(RATE_OF_UNIT).filter((unit): unit is Unit => unit in RATE_OF_UNIT);

/** Of a model that is paid by tokens alone. */
export const NO_UNIT_RATES: UnitRates = {
  imagePicoUsd: null,
  audioSecondPicoUsd: null,
  characterPicoUsd: null,
  searchUnitPicoUsd: null,
};

export function hasUnitRates(rates: UnitRates): boolean {
  return UNITS.some((unit) => rates[RATE_OF_UNIT[unit]] !== null);
}

/** Units that the model is paid by, each with its price. */
export function unitParts(counts: UnitCounts, rates: UnitRates): [number, PicoUsd][] {
  return UNITS.flatMap((unit): [number, PicoUsd][] => {
    const rate = rates[RATE_OF_UNIT[unit]];
    const count = counts[unit];
    return rate === null || count === undefined ? [] : [[count, rate]];
  });
}
