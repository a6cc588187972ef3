/** Usage: what was consumed and what it cost, from the sums that are written with each posting. */
import { formatTime, startOfUtcDayMs, UTC_DAY_MS } from "../base/clock.ts";
import { formatUsd } from "../base/units.ts";
import type { UsageGroup, UsageQuery, UsageRow as StoredRow } from "../store/history-contract.ts";
import type { AdminDeps } from "./deps.ts";
import { namesOf } from "./names.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { USAGE_GROUPS, type Usage, type UsageFilter, type UsageRow } from "./shapes/usage.ts";
import { readSpan } from "./span.ts";
import { named } from "./write.ts";

export type UsageOf = (filter: UsageFilter) => Promise<AdminVerdict<Usage>>;

export function createUsage({ store, clock }: AdminDeps): UsageOf {
  return async (filter) => {
    const nowMs = clock.nowMs();
    const span = readSpan(filter);
    if (!span.allowed) return span;
    // Usage is summed by whole UTC days.
    const fromMs = startOfUtcDayMs(span.value.fromMs ?? startOfMonth(nowMs));
    const toMs = startOfUtcDayMs((span.value.toMs ?? nowMs) - 1) + UTC_DAY_MS;
    if (fromMs >= toMs) return refuse("invalid_request", "from must lie before to.", "from");
    const { tenant_id: tenantId, project_id: projectId, token_id: tokenId } = filter;
    const rows = await store.usage({
      groupBy: groupsOf(filter.group_by),
      fromMs,
      toMs,
      ...named<Pick<UsageQuery, "tenantId" | "projectId" | "tokenId">>({
        tenantId,
        projectId,
        tokenId,
      }),
    });
    const [tenants, projects, tokens, providers] = await Promise.all([
      namesOf(store, "tenants", idsOf(rows, "tenant")),
      namesOf(store, "projects", idsOf(rows, "project")),
      namesOf(store, "tokens", idsOf(rows, "token")),
      namesOf(store, "providers", idsOf(rows, "provider")),
    ]);
    const data = rows.map((row) => showRow(row, { tenants, projects, tokens, providers }));
    return allow({ from: formatTime(fromMs), to: formatTime(toMs), data });
  };
}

function groupsOf(text = ""): UsageGroup[] {
  const asked = text.split(",");
  return USAGE_GROUPS.filter((group) => asked.includes(group));
}

function idsOf(rows: readonly StoredRow[], group: UsageGroup): string[] {
  return rows.flatMap(({ group: { [group]: id } }) => (id === undefined || id === "" ? [] : [id]));
}

type Names = Readonly<
  Record<"tenants" | "projects" | "tokens" | "providers", ReadonlyMap<string, string>>
>;

function showRow(row: StoredRow, names: Names): UsageRow {
  const { tenant, project, token, provider, model, day } = row.group;
  return {
    ...(tenant !== undefined && {
      tenant_id: tenant,
      tenant_name: names.tenants.get(tenant) ?? null,
    }),
    // Usage outside of any project is kept under an empty id.
    ...(project !== undefined && {
      project_id: project === "" ? null : project,
      project_name: names.projects.get(project) ?? null,
    }),
    ...(token !== undefined && { token_id: token, token_name: names.tokens.get(token) ?? null }),
    ...(provider !== undefined && {
      provider_id: provider,
      provider: names.providers.get(provider) ?? null,
    }),
    ...(model !== undefined && { model }),
    ...(day !== undefined && { day }),
    requests: row.requests,
    attempts: row.attempts,
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cached_input_tokens: row.cachedInputTokens,
    reasoning_tokens: row.reasoningTokens,
    cost_usd: formatUsd(row.costNanoUsd),
  };
}

function startOfMonth(atMs: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
}
