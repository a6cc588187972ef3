/**
 * One amount of a price as an operator writes it, in US dollars, → integer pico-dollars. What cannot be
 * exact, or is more than costs can be counted with, is refused by its member's name.
 */
import {
  formatFeeUsd,
  formatUsdPerMillion,
  parseFeeUsd,
  parseUsdPerMillion,
  type PicoUsd,
} from "../base/units.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";

/** A dollar per token: past it, one long answer would pass the largest amount the ledger holds. */
const PRICE_PICO_USD_MAX = 1_000_000 * 1_000_000;
/** A thousand dollars a request or call. */
const FEE_PICO_USD_MAX = 1_000_000_000_000_000;

export type Amount = string | number | null | undefined;

const MUST_BE_RATE =
  'must be US dollars per million tokens with at most 6 decimals, such as "2.50"';

export function refuseMissingRate(member: string): AdminVerdict<never> {
  const sentence = `${member} is required: it ${MUST_BE_RATE}.`;
  return refuse("invalid_request", sentence, `/${member}`);
}

/** undefined: not named; null: left open. */
export function readRate(
  pointer: string,
  amount: Amount,
): AdminVerdict<PicoUsd | null | undefined> {
  if (amount === undefined || amount === null) return allow(amount);
  const most = formatUsdPerMillion(PRICE_PICO_USD_MAX);
  return bounded(pointer, parseUsdPerMillion(amount), MUST_BE_RATE, PRICE_PICO_USD_MAX, most);
}

export function readFee(pointer: string, amount: Amount): AdminVerdict<PicoUsd | null | undefined> {
  if (amount === undefined || amount === null) return allow(amount);
  const must = 'must be US dollars with at most 12 decimals, such as "0.01"';
  const most = formatFeeUsd(FEE_PICO_USD_MAX);
  return bounded(pointer, parseFeeUsd(amount), must, FEE_PICO_USD_MAX, most);
}

function bounded(
  pointer: string,
  picoUsd: PicoUsd | undefined,
  must: string,
  max: PicoUsd,
  most: string,
): AdminVerdict<PicoUsd> {
  const name = pointer.slice(1).replaceAll("/", ".");
  if (picoUsd === undefined) return refuse("invalid_request", `${name} ${must}.`, pointer);
  return picoUsd <= max
    ? allow(picoUsd)
    : refuse("invalid_request", `${name} must be at most ${most}.`, pointer);
}
