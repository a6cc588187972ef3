/**
 * When a provider says to come back, by its headers. `retry-after` is meant for that; the limits that other
 * headers describe count only where they are used up, because they stand on every answer.
 */

/** Limits with what remains of them and when that is filled up again. */
const LIMITS_TOLD = [
  ["x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
  ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
  ["x-ratelimit-remaining", "x-ratelimit-reset"],
  ["anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"],
  ["anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
  ["anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"],
  ["anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"],
] as const;

/** `1.5s`, `6m0s`, `12ms`, `1h2m3s`; Azure leaves the unit of seconds out. */
const DURATION =
  /^(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?$/u;

/** Numbers above this are times and not durations: seconds or milliseconds since 1970. */
const EPOCH_S_MIN = 1_000_000_000;
const EPOCH_MS_MIN = 1_000_000_000_000;

/** null when no header says. */
export function retryAfterMs(headers: Headers, status: number, nowMs: number): number | null {
  return askedFor(headers, nowMs) ?? (status === 429 ? untilFilled(headers, nowMs) : null);
}

/** `retry-after-ms`, else `retry-after` in seconds or as a date. */
function askedFor(headers: Headers, nowMs: number): number | null {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : null;
  return untilDate(text, nowMs);
}

/** The longest of the limits that are used up: before, the same refusal would come again. */
function untilFilled(headers: Headers, nowMs: number): number | null {
  let longestMs: number | null = null;
  for (const [remaining, reset] of LIMITS_TOLD) {
    if (headers.get(remaining)?.trim() !== "0") continue;
    const ms = untilReset(headers.get(reset)?.trim() ?? "", nowMs);
    if (ms !== null) longestMs = Math.max(longestMs ?? 0, ms);
  }
  return longestMs;
}

function untilReset(text: string, nowMs: number): number | null {
  if (text === "") return null;
  const number = Number(text);
  if (number >= EPOCH_MS_MIN) return Math.max(0, number - nowMs);
  if (number >= EPOCH_S_MIN) return Math.max(0, number * 1_000 - nowMs);
  if (Number.isFinite(number)) return number >= 0 ? Math.ceil(number * 1_000) : null;
  const parts = DURATION.exec(text);
  if (parts === null) return untilDate(text, nowMs);
  const [days, hours, minutes, seconds, ms] = parts.slice(1).map((part) => Number(part ?? 0));
  const whole = ((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0);
  return Math.ceil((whole * 60 + (seconds ?? 0)) * 1_000 + (ms ?? 0));
}

function untilDate(text: string, nowMs: number): number | null {
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}
