/** What is doubtful about an amount of a price that is entered, and the words it is told in. */
import { formatUsd, formatUsdPerMillion, type PicoUsd } from "../../base/units.ts";
import type { Rates } from "./price.ts";
import type { UnitRates } from "./unit-rates.ts";

/** 100 USD per request, call or unit. */
export const FEE_PICO_USD_MAX: PicoUsd = 100_000_000_000_000;

/** Which amount of a price is doubted; a tool's fee is named by its tool. */
export type PriceAmount =
  | { readonly kind: keyof UnitRates }
  | { readonly kind: keyof Rates; readonly aboveInputTokens: number | null }
  | { readonly kind: "requestPicoUsd" }
  | { readonly kind: "toolCallPicoUsd"; readonly tool: string };

export type PriceDoubt = {
  readonly amount: PriceAmount;
  readonly enteredPicoUsd: PicoUsd;
  /** What its neighbours ask; null: it is dearer than anything may be. */
  readonly usualPicoUsd: PicoUsd | null;
  /** What was meant if the unit was mistaken; null: no unit explains it. */
  readonly suggestedPicoUsd: PicoUsd | null;
  /** One or two sentences for whoever entered it. */
  readonly explanation: string;
};

export type Doubt = Omit<PriceDoubt, "amount" | "enteredPicoUsd">;

/** `factor`: the wrong number divided by the right one. */
export type Mistake = { readonly factor: number; readonly unit: string };

export type Wording = {
  readonly subject: string;
  readonly whose: string;
  readonly format: (amount: PicoUsd) => string;
};

export function off(
  entered: PicoUsd,
  usual: PicoUsd,
  mistakes: readonly Mistake[],
  { subject, whose, format }: Wording,
): Doubt {
  const mistake = mistakes.find(({ factor }) => {
    const ratio = entered / factor / usual;
    return ratio > 1 / 5 && ratio < 5;
  });
  const suggestedPicoUsd = mistake === undefined ? null : Math.round(entered / mistake.factor);
  const times =
    entered >= usual
      ? `${timesOf(entered / usual)} times the ${format(usual)}`
      : `one part in ${timesOf(usual / entered)} of the ${format(usual)}`;
  const guess =
    mistake === undefined || suggestedPicoUsd === null
      ? ""
      : ` It looks as if it were ${mistake.unit}: then ${format(suggestedPicoUsd)} was meant.`;
  const explanation = `The price of ${subject} is ${times} ${whose}.${guess}`;
  return { usualPicoUsd: usual, suggestedPicoUsd, explanation };
}

function timesOf(ratio: number): string {
  return Math.round(ratio).toLocaleString("en-US");
}

export function tooDear(subject: string, most: string): Doubt {
  const explanation = `The price of ${subject} is more than ${most}, the most that is accepted.`;
  return { usualPicoUsd: null, suggestedPicoUsd: null, explanation };
}

export function formatRate(amount: PicoUsd): string {
  return `${formatUsdPerMillion(amount)} USD`;
}

export function formatFee(amount: PicoUsd): string {
  return `${formatUsd(Math.round(amount / 1_000))} USD`;
}
