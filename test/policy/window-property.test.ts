/**
 * Guarantee: whatever the zone, the moment and the anchor, every moment lies in exactly one window,
 * whose neighbours touch it, which begins where its local clock reaches the anchor.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  windowBefore,
  windowOf,
  type WindowAnchor,
  type WindowKind,
  type WindowTerms,
} from "../../actors/policy/window.ts";
import { localTime, startsSeen } from "./window-oracle.ts";

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Offsets of quarters, changes of half an hour, of two and three, at midnight, over the date line. */
const ODD_ZONES = [
  "UTC",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Asia/Pyongyang",
  "Asia/Tehran",
  "Asia/Gaza",
  "Asia/Beirut",
  "Australia/Lord_Howe",
  "Australia/Eucla",
  "Pacific/Apia",
  "Pacific/Kwajalein",
  "Pacific/Chatham",
  "Pacific/Marquesas",
  "Pacific/Norfolk",
  "Africa/Casablanca",
  "Africa/Cairo",
  "America/St_Johns",
  "America/Caracas",
  "America/Havana",
  "America/Santiago",
  "America/New_York",
  "Europe/Berlin",
  "Europe/Dublin",
  "Antarctica/Troll",
  "Antarctica/Casey",
];

const zones = fc.oneof(
  fc.constantFrom(...ODD_ZONES),
  fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
);

const anchors: fc.Arbitrary<WindowAnchor | null> = fc.option(
  fc.record(
    {
      hour: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 23 })),
      weekday: fc.integer({ min: 1, max: 7 }),
      day: fc.oneof(fc.integer({ min: 28, max: 31 }), fc.integer({ min: 1, max: 31 })),
    },
    { requiredKeys: [] },
  ),
);

const LATEST_MS = Date.UTC(2060, 0);

/** Any zone and a moment in it, every other one within two days of a change of its clock. */
const places = zones.chain((zone) => {
  // Kiritimati's clock was 10:40 behind UTC until 1979.
  const min = Date.UTC(zone === "Pacific/Kiritimati" ? 1980 : 1975, 0);
  const anyMs = fc.integer({ min, max: LATEST_MS });
  const nearMs = fc
    .tuple(anyMs, fc.integer({ min: -2 * DAY_MS, max: 2 * DAY_MS }))
    .map(([atMs, byMs]) => Math.max(min, changeAfter(zone, atMs) + byMs));
  return fc.record({ zone: fc.constant(zone), atMs: fc.oneof(anyMs, nearMs) });
});

function changeAfter(zone: string, atMs: number): number {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone);
  return at.getTimeZoneTransition("next")?.epochMilliseconds ?? atMs;
}

/** By how much the clock moves in all between two moments, there and back counted twice. */
function movedMs(zone: string, fromMs: number, toMs: number): number {
  let moved = 0;
  let at = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO(zone);
  for (;;) {
    const next = at.getTimeZoneTransition("next");
    if (next === null || next.epochMilliseconds > toMs) return moved;
    moved += Math.abs(next.offsetNanoseconds - at.offsetNanoseconds) / 1_000_000;
    at = next;
  }
}

/** Shortest and longest where no clock moves. */
const LENGTHS_MS = {
  hour: [HOUR_MS, HOUR_MS],
  day: [DAY_MS, DAY_MS],
  week: [7 * DAY_MS, 7 * DAY_MS],
  month: [28 * DAY_MS, 31 * DAY_MS],
} as const;

const KINDS = ["hour", "day", "week", "month"] as const;

function endOf(span: { readonly endMs: number | null }): number {
  return span.endMs ?? Number.NaN;
}

test("any moment lies in one window, which its neighbours touch", () => {
  fc.assert(
    fc.property(places, fc.constantFrom(...KINDS), anchors, ({ zone, atMs }, window, anchor) => {
      const terms: WindowTerms = { window, timeZone: zone, anchor };
      const span = windowOf(terms, atMs);
      expect(span.startMs).toBeLessThanOrEqual(atMs);
      expect(endOf(span)).toBeGreaterThan(atMs);
      expect(windowOf(terms, span.startMs)).toEqual(span);
      expect(windowOf(terms, endOf(span) - 1)).toEqual(span);

      const next = windowOf(terms, endOf(span));
      expect(next.startMs).toBe(endOf(span));
      expect(windowBefore(terms, next)).toEqual(span);
      expect(windowBefore(terms, span)?.endMs).toBe(span.startMs);
    }),
    { numRuns: 4_000 },
  );
});

