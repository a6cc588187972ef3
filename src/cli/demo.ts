/**
 * What a first start on an empty data directory creates, so that a newcomer's first `curl` works: a
 * tenant, an access token with a budget of one dollar a day and a limit, and routes to the simulated
 * provider. Made by the same use-cases as everything else.
 */
import type { Admin } from "../admin/admin.ts";
import type { AdminVerdict } from "../admin/refusal.ts";
import { assert } from "../base/assert.ts";
import type { Config } from "../config/config.ts";
import type { Store } from "../store/contract.ts";

export const SIMULATED_PROVIDER = "simulated";

/** Shown once. */
export type Demo = { readonly token: string; readonly model: string };

const CHAT_MODEL = "sim-small";
const MODELS = [CHAT_MODEL, "sim-large", "sim-embed"] as const;

const STARTED_BEFORE = "started_before";

/**
 * Never in production, and only at the first start on an empty data directory: what is deleted stays
 * so. Asking is remembered before anything is made: a start that dies in the middle must not meet its
 * own half of a demo at the next one.
 */
export async function isDemoDue(config: Config, store: Store): Promise<boolean> {
  const isFirstStart = (await store.setting(STARTED_BEFORE)) === null;
  if (isFirstStart) await store.setSetting(STARTED_BEFORE, "yes");
  if (!isFirstStart || config.demo === "off" || config.production) return false;
  const { tenants, providers } = await store.configuration();
  return tenants.length === 0 && providers.length === 0;
}

export async function createDemo(admin: Admin): Promise<Demo> {
  const tenant = made(await admin.tenants.create({ name: "demo" }));
  const token = made(await admin.tokens.create({ tenant_id: tenant.id, name: "demo" }));
  const scope = { type: "token", id: token.id } as const;
  made(await admin.budgets.create({ scope, amount_usd: "1.00", window: "day" }));
  made(await admin.limits.create({ scope, requests_per_minute: 600, tokens_per_minute: 200_000 }));
  for (const model of MODELS) {
    const targets = [{ provider: SIMULATED_PROVIDER, model }];
    made(await admin.routes.create({ model, strategy: "priority", targets }));
  }
  return { token: token.token, model: CHAT_MODEL };
}

/** On an empty data directory nothing is in the way of the demo: a refusal is a bug of ours. */
function made<T>(verdict: AdminVerdict<T>): T {
  assert(verdict.allowed, "a demo object was refused");
  return verdict.value;
}
