/**
 * Configures a fresh Tollgate over its admin API so that every control is on and none refuses: a
 * price on every model, hard budgets on access token, project and tenant, and limits of all three
 * kinds on each of the three. Returns what a client needs to call it.
 */
import { WORKLOAD_NAMES, type WorkloadName } from "./profile.ts";

/** A running Tollgate and who may configure it. */
export type TollgateAdmin = {
  readonly gateway: URL;
  readonly adminToken: string;
  readonly signal: AbortSignal;
};

/** What it is to be configured with. */
export type SetupOptions = TollgateAdmin & {
  /** The upstream's base address with its version, as a provider is configured. */
  readonly upstreamBase: string;
  readonly upstreamModel: (workload: WorkloadName) => string;
};

/** What a client needs to call it. */
export type TollgateAccess = {
  readonly token: string;
  /** The public model name of a workload's route. */
  readonly model: (workload: WorkloadName) => string;
};

/** What the admin API answers to a creation; an access token shows itself this once. */
export type Created = { readonly id: string; readonly token?: string };

/** Large enough that nothing is refused, in every unit; all of it is checked all the same. */
const amountUsd = "1000000.00";
const perMinute = { requests: 100_000_000, tokens: 1_000_000_000 };
const concurrentMax = 100_000;
const requestsMax = 1_000_000_000;

/** Throws with the API's answer when a step is refused. */
export async function setUpTollgate(options: SetupOptions): Promise<TollgateAccess> {
  const create = (noun: string, members: object): Promise<Created> =>
    createObject(options, noun, members);
  const provider = await create("providers", {
    name: "bench-upstream",
    dialect: "openai",
    base_url: options.upstreamBase,
    credential: "sk-bench-upstream",
    allow_private_network: true,
    max_concurrent: concurrentMax,
    enabled: true,
  });
  for (const workload of WORKLOAD_NAMES) {
    const model = options.upstreamModel(workload);
    await create("prices", {
      provider: provider.id,
      model,
      input_usd_per_million: "0.15",
      output_usd_per_million: "0.60",
    });
    await create("routes", {
      model: publicModel(workload),
      strategy: "priority",
      targets: [{ provider: provider.id, model, weight: 1, priority: 1 }],
    });
  }
  const models = WORKLOAD_NAMES.map((workload) => publicModel(workload));
  return { token: await createRoomyToken(options, models), model: publicModel };
}

/**
 * An access token for these models, of a tenant of its own, with every kind of budget and limit, none
 * of which refuses.
 */
export async function createRoomyToken(
  admin: TollgateAdmin,
  models: readonly string[],
  name = "bench",
): Promise<string> {
  const create = (noun: string, members: object): Promise<Created> =>
    createObject(admin, noun, members);
  const tenant = await create("tenants", { name });
  const project = await create("projects", { tenant_id: tenant.id, name });
  const token = await create("tokens", {
    tenant_id: tenant.id,
    project_id: project.id,
    name,
    duration_minutes: 120,
    max_requests: requestsMax,
    allowed_models: models,
  });
  if (token.token === undefined) throw new Error("the admin API returned no access token");
  const scopes = [
    { type: "token", id: token.id },
    { type: "project", id: project.id },
    { type: "tenant", id: tenant.id },
  ];
  for (const scope of scopes) {
    await create("budgets", { scope, amount_usd: amountUsd, window: "day", mode: "hard" });
    await create("limits", {
      scope,
      requests_per_minute: perMinute.requests,
      tokens_per_minute: perMinute.tokens,
      max_concurrent: concurrentMax,
    });
  }
  return token.token;
}

function publicModel(workload: WorkloadName): string {
  return `bench-${workload}`;
}

/** Creates one object over the admin API; throws with its answer when it is refused. */
export async function createObject(
  admin: TollgateAdmin,
  noun: string,
  members: object,
): Promise<Created> {
  const answer = await fetch(new URL(`/api/v1/${noun}`, admin.gateway), {
    method: "POST",
    headers: {
      authorization: `Bearer ${admin.adminToken}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(members),
    signal: admin.signal,
  });
  const text = await answer.text();
  if (answer.status !== 201) {
    throw new Error(`POST /api/v1/${noun} answered ${answer.status}: ${text.slice(0, 500)}`);
  }
  return JSON.parse(text) as Created;
}
