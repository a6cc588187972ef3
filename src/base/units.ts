/**
 * Money as integers. Prices are pico-dollars (10⁻¹² USD) per token, ledger amounts nano-dollars
 * (10⁻⁹ USD). Every amount stays below 2^53 nano-dollars (nine million dollars); what does not is
 * refused at entry, never rounded. Text is the only other form money takes: decimal US dollars.
 */
import { assert } from "./assert.ts";

/** Integer nano-dollars, 10⁻⁹ USD. */
export type NanoUsd = number;
/** Integer pico-dollars, 10⁻¹² USD. */
export type PicoUsd = number;

export const NANO_PER_USD = 1_000_000_000;
const PICO_PER_NANO = 1_000;
/** One US dollar per million tokens is a million pico-dollars per token. */
export const PICO_PER_USD_PER_MILLION = 1_000_000;
export const NANO_USD_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Decimal dollars to integer units of 10^-`decimals`; undefined when the text is not a plain
 * non-negative decimal, has more decimals than fit, or passes 2^53.
 */
function parseDecimal(text: string | number, decimals: number): number | undefined {
  const plain = typeof text === "number" ? numberToPlain(text) : text.trim();
  const match = /^(\d{1,16})(?:\.(\d{1,30}))?$/.exec(plain ?? "");
  if (match === null) return undefined;
  const whole = match[1] ?? "0";
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) return undefined;
  const units = BigInt(whole + fraction.padEnd(decimals, "0"));
  return units <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(units) : undefined;
}

/**
 * JSON numbers arrive as doubles: their shortest decimal form is what the operator typed. Exponents
 * appear only below 10⁻⁶, which we spell out, and from 10²¹ on, which is out of range anyway.
 */
function numberToPlain(value: number): string | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined;
  const small = /^(\d)(?:\.(\d+))?e-(\d+)$/.exec(String(value));
  if (small === null) return String(value);
  const digits = (small[1] ?? "") + (small[2] ?? "");
  return `0.${"0".repeat(Number(small[3]) - 1)}${digits}`;
}

/** `"5.00"` or `5` → 5_000_000_000 nano-dollars; undefined when it is not such an amount. */
export function parseUsd(text: string | number): NanoUsd | undefined {
  return parseDecimal(text, 9);
}

/** Dollars per million tokens → pico-dollars per token; undefined when not exactly representable. */
export function parseUsdPerMillion(text: string | number): PicoUsd | undefined {
  return parseDecimal(text, 6);
}

/** A fee in dollars → pico-dollars; undefined when it is not one, or has more than 12 decimals. */
export function parseFeeUsd(text: string | number): PicoUsd | undefined {
  return parseDecimal(text, 12);
}

function formatDecimal(units: number, decimals: number, decimalsMin: number): string {
  assert(Number.isSafeInteger(units), `amount is not a safe integer: ${units}`);
  const digits = String(Math.abs(units)).padStart(decimals + 1, "0");
  const whole = digits.slice(0, -decimals);
  const fraction = digits.slice(-decimals).replace(/0+$/, "").padEnd(decimalsMin, "0");
  return `${units < 0 ? "-" : ""}${whole}.${fraction}`;
}

/** 5_000_000_000 → `"5.00"`, 1_500 → `"0.0000015"`: exact, at least two decimals. */
export function formatUsd(amount: NanoUsd): string {
  return formatDecimal(amount, 9, 2);
}

/** Pico-dollars per token → dollars per million tokens as text, exact. */
export function formatUsdPerMillion(price: PicoUsd): string {
  return formatDecimal(price, 6, 2);
}

/** Pico-dollars of a fee → dollars as text, exact, at least two decimals. */
export function formatFeeUsd(fee: PicoUsd): string {
  return formatDecimal(fee, 12, 2);
}

/**
 * Sum of `tokens × price` pairs in pico-dollars, rounded up once to nano-dollars. Ends at the largest
 * amount that the ledger holds: a report beyond it is billed as that, because an attempt that cannot
 * be posted would be free.
 */
export function costOf(parts: readonly (readonly [tokens: number, price: PicoUsd])[]): NanoUsd {
  let picoUsd = 0n;
  let exact = 0;
  for (const [tokens, price] of parts) {
    assert(Number.isSafeInteger(tokens) && tokens >= 0, `token count is not valid: ${tokens}`);
    assert(Number.isSafeInteger(price) && price >= 0, `price is not valid: ${price}`);
    const product = tokens * price;
    // Small products stay in doubles, which are exact below 2^53; only large ones need BigInt.
    if (product <= Number.MAX_SAFE_INTEGER - exact) exact += product;
    else picoUsd += BigInt(tokens) * BigInt(price);
  }
  if (picoUsd === 0n) return Math.ceil(exact / PICO_PER_NANO);
  const total = picoUsd + BigInt(exact);
  const nano = (total + 999n) / 1000n;
  return nano <= BigInt(NANO_USD_MAX) ? Number(nano) : NANO_USD_MAX;
}
