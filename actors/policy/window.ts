/**
 * Windows of budgets as arithmetic: the day or month that contains a moment, in the calendar of any
 * IANA zone, through daylight saving, skipped days and offsets of minutes. No job ever resets
 * anything; consecutive windows touch, so every moment lies in exactly one.
 *
 * A calendar day begins at the first moment whose local clock shows that date or a later one.
 */
import { assert } from "../../src/base/assert.ts";

export type WindowKind = "day" | "month" | "total";

/** From `startMs` up to but without `endMs`; null for a window that never ends. */
export type WindowSpan = { readonly startMs: number; readonly endMs: number | null };

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Every moment: what a budget without a window counts over. */
const TOTAL: WindowSpan = { startMs: 0, endMs: null };

/** The window of `kind` that contains `atMs`. Throws RangeError for a zone that does not exist. */
export function windowOf(kind: WindowKind, timeZone: string, atMs: number): WindowSpan {
  if (kind === "total") return TOTAL;
  const offsetMs = isUtc(timeZone) ? 0 : offsetOf(formatterOf(timeZone), atMs);
  const local = new Date(atMs + offsetMs);
  const shown = spanOf(kind, timeZone, local, 0);
  // A clock that went back over midnight shows the date before, whose window has ended.
  const span = atMs < shown.endMs ? shown : spanOf(kind, timeZone, local, 1);
  assert(span.startMs <= atMs && atMs < span.endMs, `no ${kind} of ${timeZone} contains ${atMs}`);
  return span;
}

/** The window of the date that `local` reads (as if UTC), or the one `step` after it. */
function spanOf(
  kind: "day" | "month",
  timeZone: string,
  local: Date,
  step: number,
): { readonly startMs: number; readonly endMs: number } {
  const year = local.getUTCFullYear();
  const month = local.getUTCMonth();
  const at = (count: number): number =>
    kind === "day"
      ? Date.UTC(year, month, local.getUTCDate() + count)
      : Date.UTC(year, month + count, 1);
  return {
    startMs: boundaryMs(timeZone, at(step)),
    endMs: boundaryMs(timeZone, at(step + 1)),
  };
}

/** The first moment whose local clock has reached `localMs`, a local midnight written as if UTC. */
function boundaryMs(timeZone: string, localMs: number): number {
  if (isUtc(timeZone)) return localMs;
  const formatter = formatterOf(timeZone);
  // Offsets lie between -12 h and +14 h (a whole day at most where the date line moved), so the
  // boundary lies in between, and so does a transition that touches it.
  let lowMs = localMs - DAY_MS - HOUR_MS;
  let highMs = localMs + DAY_MS + HOUR_MS;
  const before = offsetOf(formatter, lowMs);
  const after = offsetOf(formatter, highMs);
  if (before === after) return localMs - before;
  while (highMs - lowMs > 1) {
    const middleMs = Math.floor((lowMs + highMs) / 2);
    if (offsetOf(formatter, middleMs) === before) lowMs = middleMs;
    else highMs = middleMs;
  }
  const transitionMs = highMs;
  if (localMs - before < transitionMs) return localMs - before;
  // Midnight itself may have been skipped; then the day begins with the transition.
  return Math.max(transitionMs, localMs - after);
}

function isUtc(timeZone: string): boolean {
  return timeZone === "UTC" || timeZone === "Etc/UTC";
}

/** Making a formatter costs 50 µs. As many entries as zones are configured, 600 exist. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "iso8601",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/** Local time minus UTC at a moment, in milliseconds. */
function offsetOf(formatter: Intl.DateTimeFormat, atMs: number): number {
  const fields = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatter.formatToParts(atMs)) {
    if (type in fields) fields[type as keyof typeof fields] = Number(value);
  }
  const { year, month, day, hour, minute, second } = fields;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1_000) * 1_000;
}
