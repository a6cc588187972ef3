/** `/api/v1/tenants`. */
import type { Admin } from "../../admin/admin.ts";
import { TenantFilter } from "../../admin/shapes/tenant.ts";
import { pageExample, TENANT_ID, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Tenant"> = {
  id: TENANT_ID,
  name: "Acme",
  status: "active",
  strategy: null,
  priority_class: "default",
  metadata: { plan: "gold" },
  ...VERSIONED,
};

export function tenantRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "tenants",
      one: "tenant",
      many: "tenants",
      idExample: example.id,
      about: {
        create: "A tenant owns projects, access tokens, budgets and limits.",
        remove: "Refused while projects, access tokens, routes, budgets or limits belong to it.",
      },
      shapes: {
        input: "TenantInput",
        change: "TenantChange",
        one: "Tenant",
        made: "Tenant",
        many: "TenantPage",
        filter: TenantFilter,
      },
      examples: {
        input: { name: "Acme", metadata: { plan: "gold" } },
        change: { status: "suspended" },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.tenants,
  );
}
