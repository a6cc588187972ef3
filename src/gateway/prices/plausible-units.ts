/**
 * Whether the price of a picture, a second of sound, a character or a search can be meant. No list has
 * them, so they are compared with what the market asks in the middle.
 */
import { formatFeeUsd, type PicoUsd } from "../../base/units.ts";
import {
  type Doubt,
  FEE_PICO_USD_MAX,
  formatRate,
  type Mistake,
  off,
  type PriceDoubt,
  tooDear,
} from "./doubt.ts";
import type { ModelPrice } from "./price.ts";
import { RATE_OF_UNIT, UNITS, type UnitRates } from "./unit-rates.ts";

type Usual = {
  readonly name: string;
  readonly picoUsd: PicoUsd;
  readonly mistakes: readonly Mistake[];
  readonly format: (amount: PicoUsd) => string;
};

const IN_CENTS: Mistake = { factor: 100, unit: "in cents rather than dollars" };
const PER_THOUSAND: Mistake = { factor: 1_000, unit: "per thousand rather than for one" };
const exactly = (amount: PicoUsd): string => `${formatFeeUsd(amount)} USD`;

/** What is asked where anything is, as published 2026-11. */
const USUAL: Readonly<Record<keyof UnitRates, Usual>> = {
  // 0.04 USD: dall-e-3 at 1024×1024.
  imagePicoUsd: {
    name: "a picture",
    picoUsd: 40_000_000_000,
    mistakes: [IN_CENTS, PER_THOUSAND],
    format: exactly,
  },
  // 0.36 USD an hour: whisper-1.
  audioSecondPicoUsd: {
    name: "a second of sound",
    picoUsd: 100_000_000,
    mistakes: [
      { factor: 60, unit: "per minute rather than per second" },
      { factor: 3_600, unit: "per hour rather than per second" },
      IN_CENTS,
    ],
    format: exactly,
  },
  // 15 USD per million: tts-1.
  characterPicoUsd: {
    name: "a million characters",
    picoUsd: 15_000_000,
    mistakes: [
      IN_CENTS,
      { factor: 1 / 1_000, unit: "per thousand characters rather than per million" },
      { factor: 1 / 1_000_000, unit: "per character rather than per million" },
    ],
    format: formatRate,
  },
  // 2 USD per thousand: rerank-v3.5 of Cohere.
  searchUnitPicoUsd: {
    name: "a search",
    picoUsd: 2_000_000_000,
    mistakes: [IN_CENTS, PER_THOUSAND],
    format: exactly,
  },
};

/** Sellers of one unit differ by a factor of twenty; this is another unit of time or number. */
const TIMES_OFF = 50;
const PARTS_OFF = 500;

/** Every amount that can hardly be meant; 0 always is. */
export function unitDoubts(price: ModelPrice): PriceDoubt[] {
  return UNITS.flatMap((unit) => {
    const kind = RATE_OF_UNIT[unit];
    const entered = price[kind];
    const doubt = entered === null || entered === 0 ? null : doubtUnit(entered, USUAL[kind]);
    return doubt === null || entered === null
      ? []
      : [{ ...doubt, amount: { kind }, enteredPicoUsd: entered }];
  });
}

function doubtUnit(entered: PicoUsd, { name, picoUsd, mistakes, format }: Usual): Doubt | null {
  const subject = `${name} at ${format(entered)}`;
  if (entered > FEE_PICO_USD_MAX) return tooDear(subject, format(FEE_PICO_USD_MAX));
  if (entered < picoUsd * TIMES_OFF && entered * PARTS_OFF > picoUsd) return null;
  const whose = "which such models ask in the middle";
  return off(entered, picoUsd, mistakes, { subject, whose, format });
}
