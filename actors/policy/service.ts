/**
 * How a family of a provider's models has served lately: time to the first content, and the share of
 * failures. Both are averages in which an outcome counts half after five minutes, so that old times
 * fade whether or not new ones come, over a restart too; and in which a burst cannot drown what
 * follows: no more than a bounded weight is ever remembered.
 *
 * The structures belong to the lanes of one provider and change only through `observeService`.
 */
import { LIMITS } from "../../src/base/limits.ts";
import { memberOf, restoreRows, type LearnedRow, type Restored } from "./learned-state.ts";

/** A new time counts at least a twentieth, a new outcome a thousandth. */
const TIMES_WEIGHT_MAX = 19;
const OUTCOMES_WEIGHT_MAX = 999;
/** What weighs less than this, such as one outcome of twenty minutes ago, is no knowledge. */
const KNOWN_WEIGHT_MIN = 1 / 16;

export type Service = {
  /** Average of the times to the first content, and how much it weighs at `atMs`. */
  firstTokenMs: number;
  timesWeight: number;
  /** Weights of the outcomes at `atMs`. */
  ok: number;
  bad: number;
  atMs: number;
  /** Has learned since it was last saved. */
  isChanged: boolean;
};

/** By family; the one that learned longest ago makes room for a new one. */
export type LearnedServices = Map<string, Service>;

export type ServiceOutcome = {
  readonly isOk: boolean;
  /** From the attempt's start to its first content; of failures it is not looked at. */
  readonly latencyMs: number;
  readonly atMs: number;
};

export type ServiceView = {
  readonly firstTokenMs: number | null;
  readonly failureShare: number | null;
  readonly seenAtMs: number | null;
};

const UNKNOWN: ServiceView = { firstTokenMs: null, failureShare: null, seenAtMs: null };

function fadedBy(service: Service, atMs: number): number {
  return 2 ** (-Math.max(0, atMs - service.atMs) / LIMITS.serviceHalfLifeMs);
}

export function observeService(
  learned: LearnedServices,
  family: string,
  { isOk, latencyMs, atMs }: ServiceOutcome,
): void {
  const service = learned.get(family) ?? makeRoom(learned, family, atMs);
  const faded = fadedBy(service, atMs);
  const outcomes = (service.ok + service.bad) * faded;
  const kept = faded * Math.min(1, OUTCOMES_WEIGHT_MAX / Math.max(1, outcomes));
  service.ok = service.ok * kept + (isOk ? 1 : 0);
  service.bad = service.bad * kept + (isOk ? 0 : 1);
  service.timesWeight *= faded;
  if (isOk) {
    const before = Math.min(TIMES_WEIGHT_MAX, service.timesWeight);
    service.firstTokenMs = (service.firstTokenMs * before + latencyMs) / (before + 1);
    service.timesWeight = before + 1;
  }
  service.atMs = atMs;
  service.isChanged = true;
}

function makeRoom(learned: LearnedServices, family: string, atMs: number): Service {
  if (learned.size >= LIMITS.providerFamiliesMax + 1) {
    const [oldest] = [...learned].toSorted(([, one], [, other]) => one.atMs - other.atMs);
    if (oldest !== undefined) learned.delete(oldest[0]);
  }
  const made = { firstTokenMs: 0, timesWeight: 0, ok: 0, bad: 0, atMs, isChanged: true };
  learned.set(family, made);
  return made;
}

/**
 * What is known at `atMs`. Evidence that has faded to less than one outcome is filled up with
 * success: who failed long ago is not thought of as failing for ever.
 */
export function serviceAt(learned: LearnedServices, family: string, atMs: number): ServiceView {
  const service = learned.get(family);
  if (service === undefined) return UNKNOWN;
  const faded = fadedBy(service, atMs);
  const outcomes = (service.ok + service.bad) * faded;
  const isTimeKnown = service.timesWeight * faded >= KNOWN_WEIGHT_MIN;
  return {
    firstTokenMs: isTimeKnown ? service.firstTokenMs : null,
    failureShare:
      outcomes >= KNOWN_WEIGHT_MIN ? (service.bad * faded) / Math.max(1, outcomes) : null,
    seenAtMs: service.atMs,
  };
}

/** The families that have learned since they were last taken; taking marks them as saved. */
export function takeChangedServices(learned: LearnedServices, providerId: string): LearnedRow[] {
  const rows: LearnedRow[] = [];
  for (const [family, service] of learned) {
    if (!service.isChanged) continue;
    service.isChanged = false;
    const { firstTokenMs, timesWeight, ok, bad, atMs } = service;
    const state = { firstTokenMs, timesWeight, ok, bad, atMs };
    rows.push({ ownerId: providerId, model: family, state });
  }
  return rows;
}

/** Statistics as they were saved; what is not such a state is left out, and said. */
export function restoreServices(rows: readonly LearnedRow[]): Restored<LearnedServices> {
  const learned: LearnedServices = new Map();
  const rowsMax = LIMITS.providerFamiliesMax + 1;
  const ignored = restoreRows(rows, rowsMax, ({ model, state }) => {
    const numbers = MEMBERS.map((member) => memberOf(state, member));
    if (!numbers.every(isAmount)) return "a member is not a number from 0";
    const [firstTokenMs = 0, timesWeight = 0, ok = 0, bad = 0, atMs = 0] = numbers;
    if (timesWeight > TIMES_WEIGHT_MAX + 1 || ok + bad > OUTCOMES_WEIGHT_MAX + 1) {
      return "it weighs more than is ever kept";
    }
    learned.set(model, { firstTokenMs, timesWeight, ok, bad, atMs, isChanged: false });
    return null;
  });
  return { learned, ignored };
}

const MEMBERS = ["firstTokenMs", "timesWeight", "ok", "bad", "atMs"] as const;

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
