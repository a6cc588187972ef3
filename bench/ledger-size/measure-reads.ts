/**
 * What operators read of a long history, over the admin API: each read several times with the
 * database cold and several times warm.
 */
import { formatTime, UTC_DAY_MS } from "../../src/base/clock.ts";
import { Distribution, type Summary } from "../statistics.ts";
import { readAdmin } from "../admin-read.ts";
import { evict } from "./cache.ts";
import type { Generated } from "./generate.ts";
import type { Effort } from "./options.ts";
import { type Configured, databaseIn, type Stand, type Surroundings } from "./stage.ts";

export type ReadEntry = {
  readonly name: string;
  /** undefined where there is no goal, or nothing can be made cold. */
  readonly goalMs: number | undefined;
  readonly cold: Summary | undefined;
  readonly warm: Summary;
  readonly met: boolean | undefined;
};

type Read = { readonly name: string; readonly path: string; readonly hasGoal: boolean };

/** What a page that a person waits for may take. */
const READ_GOAL_MS = 300;
const MONTH_DAYS = 30;
/** A read that is slow is not repeated for longer than this. */
const WARM_MS_MAX = 10_000;

const read = (name: string, path: string, hasGoal = true): Read => ({ name, path, hasGoal });

export function readsOf(configured: Configured, generated: Generated): readonly Read[] {
  const { monthBudgetId, tenantId, tokenId, totalBudgetId } = configured;
  const usage = `usage?${monthOf(generated)}`;
  return [
    read("requests, first page", "requests"),
    read("  of the busiest tenant", `requests?tenant_id=${tenantId}`),
    read("  of the busiest access token", `requests?token_id=${tokenId}`),
    read("  of an access token hardly used", `requests?token_id=${generated.rareTokenId}`),
    read("  refused ones, 1 in 100", "requests?status=429"),
    read("one request with its ledger", `requests/${generated.requestId}`),
    read("budgets, first page", "budgets"),
    read("one budget, by month", `budgets/${monthBudgetId}`),
    read("one budget, of all time", `budgets/${totalBudgetId}`),
    read("usage of 30 days, one sum", usage),
    read("  by tenant", `${usage}&group_by=tenant`),
    read("  by model", `${usage}&group_by=model`),
    read("  by day", `${usage}&group_by=day`),
    read("  of the busiest tenant by day", `${usage}&group_by=day&tenant_id=${tenantId}`),
    read("  by access token, model and day", `${usage}&group_by=token,model,day`, false),
  ];
}

/** The last month of a history, as a query; its days are whole ones. */
export function monthOf({ endMs }: Generated): string {
  const from = formatTime(endMs - MONTH_DAYS * UTC_DAY_MS);
  return new URLSearchParams({ from, to: formatTime(endMs) }).toString();
}

type ReadContext = Surroundings & {
  readonly effort: Effort;
  readonly note: (text: string) => void;
};

/** In the order of the reads. */
export async function measureReads(
  reads: readonly Read[],
  { stand, folder }: { readonly stand: Stand; readonly folder: string },
  { clock, signal, note, effort }: ReadContext,
): Promise<readonly ReadEntry[]> {
  const timed = async ({ path }: Read, into: Distribution): Promise<void> => {
    signal.throwIfAborted();
    const beganMs = clock.monotonicMs();
    await readAdmin(stand.admin, path);
    into.recordMs(clock.monotonicMs() - beganMs);
  };
  const entries: ReadEntry[] = [];
  for (const one of reads) {
    note(one.name.trim());
    const cold = new Distribution();
    const warm = new Distribution();
    while (cold.count < effort.coldReads && evict(databaseIn(folder))) await timed(one, cold);
    const endMs = clock.monotonicMs() + WARM_MS_MAX;
    while (warm.count < effort.warmReads && (warm.count === 0 || clock.monotonicMs() < endMs)) {
      await timed(one, warm);
    }
    entries.push(entryOf(one, cold, warm));
  }
  return entries;
}

function entryOf({ name, hasGoal }: Read, cold: Distribution, warm: Distribution): ReadEntry {
  const summary = { cold: cold.count === 0 ? undefined : cold.summary(), warm: warm.summary() };
  if (!hasGoal) return { name, ...summary, goalMs: undefined, met: undefined };
  const worstMs = Math.max(summary.warm.p95Ms, summary.cold?.p50Ms ?? 0);
  return { name, ...summary, goalMs: READ_GOAL_MS, met: worstMs < READ_GOAL_MS };
}
