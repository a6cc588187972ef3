/**
 * Jobs: what providers go on with after they have answered, while their attempts are open and money is held
 * for them. An operator may end one that nobody will hear of again.
 */
import { formatTime } from "../base/clock.ts";
import { GatewayError } from "../base/error.ts";
import { formatUsd, type NanoUsd, parseUsd } from "../base/units.ts";
import type { OpenJob } from "../gateway/jobs/jobs-admin.ts";
import { pageFrom, pageOf } from "../store/cursor.ts";
import { type Page, pageQuery } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { namesOf, providerNamed } from "./names.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { EndedJob, Job, JobEnding, JobFilter } from "./shapes/job.ts";

export interface JobCases {
  /** Newest first; only what is open. */
  readonly list: (filter: JobFilter) => Promise<AdminVerdict<Page<Job>>>;
  readonly get: (id: string) => Promise<AdminVerdict<Job>>;
  /** Charges what is held for it, or less. Refused when it has ended meanwhile. */
  readonly end: (id: string, ending: JobEnding) => Promise<AdminVerdict<EndedJob>>;
}

export function createJobs(deps: AdminDeps): JobCases {
  return {
    list: (filter) => list(deps, filter),
    get: async (id) => {
      const open = deps.jobs.openJob(id);
      if (open !== null) return allow(showJob(open, await providerNames(deps, [open])));
      const requestId = await deps.store.requestOfEnded(id);
      const told = requestId === null ? "" : ` ${hasEnded(requestId)}`;
      return refuse("not_found", `There is no open job ${id}.${told}`);
    },
    end: (id, ending) => end(deps, id, ending),
  };
}

async function list(deps: AdminDeps, filter: JobFilter): Promise<AdminVerdict<Page<Job>>> {
  const { limit, beyondId } = pageFrom(pageQuery(filter));
  const { tenant_id: tenantId, kind } = filter;
  const providerId = await providerIdOf(deps, filter.provider);
  const found = deps.jobs
    .openJobs()
    .map((open) => ({ id: open.job.attemptId, open }))
    .filter(({ id, open: { job } }) => {
      const { scopes } = job;
      return (
        (beyondId === null || id < beyondId) &&
        (tenantId === undefined || scopes.tenantId === tenantId) &&
        (providerId === undefined || scopes.providerId === providerId) &&
        (kind === undefined || job.kind === kind)
      );
    })
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const { rows, nextCursor } = pageOf(found, limit);
  const shown = rows.map(({ open }) => open);
  const names = await providerNames(deps, shown);
  return allow({ data: shown.map((open) => showJob(open, names)), next_cursor: nextCursor });
}

/** undefined: any provider. One that was removed is still known by its id. */
async function providerIdOf(
  { store }: AdminDeps,
  reference: string | undefined,
): Promise<string | undefined> {
  if (reference === undefined) return undefined;
  return (await providerNamed(store, reference))?.id ?? reference;
}

async function end(
  deps: AdminDeps,
  id: string,
  { amount_usd: amount, note }: JobEnding,
): Promise<AdminVerdict<EndedJob>> {
  const open = deps.jobs.openJob(id);
  if (open === null) return notOpen(deps, id);
  const { job } = open;
  const cost = readCost(amount, job.heldNanoUsd);
  if (!cost.allowed) return cost;
  // Nothing is ended that cannot be written down.
  const health = deps.store.health();
  if (!health.ok) throw new GatewayError("ledger_unavailable", {}, health.detail);
  if (!(await deps.jobs.end(id, cost.value, note))) return notOpen(deps, id);
  return allow({
    id,
    request_id: job.requestId,
    held_usd: formatUsd(job.heldNanoUsd),
    cost_usd: formatUsd(cost.value),
  });
}

/** In whole nano-dollars. */
function readCost(amount: JobEnding["amount_usd"], heldNanoUsd: NanoUsd): AdminVerdict<NanoUsd> {
  if (amount === undefined) return allow(heldNanoUsd);
  const costNanoUsd = parseUsd(amount);
  if (costNanoUsd === undefined) {
    const sentence =
      'amount_usd must be an amount in US dollars with at most 9 decimals, such as "5.00".';
    return refuse("invalid_request", sentence, "/amount_usd");
  }
  if (costNanoUsd <= heldNanoUsd) return allow(costNanoUsd);
  const sentence = `amount_usd must be at most what is held for the job: ${formatUsd(heldNanoUsd)}.`;
  return refuse("unprocessable", sentence, "/amount_usd");
}

async function notOpen({ store }: AdminDeps, id: string): Promise<AdminVerdict<never>> {
  const requestId = await store.requestOfEnded(id);
  return requestId === null
    ? refuse("not_found", `There is no open job ${id}.`)
    : refuse("conflict", hasEnded(requestId));
}

function hasEnded(requestId: string): string {
  return `It has ended meanwhile: the request ${requestId} tells what it cost.`;
}

type Names = ReadonlyMap<string, string>;

function providerNames({ store }: AdminDeps, open: readonly OpenJob[]): Promise<Names> {
  const ids = open.map(({ job }) => job.scopes.providerId);
  return namesOf(store, "providers", ids);
}

function showJob({ job, lastLook, nextLookAtMs, givenUpAtMs }: OpenJob, names: Names): Job {
  const { tenantId, projectId, tokenId, endUserId, providerId } = job.scopes;
  return {
    id: job.attemptId,
    request_id: job.requestId,
    kind: job.kind,
    object_id: job.objectId,
    tenant_id: tenantId,
    project_id: projectId,
    token_id: tokenId,
    end_user: endUserId,
    route: job.route,
    model: job.model,
    provider_id: providerId,
    provider: names.get(providerId) ?? providerId,
    lines: job.bounds?.lines ?? null,
    held_usd: formatUsd(job.heldNanoUsd),
    begun_at: formatTime(job.heldAtMs),
    last_look:
      lastLook === null
        ? null
        : { at: formatTime(lastLook.atMs), said: lastLook.said, why: lastLook.why },
    next_look_at: nextLookAtMs === null ? null : formatTime(nextLookAtMs),
    given_up_at: formatTime(givenUpAtMs),
  };
}
