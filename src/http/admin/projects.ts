/** `/api/v1/projects`. */
import type { Admin } from "../../admin/admin.ts";
import { ProjectFilter } from "../../admin/shapes/project.ts";
import { pageExample, PROJECT_ID, TENANT_ID, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Project"> = {
  id: PROJECT_ID,
  tenant_id: TENANT_ID,
  name: "Support bot",
  metadata: {},
  ...VERSIONED,
};

export function projectRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "projects",
      one: "project",
      many: "projects",
      idExample: example.id,
      about: {
        create: "A project groups access tokens of a tenant under budgets and limits of its own.",
        remove: "Refused while access tokens, budgets or limits belong to it.",
      },
      shapes: {
        input: "ProjectInput",
        change: "ProjectChange",
        one: "Project",
        made: "Project",
        many: "ProjectPage",
        filter: ProjectFilter,
      },
      examples: {
        input: { tenant_id: TENANT_ID, name: "Support bot" },
        change: { name: "Support bot, Europe" },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.projects,
  );
}
