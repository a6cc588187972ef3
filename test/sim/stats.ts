/** What a run did, in numbers: a simulator that did nothing finds nothing. */
import { spanOf } from "./calendar.ts";
import type { Oracle } from "./oracle.ts";
import type { Plan } from "./plan.ts";
import type { World } from "./world.ts";

export type Stats = Readonly<Record<StatName, number>>;

export const STAT_NAMES = [
  "events",
  "exchanges",
  "calls",
  "attempts",
  "crashes",
  "exits",
  "halts",
  "expired",
  "maybeUnsent",
  "voids",
  "estimates",
  "refusals",
  "unavailable",
  "leavers",
  "cutStreams",
  "diskFaults",
  "edits",
  "jumps",
  "rollovers",
  "refusedConnections",
  "lostHedges",
  "continued",
] as const;
type StatName = (typeof STAT_NAMES)[number];

export function countStats(
  plan: Plan,
  world: World,
  oracle: Oracle,
  seen: {
    readonly exchanges: number;
    readonly crashes: number;
    readonly exits: number;
    readonly diskFaults: number;
    readonly statuses: ReadonlyMap<number, number>;
    readonly cutStreams: number;
    readonly edits: number;
    readonly refusedConnections: number;
    readonly continued: number;
  },
): Stats {
  const postings = oracle.attempts.flatMap(({ posting }) =>
    posting === null ? [] : [posting.row],
  );
  const status = (code: number): number => seen.statuses.get(code) ?? 0;
  return {
    events: world.eventCount,
    exchanges: seen.exchanges,
    calls: oracle.calls.length,
    attempts: oracle.attempts.length,
    crashes: seen.crashes,
    exits: seen.exits,
    halts: plan.halts.length,
    expired: postings.filter(({ kind }) => kind === "expire").length,
    maybeUnsent: postings.filter(({ outcome }) => outcome === "maybe_unsent").length,
    voids: postings.filter(({ kind }) => kind === "void").length,
    estimates: postings.filter(({ estimated }) => estimated === 1).length,
    refusals: status(402) + status(429),
    unavailable: status(503),
    leavers: status(499),
    cutStreams: seen.cutStreams,
    diskFaults: seen.diskFaults,
    edits: seen.edits,
    jumps: plan.jumps.length,
    rollovers: rollovers(plan, oracle),
    refusedConnections: seen.refusedConnections,
    lostHedges: postings.filter(({ outcome }) => outcome === "hedge_lost").length,
    continued: seen.continued,
  };
}

/** Windows in which a budget of the plan admitted something, less one for each budget. */
function rollovers(plan: Plan, oracle: Oracle): number {
  let count = 0;
  for (const { window, timeZone, scopeId } of plan.budgets) {
    const windows = oracle.attempts
      .filter(({ row }) => [row.tokenId, row.projectId, row.tenantId].includes(scopeId))
      .map(({ admitted }) => spanOf(window, timeZone, admitted.wallMs).startMs);
    count += Math.max(0, new Set(windows).size - 1);
  }
  return count;
}
