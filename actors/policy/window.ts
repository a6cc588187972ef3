/**
 * Windows of budgets as arithmetic: the hour, day, week or month that contains a moment, in the
 * calendar of any IANA zone, through daylight saving, skipped days and offsets of minutes. No job
 * ever resets anything. Invariant: consecutive windows touch, so every moment lies in exactly one.
 *
 * A day, week or month begins at the first moment whose local clock shows its anchor or later.
 */
import { assert } from "../../src/base/assert.ts";
import { hourAt, offsetAt, reachedAt } from "./window-clock.ts";

export type WindowKind = "hour" | "day" | "week" | "month" | "total";

/**
 * Where a window begins within its calendar unit; absent members: Monday, day 1, midnight. Members
 * that the kind of window has no use for change nothing.
 */
export type WindowAnchor = {
  /** 0..23 on the local clock, of a day, week or month. */
  readonly hour?: number;
  /** 1 Monday..7 Sunday, of a week. */
  readonly weekday?: number;
  /** 1..31, of a month; a shorter month begins on its last day. */
  readonly day?: number;
};

export type WindowTerms = {
  readonly window: WindowKind;
  readonly timeZone: string;
  readonly anchor: WindowAnchor | null;
};

/** From `startMs` up to but without `endMs`; null for a window that never ends. */
export type WindowSpan = { readonly startMs: number; readonly endMs: number | null };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1970-01-05, a Monday, as a local time written as if UTC. */
const MONDAY_MS = 4 * DAY_MS;

/** Every moment: what a budget without a window counts over. */
const TOTAL: WindowSpan = { startMs: 0, endMs: null };

/** The window that contains `atMs`. Throws RangeError for a zone that does not exist. */
export function windowOf(terms: WindowTerms, atMs: number): WindowSpan {
  const { window, timeZone } = terms;
  if (window === "total") return TOTAL;
  if (window === "hour") return hourAt(timeZone, atMs);
  const units = window === "month" ? monthsOf(terms.anchor) : daysOf(window, terms.anchor);
  let index = units.indexOf(atMs + offsetAt(timeZone, atMs));
  let startMs = reachedAt(timeZone, units.startOf(index));
  let endMs = reachedAt(timeZone, units.startOf(index + 1));
  // A clock that went back over the anchor shows the unit before, whose window has ended.
  while (endMs <= atMs) {
    index += 1;
    startMs = endMs;
    endMs = reachedAt(timeZone, units.startOf(index + 1));
  }
  assert(startMs <= atMs, `no ${window} of ${timeZone} contains ${atMs}`);
  return { startMs, endMs };
}

/** The window that ended where `span`, a window of these terms, begins; null for total. */
export function windowBefore(terms: WindowTerms, span: WindowSpan): WindowSpan | null {
  if (terms.window === "total") return null;
  const before = windowOf(terms, span.startMs - 1);
  assert(before.endMs === span.startMs, `no ${terms.window} of these terms begins at the span`);
  return before;
}

/** Calendar units one after the other, in local time written as if UTC. */
type Units = {
  readonly indexOf: (localMs: number) => number;
  readonly startOf: (index: number) => number;
};

function daysOf(window: "day" | "week", anchor: WindowAnchor | null): Units {
  const weekday = within(anchor?.weekday ?? 1, 1, 7);
  const unitMs = window === "day" ? DAY_MS : 7 * DAY_MS;
  const firstMs = MONDAY_MS + (weekday - 1) * DAY_MS + hourMsOf(anchor);
  return {
    indexOf: (localMs) => Math.floor((localMs - firstMs) / unitMs),
    startOf: (index) => firstMs + index * unitMs,
  };
}

/** Months are counted from January 1970. */
function monthsOf(anchor: WindowAnchor | null): Units {
  const day = within(anchor?.day ?? 1, 1, 31);
  const hourMs = hourMsOf(anchor);
  const startOf = (index: number): number =>
    Math.min(Date.UTC(1970, index, day), Date.UTC(1970, index + 1, 0)) + hourMs;
  const indexOf = (localMs: number): number => {
    const local = new Date(localMs);
    const index = (local.getUTCFullYear() - 1970) * 12 + local.getUTCMonth();
    return localMs < startOf(index) ? index - 1 : index;
  };
  return { indexOf, startOf };
}

function hourMsOf(anchor: WindowAnchor | null): number {
  return within(anchor?.hour ?? 0, 0, 23) * HOUR_MS;
}

function within(value: number, min: number, max: number): number {
  assert(
    Number.isInteger(value) && value >= min && value <= max,
    `a window's anchor has ${value} where ${min} to ${max} is possible`,
  );
  return value;
}
