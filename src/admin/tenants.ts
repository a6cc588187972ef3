/** Tenants: the isolation boundary. Suspending one refuses its requests and touches nothing else. */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import type { TenantRow } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { allow } from "./refusal.ts";
import type { Tenant, TenantChange, TenantFilter, TenantInput } from "./shapes/tenant.ts";
import { serviceTerms } from "./service-terms.ts";
import { named } from "./write.ts";

export type Tenants = Configured<Tenant, TenantInput, TenantChange, TenantFilter>;

export function createTenants(deps: AdminDeps): Tenants {
  return configured(deps, "tenants", {
    rowOf: (input: TenantInput) =>
      allow({
        id: newId("tenant", deps.random),
        name: input.name,
        status: input.status ?? "active",
        terms: serviceTerms({}, input) ?? {},
        metadata: input.metadata ?? {},
        version: 1,
        createdAtMs: deps.clock.nowMs(),
      }),
    editOf:
      ({ name, status, metadata, ...service }: TenantChange) =>
      ({ terms }) =>
        allow(named<TenantRow>({ name, status, metadata, terms: serviceTerms(terms, service) })),
    whereOf: ({ name, status }: TenantFilter) => named<TenantRow>({ name, status }),
    show: (rows) => rows.map(show),
  });
}

function show(row: TenantRow): Tenant {
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    strategy: row.terms.strategy ?? null,
    priority_class: row.terms.priorityClass ?? "default",
    metadata: row.metadata,
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}
