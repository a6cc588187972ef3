/** The models that an access token may call by name: the routes its tenant sees and it allows. */
import { isModelAllowed } from "./admit.ts";
import type { Principal } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import type { Candidate } from "./resolve.ts";

export type CallableModel = {
  readonly name: string;
  readonly createdAtMs: number;
  /** The provider of the route's first target. */
  readonly ownedBy: string;
  /** Of that target, as far as its price knows them. */
  readonly contextTokensMax: number | null;
  readonly outputTokensMax: number | null;
};

/** By name; only models with at least one enabled and priced target. */
export function listModels(gateway: Gateway, { tenant, token }: Principal): CallableModel[] {
  const { directory } = gateway;
  const models = new Map<string, CallableModel>();
  for (const { model, createdAtMs } of directory.modelsOf(tenant.id)) {
    if (!isModelAllowed(token.allowedModels, model)) continue;
    const first = directory.resolve(tenant.id, model)?.candidates[0];
    if (first === undefined) continue;
    models.set(model, callable(model, createdAtMs, first));
  }
  return [...models.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** One model by name, direct targets (`provider-name/upstream-model`) included. */
export function findModel(
  gateway: Gateway,
  { tenant, token }: Principal,
  name: string,
): CallableModel | null {
  if (!isModelAllowed(token.allowedModels, name)) return null;
  const first = gateway.directory.resolve(tenant.id, name)?.candidates[0];
  if (first === undefined) return null;
  return callable(name, first.provider.row.createdAtMs, first);
}

function callable(
  name: string,
  createdAtMs: number,
  { provider, price: { contextTokensMax, outputTokensMax } }: Candidate,
): CallableModel {
  const ownedBy = provider.row.name;
  return { name, createdAtMs, ownedBy, contextTokensMax, outputTokensMax };
}
