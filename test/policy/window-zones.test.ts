/**
 * Guarantee: in every zone there is, windows begin on quarter hours of UTC, and around every change
 * of a clock they are what one sees by watching that clock.
 */
import { expect, test } from "bun:test";
import { windowBefore, windowOf, type WindowTerms } from "../../actors/policy/window.ts";
import { localTime, startsSeen } from "./window-oracle.ts";

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const ZONES = Intl.supportedValuesOf("timeZone");
const FIRST_MS = Date.UTC(1975, 0, 1);
const LAST_MS = Date.UTC(2050, 0, 1);

/** Each moment at which the zone's offset changes. */
function changesOf(zone: string, fromMs: number, toMs: number): number[] {
  const changes: number[] = [];
  let at = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(zone);
  for (;;) {
    const next = at.getTimeZoneTransition("next");
    if (next === null || next.epochMilliseconds >= toMs) return changes;
    changes.push(next.epochMilliseconds);
    at = next;
  }
}

function offsetMinutes(zone: string, atMs: number): number {
  const shown = Date.parse(`${localTime(zone, atMs).replace(" ", "T")}Z`);
  return (shown - atMs) / MINUTE_MS;
}

function day(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

test("since 1975 clocks differ from UTC and change by quarter hours, but for what is listed", () => {
  const oddOffsets = new Set<string>();
  const oddChanges = new Map<string, number[]>();
  const soon: string[] = [];
  for (const zone of ZONES) {
    const changes = changesOf(zone, FIRST_MS, LAST_MS);
    for (const [index, atMs] of [FIRST_MS, ...changes].entries()) {
      if (offsetMinutes(zone, atMs) % 15 !== 0) oddOffsets.add(`${zone} ${day(atMs)}`);
      if (atMs % QUARTER_MS !== 0) oddChanges.set(zone, [...(oddChanges.get(zone) ?? []), atMs]);
      if (index > 1 && atMs - (changes[index - 2] ?? 0) < 6 * DAY_MS) soon.push(zone);
    }
  }
  expect([...oddOffsets]).toEqual(["Pacific/Kiritimati 1975-01-01"]);
  expect(
    [...oddChanges].map(
      ([zone, at]) => `${zone} ${at.length}: ${day(at[0] ?? 0)} to ${day(at.at(-1) ?? 0)}`,
    ),
  ).toEqual([
    "America/Goose_Bay 49: 1987-04-05 to 2011-03-13",
    "America/Moncton 28: 1993-04-04 to 2006-10-29",
    "America/St_Johns 49: 1987-04-05 to 2011-03-13",
    "Antarctica/Casey 3: 2020-10-03 to 2022-10-01",
    "Asia/Gaza 2: 2010-03-26 to 2011-03-31",
    "Asia/Hebron 1: 2011-03-31 to 2011-03-31",
    "Pacific/Guam 1: 1976-08-21 to 1976-08-21",
    "Pacific/Kiritimati 1: 1979-10-01 to 1979-10-01",
    "Pacific/Saipan 1: 1976-08-21 to 1976-08-21",
  ]);
  // What finding a change by halving relies on.
  expect(soon).toEqual([]);
});

test("windows begin and end on quarter hours in every zone, also where the clock did not", () => {
  const moments = [Date.UTC(1905, 6, 1), Date.UTC(1971, 0, 20), FIRST_MS];
  for (const zone of ZONES) {
    const changes = changesOf(zone, FIRST_MS, LAST_MS).filter((_, index) => index % 7 === 0);
    for (const atMs of [...moments, ...changes]) {
      for (const window of ["hour", "day", "week", "month"] as const) {
        const terms = { window, timeZone: zone, anchor: { hour: 1 } };
        const { startMs, endMs } = windowOf(terms, atMs);
        expect([startMs % QUARTER_MS, (endMs ?? 1) % QUARTER_MS].map(Math.abs)).toEqual([0, 0]);
      }
    }
  }
});

test("around every change of a clock in 2026 windows are what its watcher sees", () => {
  let compared = 0;
  for (const zone of ZONES) {
    for (const changeMs of changesOf(zone, Date.UTC(2026, 0), Date.UTC(2027, 0))) {
      const fromMs = changeMs - 26 * HOUR_MS;
      const toMs = changeMs + 26 * HOUR_MS;
      const shown = Number(localTime(zone, changeMs - 1).slice(11, 13));
      for (const hour of [shown, (shown + 1) % 24]) {
        const terms: WindowTerms = { window: "day", timeZone: zone, anchor: { hour } };
        expect(startsOf(terms, fromMs, toMs)).toEqual(startsSeen(terms, fromMs, toMs, QUARTER_MS));
        compared += 1;
      }
      const hours: WindowTerms = { window: "hour", timeZone: zone, anchor: null };
      expect(startsOf(hours, fromMs, toMs)).toEqual(startsSeen(hours, fromMs, toMs, QUARTER_MS));
    }
  }
  expect(compared).toBeGreaterThan(350);
});

/** Where windows begin after `fromMs` and up to `toMs`, walking back from one to the one before. */
function startsOf(terms: WindowTerms, fromMs: number, toMs: number): number[] {
  const starts: number[] = [];
  let span = windowOf(terms, toMs);
  while (span.startMs > fromMs) {
    starts.unshift(span.startMs);
    span = windowBefore(terms, span) ?? span;
  }
  return starts;
}

test("every day of two years begins at local midnight, or at one where midnight is skipped", () => {
  const skipped: string[] = [];
  for (const zone of ["Asia/Kathmandu", "America/Havana", "America/Santiago", "Africa/Cairo"]) {
    const terms: WindowTerms = { window: "day", timeZone: zone, anchor: null };
    for (const startMs of startsOf(terms, Date.UTC(2025, 0, 1), Date.UTC(2027, 0, 1))) {
      expect(localTime(zone, startMs - MINUTE_MS).slice(11)).toBe("23:59");
      const begins = localTime(zone, startMs);
      if (!begins.endsWith("00:00")) skipped.push(`${zone} ${begins}`);
    }
  }
  expect(skipped).toEqual([
    "America/Havana 2025-03-09 01:00",
    "America/Havana 2026-03-08 01:00",
    "America/Santiago 2025-09-07 01:00",
    "America/Santiago 2026-09-06 01:00",
    "Africa/Cairo 2025-04-25 01:00",
    "Africa/Cairo 2026-04-24 01:00",
  ]);
});
