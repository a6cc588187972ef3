/**
 * The oracle's own calendar. It knows only zones whose clocks are never changed, so that a window is
 * plain arithmetic on a fixed offset.
 */

const OFFSET_MINUTES: Readonly<Record<string, number>> = {
  UTC: 0,
  "Asia/Kolkata": 330,
  "Asia/Kathmandu": 345,
};

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
/** A Monday, 5 January 1970, on which weeks begin. */
const MONDAY_MS = 4 * 24 * HOUR_MS;

export type Span = { readonly startMs: number; readonly endMs: number };

export function spanOf(window: string, timeZone: string, atMs: number): Span {
  if (window === "total") return { startMs: 0, endMs: Number.POSITIVE_INFINITY };
  const minutes = OFFSET_MINUTES[timeZone];
  if (minutes === undefined) throw new Error(`the oracle knows no zone ${timeZone}`);
  const shiftMs = minutes * 60_000;
  if (window === "hour") {
    const startMs = Math.floor((atMs + shiftMs) / HOUR_MS) * HOUR_MS - shiftMs;
    return { startMs, endMs: startMs + HOUR_MS };
  }
  if (window === "week") {
    const startMs =
      Math.floor((atMs + shiftMs - MONDAY_MS) / WEEK_MS) * WEEK_MS + MONDAY_MS - shiftMs;
    return { startMs, endMs: startMs + WEEK_MS };
  }
  const local = new Date(atMs + shiftMs);
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  const isDay = window === "day";
  return {
    startMs: Date.UTC(year, month, isDay ? day : 1) - shiftMs,
    endMs: (isDay ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)) - shiftMs,
  };
}
