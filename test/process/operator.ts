/**
 * What an operator does over the admin API before clients can call: a tenant, a project, an access
 * token, hard budgets on all three, a priced provider. Plain HTTP, no code of the product.
 */
import { ADMIN_TOKEN } from "./harness.ts";

export type Scope = { readonly type: "token" | "project" | "tenant"; readonly id: string };

/** A budget as the admin API shows it. */
export type BudgetShown = {
  readonly id: string;
  readonly scope: Scope;
  readonly amount_usd: string;
  readonly posted_usd: string;
  readonly held_usd: string;
  readonly remaining_usd: string;
};

export type Access = {
  readonly token: string;
  readonly tokenId: string;
  readonly projectId: string;
  readonly tenantId: string;
};

type Created = { readonly id: string; readonly token?: string };

/** US dollars per million tokens, of every model that {@link furnish} prices. */
const PRICE = { input: 3, output: 15 };
/** The same in nano-dollars per token. */
export const NANO_PER_TOKEN = { input: 3_000, output: 15_000 };

export async function ask(url: string, method: string, path: string, body?: object) {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}

async function create(url: string, noun: string, members: object): Promise<Created> {
  return await ask(url, "POST", `/${noun}`, members);
}

export async function budgetsAt(url: string): Promise<readonly BudgetShown[]> {
  return (await ask(url, "GET", "/budgets")).data;
}

/** A provider at `upstreamUrl` whose simulated models are priced; clients call `NAME/sim-small`. */
export async function addProvider(url: string, name: string, upstreamUrl: string): Promise<void> {
  await create(url, "providers", {
    name,
    base_url: `${upstreamUrl}/v1`,
    credential: "sk-simulated",
    allow_private_network: true,
  });
  await create(url, "prices", {
    provider: name,
    model: "sim-small",
    input_usd_per_million: PRICE.input,
    output_usd_per_million: PRICE.output,
  });
}

export async function addBudget(url: string, scope: Scope, amountUsd: string): Promise<void> {
  await create(url, "budgets", { scope, amount_usd: amountUsd, window: "total" });
}

/** A tenant, a project in it, and an access token in that. */
export async function addAccess(url: string, name: string): Promise<Access> {
  const tenant = await create(url, "tenants", { name });
  return await addToken(url, name, tenant.id);
}

/** A project of its own in the tenant, and an access token in that. */
export async function addToken(url: string, name: string, tenantId: string): Promise<Access> {
  const project = await create(url, "projects", { tenant_id: tenantId, name });
  const issued = await create(url, "tokens", {
    tenant_id: tenantId,
    project_id: project.id,
    name,
  });
  const { token = "", id: tokenId } = issued;
  return { token, tokenId, projectId: project.id, tenantId };
}

/** Everything a client needs, with budgets that are large enough: provider `steady`. */
export async function furnish(url: string, upstreamUrl: string): Promise<Access> {
  await addProvider(url, "steady", upstreamUrl);
  const access = await addAccess(url, "acme");
  await addBudget(url, { type: "token", id: access.tokenId }, "1000.00");
  await addBudget(url, { type: "project", id: access.projectId }, "1000.00");
  await addBudget(url, { type: "tenant", id: access.tenantId }, "1000.00");
  return access;
}