test("windows are as long as their name says, but for what the clock moves meanwhile", () => {
  fc.assert(
    fc.property(places, fc.constantFrom(...KINDS), anchors, ({ zone, atMs }, window, anchor) => {
      const span = windowOf({ window, timeZone: zone, anchor }, atMs);
      const lengthMs = endOf(span) - span.startMs;
      // A change may be what the window begins with.
      const moved = movedMs(zone, span.startMs - QUARTER_MS, endOf(span));
      const [minMs, maxMs] = LENGTHS_MS[window];
      expect(lengthMs).toBeGreaterThanOrEqual(Math.max(QUARTER_MS, minMs - moved));
      expect(lengthMs).toBeLessThanOrEqual(window === "hour" ? maxMs : maxMs + moved);
      if (moved === 0) expect(lengthMs % (window === "hour" ? HOUR_MS : DAY_MS)).toBe(0);
    }),
    { numRuns: 3_000 },
  );
});

type Calendar = Exclude<WindowKind, "hour" | "total">;

function showsAnchor(window: Calendar, anchor: WindowAnchor, at: Temporal.PlainDateTime): boolean {
  if (at.hour !== (anchor.hour ?? 0)) return false;
  if (window === "week") return at.dayOfWeek === (anchor.weekday ?? 1);
  return window === "day" || at.day === Math.min(anchor.day ?? 1, at.daysInMonth);
}

test("a window begins when its clock shows the anchor, or with the change that skips it", () => {
  const calendars = fc.constantFrom<Calendar[]>("day", "week", "month");
  fc.assert(
    fc.property(places, calendars, anchors, ({ zone, atMs }, window, anchor) => {
      const { startMs } = windowOf({ window, timeZone: zone, anchor }, atMs);
      const local = (ms: number) =>
        Temporal.PlainDateTime.from(localTime(zone, ms).replace(" ", "T"));
      const before = local(startMs - QUARTER_MS);
      // Every full hour that the clock passes with this quarter: one, or all that a change skips, a date perhaps.
      const passed: Temporal.PlainDateTime[] = [];
      let hour = local(startMs).round({ smallestUnit: "hour", roundingMode: "floor" });
      while (Temporal.PlainDateTime.compare(hour, before) > 0) {
        passed.push(hour);
        hour = hour.subtract({ hours: 1 });
      }
      expect(passed.some((each) => showsAnchor(window, anchor ?? {}, each))).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

/** Far enough to see three windows; hours and days by the minute. */
const WATCHED = {
  hour: { reachMs: 4 * HOUR_MS, stepMs: MINUTE_MS },
  day: { reachMs: 30 * HOUR_MS, stepMs: MINUTE_MS },
  week: { reachMs: 8 * DAY_MS, stepMs: QUARTER_MS },
  month: { reachMs: 33 * DAY_MS, stepMs: QUARTER_MS },
} as const;

function sameAsSeen(window: Exclude<WindowKind, "total">, numRuns: number): void {
  const { reachMs, stepMs } = WATCHED[window];
  fc.assert(
    fc.property(places, anchors, ({ zone, atMs }, anchor) => {
      const terms: WindowTerms = { window, timeZone: zone, anchor };
      const fromMs = Math.floor((atMs - reachMs) / QUARTER_MS) * QUARTER_MS;
      const toMs = fromMs + 2 * Math.ceil(reachMs / QUARTER_MS) * QUARTER_MS;
      // A clock that changed a minute past the quarter is believed from the next quarter on.
      const seen = startsSeen(terms, fromMs, toMs, stepMs).map(
        (startMs) => Math.ceil(startMs / QUARTER_MS) * QUARTER_MS,
      );
      const starts: number[] = [];
      let span = windowOf(terms, toMs);
      while (span.startMs > fromMs) {
        starts.unshift(span.startMs);
        span = windowBefore(terms, span) ?? span;
      }
      expect(starts).toEqual(seen);
    }),
    { numRuns },
  );
}

test("hours are those that a watcher of the clock sees", () => sameAsSeen("hour", 120));
test("days are those that a watcher of the clock sees", () => sameAsSeen("day", 120));
test("weeks are those that a watcher of the clock sees", () => sameAsSeen("week", 200));
test("months are those that a watcher of the clock sees", () => sameAsSeen("month", 60));
