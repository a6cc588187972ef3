/** Numbers with their units, as tables and plots write them. Undefined is a dash. */

export const DASH = "–";

/** `0.412 ms`, `12.3 ms`, `1,204 ms`; three significant digits are what a run is good for. */
export function msText(ms: number | undefined): string {
  return ms === undefined ? DASH : `${digits(ms)} ms`;
}

export function microsText(micros: number | undefined): string {
  return micros === undefined ? DASH : `${digits(micros)} µs`;
}

/** Decimal megabytes from a million bytes on, kilobytes below. */
export function bytesText(bytes: number | undefined): string {
  if (bytes === undefined) return DASH;
  return Math.abs(bytes) >= 1_000_000
    ? `${digits(bytes / 1_000_000)} MB`
    : `${digits(bytes / 1_000)} kB`;
}

export function countText(count: number): string {
  // Adding zero turns a negative zero into a plain one.
  return (Math.round(count) + 0).toLocaleString("en");
}

export function rateText(perSecond: number): string {
  return `${countText(perSecond)}/s`;
}

/** `0:07`, `4:31`: minutes and seconds. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** `2 s`, `90 s`, `0.5 s`. */
export function secondsText(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** About three significant digits, thousands separated. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return countText(value);
  const decimals = size >= 10 ? 1 : size >= 1 ? 2 : 3;
  // Less than nothing by less than is shown is shown as nothing.
  return value.toFixed(decimals).replace(/^-(0\.0*)$/, "$1");
}
