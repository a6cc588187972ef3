/** Limits: rates and slots of a scope. A limit without any bound would bound nothing and is refused. */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import type { LimitRow } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps, LimitState } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { scopeWhere, tenantOfScope } from "./scope.ts";
import type { Limit, LimitChange, LimitFilter, LimitInput } from "./shapes/limit.ts";
import { named } from "./write.ts";

export type Limits = Configured<Limit, LimitInput, LimitChange, LimitFilter>;

type Bounds = Pick<LimitRow, "requestsPerMinute" | "tokensPerMinute" | "maxConcurrent" | "burst">;

const NO_BOUNDS: Bounds = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  maxConcurrent: null,
  burst: null,
};

export function createLimits(deps: AdminDeps): Limits {
  return configured(deps, "limits", {
    rowOf: async (input: LimitInput) => {
      const bounds = checkBounds({ ...NO_BOUNDS, ...readBounds(input) });
      if (!bounds.allowed) return bounds;
      const tenant = await tenantOfScope(deps.store, input.scope);
      if (!tenant.allowed) return tenant;
      return allow({
        id: newId("limit", deps.random),
        scopeType: input.scope.type,
        scopeId: input.scope.id,
        tenantId: tenant.value,
        ...bounds.value,
        version: 1,
        createdAtMs: deps.clock.nowMs(),
      });
    },
    editOf: (change: LimitChange) => (current) => {
      const edit = readBounds(change);
      const merged = checkBounds({ ...current, ...edit });
      return merged.allowed ? allow(edit) : merged;
    },
    whereOf: (filter: LimitFilter) => named<LimitRow>(scopeWhere(filter)),
    show: (rows) => showLimits(deps, rows),
  });
}

function readBounds(change: LimitChange): Partial<Bounds> {
  return named<Bounds>({
    requestsPerMinute: change.requests_per_minute,
    tokensPerMinute: change.tokens_per_minute,
    maxConcurrent: change.max_concurrent,
    burst: change.burst,
  });
}

function checkBounds(bounds: Bounds): AdminVerdict<Bounds> {
  const { requestsPerMinute, tokensPerMinute, maxConcurrent, burst } = bounds;
  if (requestsPerMinute === null && tokensPerMinute === null && maxConcurrent === null) {
    const sentence =
      "A limit needs at least one of requests_per_minute, tokens_per_minute and max_concurrent.";
    return refuse("invalid_request", sentence, "/requests_per_minute");
  }
  return burst !== null && requestsPerMinute === null
    ? refuse("invalid_request", "burst needs requests_per_minute beside it.", "/burst")
    : allow(bounds);
}

async function showLimits(deps: AdminDeps, rows: readonly LimitRow[]): Promise<Limit[]> {
  const tenantIds = [...new Set(rows.map((row) => row.tenantId))];
  const states = await Promise.all(tenantIds.map((id) => deps.directory.limitStates(id)));
  const byId = new Map(states.flat().map((state) => [state.limitId, state]));
  return rows.flatMap((row) => {
    const state = byId.get(row.id);
    return state === undefined ? [] : [showLimit(row, state)];
  });
}

function showLimit(row: LimitRow, state: LimitState): Limit {
  return {
    id: row.id,
    tenant_id: row.tenantId,
    scope: { type: row.scopeType, id: row.scopeId },
    requests_per_minute: row.requestsPerMinute,
    tokens_per_minute: row.tokensPerMinute,
    max_concurrent: row.maxConcurrent,
    burst: row.burst,
    current: {
      requests_remaining: state.requestsRemaining,
      tokens_remaining: state.tokensRemaining,
      in_flight: state.inFlight,
    },
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}
