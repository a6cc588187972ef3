/**
 * The models that an access token may call by name in a client's wire language: the routes its tenant sees
 * and it allows, with a target that serves the language for a price. Without one every call would be refused.
 */
import type { DialectName } from "../base/dialect.ts";
import { metersOf, type Surface, SURFACES } from "../dialects/surfaces.ts";
import { isModelAllowed } from "./admit.ts";
import type { Principal } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { pricesAny } from "./prices/price.ts";
import type { Candidate } from "./resolve.ts";

export type CallableModel = {
  readonly name: string;
  readonly createdAtMs: number;
  /** The provider of the first target that serves it. */
  readonly ownedBy: string;
  /** Of that target, as far as its price knows them. */
  readonly contextTokensMax: number | null;
  readonly outputTokensMax: number | null;
  /** What the providers that serve it may be asked. */
  readonly surfaces: ReadonlySet<Surface>;
};

/** By name. */
export function listModels(
  gateway: Gateway,
  principal: Principal,
  dialect: DialectName,
): CallableModel[] {
  const models = new Map<string, CallableModel>();
  for (const { model, createdAtMs } of gateway.directory.modelsOf(principal.tenant.id)) {
    const callable = findModel(gateway, principal, dialect, model);
    if (callable !== null) models.set(model, { ...callable, createdAtMs });
  }
  return [...models.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * One model by name, direct targets (`provider-name/upstream-model`) included, and as old as its provider is
 * here; null: it is not callable.
 */
export function findModel(
  { directory }: Gateway,
  { tenant, token }: Principal,
  dialect: DialectName,
  name: string,
): CallableModel | null {
  if (!isModelAllowed(token.allowedModels, name)) return null;
  const { candidates = [] } = directory.resolve(tenant.id, name, [], true) ?? {};
  const serving = candidates.flatMap((candidate) => {
    const surfaces = servedOn(candidate, dialect);
    return surfaces.length === 0 ? [] : [{ candidate, surfaces }];
  });
  const [first] = serving;
  if (first === undefined) return null;
  const { provider, price } = first.candidate;
  return {
    name,
    createdAtMs: provider.row.createdAtMs,
    ownedBy: provider.row.name,
    contextTokensMax: price.contextTokensMax,
    outputTokensMax: price.outputTokensMax,
    surfaces: new Set(serving.flatMap(({ surfaces }) => surfaces)),
  };
}

/** What its provider may be asked in a language, if any of it is served for a price; else nothing. */
function servedOn({ provider, price }: Candidate, dialect: DialectName): readonly Surface[] {
  const served = [...provider.surfaces].filter((surface) => SURFACES[surface].dialect === dialect);
  // What is free is so whatever the model.
  const isPriced = (surface: Surface): boolean =>
    pricesAny(
      price,
      metersOf(surface).filter((meter) => meter !== "free"),
    );
  return served.some(isPriced) ? served : [];
}
