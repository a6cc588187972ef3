/**
 * Adds up usage per day by any grouping. One step per day that has usage, so that a long span does
 * not keep the thread from writing. Usage has the grain of UTC days: a day counts whole when any
 * part of it lies in the span.
 */
import { and, eq, gte, lt, min, sql, type SQL } from "drizzle-orm";
import { usageDays } from "../../drizzle/schema.ts";
import { formatTime, startOfUtcDayMs, UTC_DAY_MS } from "../base/clock.ts";
import type { UsageGroup, UsageQuery, UsageRow } from "./history-contract.ts";
import type { Connection } from "./database.ts";
import type { Steps } from "./walks.ts";

type Orm = Connection["orm"];

const GROUP_COLUMNS = {
  tenant: usageDays.tenantId,
  project: usageDays.projectId,
  token: usageDays.tokenId,
  model: usageDays.model,
  provider: usageDays.providerId,
} as const;

const COUNTS = [
  "requests",
  "attempts",
  "inputTokens",
  "outputTokens",
  "cachedInputTokens",
  "reasoningTokens",
  "costNanoUsd",
] as const;

type Counts = Record<(typeof COUNTS)[number], number>;
type DayRow = Counts & { readonly group: readonly string[] };

/** Rows in the order of their groups. Without a grouping one row, of zeros if there is no usage. */
export function* usage(orm: Orm, query: UsageQuery): Steps<readonly UsageRow[]> {
  const totals = new Map<string, DayRow>();
  let dayMs = nextDay(orm, startOfUtcDayMs(query.fromMs), query.toMs);
  while (dayMs !== null) {
    for (const row of usageOfDay(orm, query, dayMs)) {
      const key = JSON.stringify(row.group);
      const sum = totals.get(key);
      if (sum === undefined) totals.set(key, row);
      else for (const name of COUNTS) sum[name] += row[name];
    }
    yield;
    dayMs = nextDay(orm, dayMs + UTC_DAY_MS, query.toMs);
  }
  if (query.groupBy.length === 0 && totals.size === 0) return [{ group: {}, ...zeros() }];
  return [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { group, ...counts }]) => ({ group: named(query.groupBy, group), ...counts }));
}

/** The first day from `fromMs` on, before `toMs`, that has any usage. */
function nextDay(orm: Orm, fromMs: number, toMs: number): number | null {
  return (
    orm
      .select({ dayMs: min(usageDays.dayStartMs) })
      .from(usageDays)
      .where(and(gte(usageDays.dayStartMs, fromMs), lt(usageDays.dayStartMs, toMs)))
      .get()?.dayMs ?? null
  );
}

function sumOf(name: (typeof COUNTS)[number]): SQL<number> {
  return sql<number>`sum(${usageDays[name]})`;
}

function usageOfDay(orm: Orm, query: UsageQuery, dayMs: number): DayRow[] {
  const { tenantId, projectId, tokenId } = query;
  const conditions: (SQL | undefined)[] = [
    eq(usageDays.dayStartMs, dayMs),
    tenantId === undefined ? undefined : eq(usageDays.tenantId, tenantId),
    projectId === undefined ? undefined : eq(usageDays.projectId, projectId),
    tokenId === undefined ? undefined : eq(usageDays.tokenId, tokenId),
  ];
  const columns = query.groupBy.flatMap((by) => (by === "day" ? [] : [GROUP_COLUMNS[by]]));
  const rows = orm
    .select({
      // One column of JSON, because how many there are is only known now.
      group: sql<string>`json_array(${sql.join(columns, sql`, `)})`,
      requests: sumOf("requests"),
      attempts: sumOf("attempts"),
      inputTokens: sumOf("inputTokens"),
      outputTokens: sumOf("outputTokens"),
      cachedInputTokens: sumOf("cachedInputTokens"),
      reasoningTokens: sumOf("reasoningTokens"),
      costNanoUsd: sumOf("costNanoUsd"),
    })
    .from(usageDays)
    .where(and(...conditions))
    .groupBy(...(columns.length === 0 ? [usageDays.dayStartMs] : columns))
    .all();
  return rows.map(({ group, ...counts }) => {
    const found = JSON.parse(group) as string[];
    const day = formatTime(dayMs).slice(0, "2026-01-31".length);
    return {
      ...counts,
      group: query.groupBy.map((by) => (by === "day" ? day : String(found.shift()))),
    };
  });
}

function named(groupBy: readonly UsageGroup[], values: readonly string[]): UsageRow["group"] {
  return Object.fromEntries(groupBy.map((by, place) => [by, values[place] ?? ""]));
}

function zeros(): Counts {
  return {
    requests: 0,
    attempts: 0,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    costNanoUsd: 0,
  };
}
