/** Projects: groups of access tokens inside a tenant, for budgets and limits of their own. */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import type { ProjectRow } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { allow } from "./refusal.ts";
import type { Project, ProjectChange, ProjectFilter, ProjectInput } from "./shapes/project.ts";
import { named } from "./write.ts";

export type Projects = Configured<Project, ProjectInput, ProjectChange, ProjectFilter>;

export function createProjects(deps: AdminDeps): Projects {
  return configured(deps, "projects", {
    rowOf: (input: ProjectInput) =>
      allow({
        id: newId("project", deps.random),
        tenantId: input.tenant_id,
        name: input.name,
        metadata: input.metadata ?? {},
        version: 1,
        createdAtMs: deps.clock.nowMs(),
      }),
    editOf: (change: ProjectChange) => () => allow(named<ProjectRow>(change)),
    whereOf: (filter: ProjectFilter) =>
      named<ProjectRow>({ tenantId: filter.tenant_id, name: filter.name }),
    show: (rows) => rows.map(show),
  });
}

function show(row: ProjectRow): Project {
  return {
    id: row.id,
    tenant_id: row.tenantId,
    name: row.name,
    metadata: row.metadata,
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}
