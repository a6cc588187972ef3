/** The use-cases behind the admin API, the command line and the start-up demo, in one value. */
import { type Alerts, createAlerts } from "./alerts.ts";
import { type Budgets, createBudgets } from "./budgets.ts";
import { type Companies, listCompanies } from "./companies.ts";
import type { AdminDeps } from "./deps.ts";
import { createExplain, type Explain } from "./explain.ts";
import { createJobs, type JobCases } from "./jobs.ts";
import { createLedger, type LedgerCases } from "./ledger.ts";
import { createLimits, type Limits } from "./limits.ts";
import { createPrices, type Prices } from "./prices.ts";
import { createProjects, type Projects } from "./projects.ts";
import { createProviders, type Providers } from "./providers.ts";
import { createRequests, type Requests } from "./requests.ts";
import { createRoutes, type Routes } from "./routes.ts";
import { createTenants, type Tenants } from "./tenants.ts";
import { createTokens, type Tokens } from "./tokens.ts";
import { createUsage, type UsageOf } from "./usage.ts";

export interface Admin {
  readonly tenants: Tenants;
  readonly projects: Projects;
  readonly tokens: Tokens;
  readonly providers: Providers;
  readonly companies: Companies;
  readonly routes: Routes;
  readonly explain: Explain;
  readonly prices: Prices;
  readonly budgets: Budgets;
  readonly alerts: Alerts;
  readonly ledger: LedgerCases;
  readonly jobs: JobCases;
  readonly limits: Limits;
  readonly usage: UsageOf;
  readonly requests: Requests;
}

export function createAdmin(deps: AdminDeps): Admin {
  return {
    tenants: createTenants(deps),
    projects: createProjects(deps),
    tokens: createTokens(deps),
    providers: createProviders(deps),
    companies: listCompanies,
    routes: createRoutes(deps),
    explain: createExplain(deps),
    prices: createPrices(deps),
    budgets: createBudgets(deps),
    alerts: createAlerts(deps),
    ledger: createLedger(deps),
    jobs: createJobs(deps),
    limits: createLimits(deps),
    usage: createUsage(deps),
    requests: createRequests(deps),
  };
}
