/**
 * What a local clock shows, in quarter hours: its offset from UTC, the moment it reaches a time, and
 * the clock hour around a moment. Invariant: every moment returned is a whole quarter hour of UTC,
 * because the ledger sums postings by such quarters and a window must not cut one.
 *
 * Since 1975 the zones' offsets are whole quarters but for one atoll's (until 1979), and the clocks
 * change on whole quarters but for some that used to wait for one minute past (none since 2022). Such
 * an offset is rounded, and such a change counts from the next quarter on.
 */

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;
/** Farther than any clock is from UTC. */
const OFFSET_MAX_MS = 16 * HOUR_MS;

/** Local time minus UTC at a moment, in milliseconds. Throws RangeError for an unknown zone. */
export function offsetAt(timeZone: string, atMs: number): number {
  if (timeZone === "UTC" || timeZone === "Etc/UTC") return 0;
  const quarter = Temporal.Instant.fromEpochMilliseconds(floorTo(QUARTER_MS, atMs));
  const { offsetNanoseconds } = quarter.toZonedDateTimeISO(timeZone);
  return Math.round(offsetNanoseconds / 1_000_000 / QUARTER_MS) * QUARTER_MS;
}

/**
 * The first moment whose local clock shows `localMs` or later: a local time written as if UTC, on a
 * whole hour. A clock that shows it twice has reached it the first time; one that skips it reaches it
 * with the skip.
 */
export function reachedAt(timeZone: string, localMs: number): number {
  let lowMs = localMs - OFFSET_MAX_MS;
  let highMs = localMs + OFFSET_MAX_MS;
  const before = offsetAt(timeZone, lowMs);
  const after = offsetAt(timeZone, highMs);
  if (before === after) return localMs - before;
  // The clock changes once in these hours: no zone changes twice within six days.
  while (highMs - lowMs > QUARTER_MS) {
    const middleMs = floorTo(QUARTER_MS, (lowMs + highMs) / 2);
    if (offsetAt(timeZone, middleMs) === before) lowMs = middleMs;
    else highMs = middleMs;
  }
  const changeMs = highMs;
  if (localMs - before < changeMs) return localMs - before;
  return Math.max(changeMs, localMs - after);
}

/**
 * The clock hour that contains a moment. It begins when the minutes show :00, and ends after an hour
 * or where a change moves the minutes (by half an hour on Lord Howe). A change by whole hours moves
 * none: an hour shown twice is two hours, one that is skipped none.
 */
export function hourAt(
  timeZone: string,
  atMs: number,
): { readonly startMs: number; readonly endMs: number } {
  const offset = offsetAt(timeZone, atMs);
  const fullStartMs = floorTo(HOUR_MS, atMs + offset) - offset;
  const sameMinutes = (otherMs: number): boolean =>
    (offsetAt(timeZone, otherMs) - offset) % HOUR_MS === 0;
  let startMs = floorTo(QUARTER_MS, atMs);
  let endMs = startMs + QUARTER_MS;
  while (startMs > fullStartMs && sameMinutes(startMs - QUARTER_MS)) startMs -= QUARTER_MS;
  while (endMs < fullStartMs + HOUR_MS && sameMinutes(endMs)) endMs += QUARTER_MS;
  return { startMs, endMs };
}

function floorTo(unitMs: number, valueMs: number): number {
  return Math.floor(valueMs / unitMs) * unitMs;
}
