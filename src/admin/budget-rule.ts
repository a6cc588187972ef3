/**
 * A budget's rule as operators write it: amount, time zone, anchor and thresholds, read exactly or
 * refused with what they must be. What depends on the window is checked against the one that will
 * be in force.
 */
import { type NanoUsd, parseUsd } from "../base/units.ts";
import type { BudgetRow } from "../store/contract.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { type Budget, type BudgetChange, WEEKDAYS } from "./shapes/budget.ts";
import { named } from "./write.ts";

export type Rule = Partial<
  Pick<
    BudgetRow,
    | "amountNanoUsd"
    | "window"
    | "timeZone"
    | "anchor"
    | "mode"
    | "onHoldReached"
    | "alertThresholds"
  >
>;

type Window = BudgetRow["window"];
type WindowAnchor = NonNullable<BudgetRow["anchor"]>;

/** Only what `change` names. `current` is the row as it is; null: there is none yet. */
export function readRule(change: BudgetChange, current: BudgetRow | null): AdminVerdict<Rule> {
  const amount = readAmount(change.amount_usd);
  if (!amount.allowed) return amount;
  const { time_zone: timeZone, window, mode, on_hold_reached: onHoldReached } = change;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const sentence = "time_zone must be an IANA time zone such as UTC or Europe/Berlin.";
    return refuse("invalid_request", sentence, "/time_zone");
  }
  const anchor = change.anchor === undefined ? undefined : readAnchor(change.anchor);
  const inForce = anchor === undefined ? (current?.anchor ?? null) : anchor;
  const isFitting = checkAnchor(inForce, window ?? current?.window ?? "total");
  if (!isFitting.allowed) return isFitting;
  const thresholds = readThresholds(change.alert_thresholds);
  if (!thresholds.allowed) return thresholds;
  return allow(
    named<Rule>({
      amountNanoUsd: amount.value,
      window,
      timeZone,
      anchor,
      mode,
      onHoldReached,
      alertThresholds: thresholds.value,
    }),
  );
}

/** undefined: not named; null: unlimited. */
function readAmount(
  amount: string | number | null | undefined,
): AdminVerdict<NanoUsd | null | undefined> {
  if (amount === undefined || amount === null) return allow(amount);
  const nanoUsd = parseUsd(amount);
  if (nanoUsd !== undefined) return allow(nanoUsd);
  const sentence =
    'amount_usd must be an amount in US dollars from 0 to 9007199 with at most 9 decimals, such as "5.00", or null for no cap.';
  return refuse("invalid_request", sentence, "/amount_usd");
}

/** Offsets such as +02:00 are refused: they have no daylight saving time, which is never meant. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    // The only way to ask: an unknown zone is a RangeError.
    return false;
  }
}

/** An anchor without members is none. */
function readAnchor(anchor: NonNullable<BudgetChange["anchor"]> | null): WindowAnchor | null {
  if (anchor === null || Object.keys(anchor).length === 0) return null;
  const { hour, weekday, day_of_month: day } = anchor;
  return {
    ...(hour !== undefined && { hour }),
    ...(weekday !== undefined && { weekday: WEEKDAYS.indexOf(weekday) + 1 }),
    ...(day !== undefined && { day }),
  };
}

const ANCHOR_MEMBERS = { hour: "hour", weekday: "weekday", day: "day_of_month" } as const;

/** What a window's beginning can be moved by. */
const MOVED_BY = {
  hour: [],
  day: ["hour"],
  week: ["hour", "weekday"],
  month: ["hour", "day"],
  total: [],
} as const satisfies Record<Window, readonly (keyof WindowAnchor)[]>;

function checkAnchor(anchor: WindowAnchor | null, window: Window): AdminVerdict<null> {
  const may: readonly (keyof WindowAnchor)[] = MOVED_BY[window];
  for (const [column, member] of Object.entries(ANCHOR_MEMBERS)) {
    const isGiven = anchor !== null && Object.hasOwn(anchor, column);
    if (!isGiven || may.some((allowed) => allowed === column)) continue;
    const words = may.map((allowed) => ANCHOR_MEMBERS[allowed]).join(" and ");
    const takes = words === "" ? "takes no anchor" : `takes ${words}`;
    const sentence = `anchor.${member} does not fit the window ${window}, which ${takes}.`;
    return refuse("invalid_request", sentence, `/anchor/${member}`);
  }
  return allow(null);
}

export function shownAnchor(anchor: WindowAnchor | null): Budget["anchor"] {
  if (anchor === null) return null;
  const { hour, weekday, day } = anchor;
  const name = weekday === undefined ? undefined : WEEKDAYS[weekday - 1];
  return {
    ...(hour !== undefined && { hour }),
    ...(name !== undefined && { weekday: name }),
    ...(day !== undefined && { day_of_month: day }),
  };
}

const PPM = 1_000_000;

/** In order, each once. They are kept in millionths, so more decimals cannot be. */
function readThresholds(
  thresholds: readonly number[] | undefined,
): AdminVerdict<readonly number[] | undefined> {
  if (thresholds === undefined) return allow(undefined);
  const fine = thresholds.findIndex((one) => Math.round(one * PPM) / PPM !== one);
  if (fine !== -1) {
    const sentence = `alert_thresholds.${fine} must have at most 6 decimals.`;
    return refuse("invalid_request", sentence, `/alert_thresholds/${fine}`);
  }
  return allow([...new Set(thresholds)].sort((a, b) => a - b));
}
