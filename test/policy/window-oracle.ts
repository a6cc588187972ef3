/**
 * Windows the slow way, to compare the arithmetic with: steps through time, reads the local clock at
 * every step and notes where a window begins. Shares no code with the arithmetic, and takes the time
 * of day from Intl's formatter and calendar dates from Temporal, which the arithmetic does not.
 */
import type { WindowAnchor, WindowTerms } from "../../actors/policy/window.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 86_400_000;

/** Where windows begin after `fromMs` and up to `toMs`, to the step, which divides both. */
export function startsSeen(
  terms: WindowTerms,
  fromMs: number,
  toMs: number,
  stepMs: number,
): number[] {
  const newWindowAt = terms.window === "hour" ? hourWatch(stepMs) : dateWatch(terms);
  const starts: number[] = [];
  // A clock that went back just before shows less than it has reached.
  for (let atMs = fromMs - DAY_MS - HOUR_MS; atMs <= toMs; atMs += stepMs) {
    if (newWindowAt(localTime(terms.timeZone, atMs)) && atMs > fromMs) starts.push(atMs);
  }
  return starts;
}

/** Such as `2026-03-29 03:00`, which sorts as it reads. */
export function localTime(timeZone: string, atMs: number): string {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat("sv-SE", {
      timeZone,
      dateStyle: "short",
      timeStyle: "short",
    });
    clocks.set(timeZone, clock);
  }
  return clock.format(atMs);
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** The minutes show :00, or are not where a running clock would have them. */
function hourWatch(stepMs: number): (local: string) => boolean {
  let expected = -1;
  return (local) => {
    const minute = Number(local.slice(14, 16));
    const begins = minute === 0 || minute !== expected;
    expected = (minute + stepMs / MINUTE_MS) % 60;
    return begins;
  };
}

/** The latest time shown so far belongs to another unit of the calendar than before. */
function dateWatch(terms: WindowTerms): (local: string) => boolean {
  let latest = "";
  let unit = "";
  return (local) => {
    const hourIsNew = local.slice(0, 13) > latest.slice(0, 13);
    if (local > latest) latest = local;
    if (!hourIsNew) return false;
    const before = unit;
    unit = unitOf(terms.window, terms.anchor ?? {}, latest);
    return unit !== before;
  };
}

function unitOf(window: string, anchor: WindowAnchor, local: string): string {
  const shifted = Temporal.PlainDateTime.from(local.replace(" ", "T"));
  const date = shifted.subtract({ hours: anchor.hour ?? 0 }).toPlainDate();
  if (window === "day") return date.toString();
  if (window === "week") {
    let first = date;
    while (first.dayOfWeek !== (anchor.weekday ?? 1)) first = first.subtract({ days: 1 });
    return first.toString();
  }
  const begun = date.day >= Math.min(anchor.day ?? 1, date.daysInMonth);
  return (begun ? date : date.subtract({ months: 1 })).toPlainYearMonth().toString();
}
