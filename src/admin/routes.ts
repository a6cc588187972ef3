/** Routes: public model names. Targets are kept by provider id, so that a provider may be renamed. */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import type { RouteRow, Store } from "../store/contract.ts";
import { configured, type Configured } from "./configured.ts";
import type { AdminDeps } from "./deps.ts";
import { namesOf, providerNamed } from "./names.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import { editedTerms, showTerms } from "./route-terms.ts";
import { readTarget, refusalOfTargets, showTarget } from "./route-targets.ts";
import type { Route, RouteChange, RouteFilter, RouteInput } from "./shapes/route.ts";
import { named } from "./write.ts";

type RouteTarget = RouteRow["targets"][number];

export type Routes = Configured<Route, RouteInput, RouteChange, RouteFilter>;

export function createRoutes(deps: AdminDeps): Routes {
  const { store } = deps;
  return configured(deps, "routes", {
    rowOf: async (input: RouteInput) => {
      const targets = await readTargets(store, input.targets);
      if (!targets.allowed) return targets;
      const terms = editedTerms({}, input);
      if (!terms.allowed) return terms;
      return allow({
        id: newId("route", deps.random),
        model: input.model,
        tenantId: input.tenant_id ?? null,
        strategy: input.strategy ?? "priority",
        targets: targets.value,
        terms: terms.value,
        version: 1,
        createdAtMs: deps.clock.nowMs(),
      });
    },
    editOf: (change: RouteChange) => async (current) => {
      const { model, strategy, targets: inputs, ...terms } = change;
      const targets = inputs === undefined ? allow(undefined) : await readTargets(store, inputs);
      if (!targets.allowed) return targets;
      const edited =
        Object.keys(terms).length === 0 ? allow(undefined) : editedTerms(current.terms, terms);
      if (!edited.allowed) return edited;
      return allow(
        named<RouteRow>({ model, strategy, targets: targets.value, terms: edited.value }),
      );
    },
    whereOf: (filter: RouteFilter) =>
      named<RouteRow>({ model: filter.model, tenantId: filter.tenant_id }),
    show: (rows) => showRoutes(store, rows),
  });
}

async function readTargets(
  store: Store,
  inputs: RouteInput["targets"],
): Promise<AdminVerdict<RouteTarget[]>> {
  const refused = refusalOfTargets(inputs);
  if (refused !== null) return refused;
  const targets: RouteTarget[] = [];
  for (const [place, input] of inputs.entries()) {
    const provider = await providerNamed(store, input.provider);
    if (provider === null) {
      const sentence = `targets.${place}.provider: there is no provider ${input.provider}.`;
      return refuse("unprocessable", sentence, `/targets/${place}/provider`);
    }
    targets.push(readTarget(provider.id, input));
  }
  if (targets.every(({ use }) => use !== undefined)) {
    return refuse("unprocessable", "targets must hold one whose use is serve.", "/targets");
  }
  return allow(targets);
}

async function showRoutes(store: Store, rows: readonly RouteRow[]): Promise<Route[]> {
  const ids = rows.flatMap((row) => row.targets.map((target) => target.providerId));
  const names = await namesOf(store, "providers", ids);
  return rows.map((row) => ({
    id: row.id,
    model: row.model,
    tenant_id: row.tenantId,
    strategy: row.strategy,
    targets: row.targets.map((target) =>
      showTarget(names.get(target.providerId) ?? target.providerId, target),
    ),
    ...showTerms(row.terms),
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  }));
}
