/** The admin API: every operation below /api/v1, and the same refusal for everything else there. */
import { Elysia } from "elysia";
import type { Admin } from "../../admin/admin.ts";
import { alertRoutes } from "./alerts.ts";
import { budgetRoutes } from "./budgets.ts";
import { companyRoutes } from "./companies.ts";
import { jobRoutes } from "./jobs.ts";
import { ledgerRoutes } from "./ledger.ts";
import { limitRoutes } from "./limits.ts";
import { type AdminHttp, unknownOperation } from "./operation.ts";
import { priceRoutes } from "./prices.ts";
import { projectRoutes } from "./projects.ts";
import { providerRoutes } from "./providers.ts";
import { requestRoutes } from "./requests.ts";
import { routeRoutes } from "./routes-resource.ts";
import { tenantRoutes } from "./tenants.ts";
import { tokenRoutes } from "./tokens.ts";
import { usageRoutes } from "./usage.ts";

export type AdminRoutesOptions = AdminHttp & { readonly admin: Admin };

export function adminRoutes({ admin, ...http }: AdminRoutesOptions) {
  const unknown = unknownOperation(http);
  return new Elysia({ name: "admin-api", prefix: "/api/v1" })
    .use(tenantRoutes(http, admin))
    .use(projectRoutes(http, admin))
    .use(tokenRoutes(http, admin))
    .use(providerRoutes(http, admin))
    .use(companyRoutes(http, admin))
    .use(routeRoutes(http, admin))
    .use(priceRoutes(http, admin))
    .use(budgetRoutes(http, admin))
    .use(alertRoutes(http, admin))
    .use(jobRoutes(http, admin))
    .use(ledgerRoutes(http, admin))
    .use(limitRoutes(http, admin))
    .use(usageRoutes(http, admin))
    .use(requestRoutes(http, admin))
    .all("", unknown.handle, unknown.hooks)
    .all("/*", unknown.handle, unknown.hooks);
}
