/**
 * Says how a request would be served, by the very functions that serve it: what they look at is only
 * looked at, and nothing is left to chance. What happens to attempts after that (budgets of providers,
 * permits, failures) is not foretold.
 */
import { laneService } from "../../../actors/provider.ts";
import type { TenantHandle } from "../../../actors/tenant.ts";
import type { NanoUsd } from "../../base/units.ts";
import { allow, type Verdict } from "../../base/verdict.ts";
import { codecOf } from "../../dialects/catalogue.ts";
import type { Surface } from "../../dialects/surfaces.ts";
import type { RouteRow, TenantRow } from "../../store/contract.ts";
import type { Candidate, Fallbacks, Resolved } from "../resolve.ts";
import type { Ask } from "./ask.ts";
import { choose, chooseFallbacks, type Chosen } from "./choose.ts";
import {
  REST_REASONS,
  SENTENCES,
  type Explained,
  type ExplainAsk,
  type ExplainedCandidate,
  type ExplainReason,
} from "./explained.ts";
import { likelyCosts } from "./likely-cost.ts";
import { strategyAsked, strategyFor } from "./strategy.ts";
import { groupsOf, levelsOf } from "./target-group.ts";

/** The route and who asks, as they are at this moment. */
export type ExplainFacts = {
  readonly route: RouteRow;
  readonly surface: Surface;
  /** With prices of what is given there. */
  readonly resolved: Resolved;
  readonly tenant: TenantRow | null;
  readonly handle: TenantHandle | null;
  readonly providerNamed: (id: string) => { readonly name: string; readonly enabled: boolean };
  readonly atMs: number;
};

/** Refuses with `invalid_request` or `invalid_json`, as the request itself would be refused. */
export function explain(asked: ExplainAsk, facts: ExplainFacts): Verdict<Explained> {
  const { resolved, tenant } = facts;
  const headers = new Headers(asked.headers);
  const wanted = strategyAsked(headers);
  if (!wanted.allowed) return wanted;
  const body = { model: resolved.route, ...asked.body };
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  // Where the path names the model, it is the route's; elsewhere nobody looks at it.
  const accepted = codecOf(facts.surface).accept(bytes, { model: resolved.route });
  if (!accepted.allowed) return accepted;
  const ask: Ask = {
    request: accepted.value,
    headers,
    tenantId: tenant?.id ?? "",
    tokenId: asked.tokenId ?? "",
    priorityClass: tenant?.terms.priorityClass ?? "default",
    tenant: facts.handle,
    strategy: strategyFor(wanted.value, tenant?.terms.strategy, resolved.strategy),
    draw: null,
    atMs: facts.atMs,
  };
  const chosen = choose(resolved, ask);
  const show = showing(resolved, ask);
  return allow({
    strategy: ask.strategy,
    isSticky: resolved.terms.sticky === undefined ? null : chosen.conversation !== null,
    candidates: [
      ...served(chosen, ask, show),
      ...besides(resolved, chosen, ask, show),
      ...never(facts),
    ],
  });
}

function served(chosen: Chosen, ask: Ask, show: Show): ExplainedCandidate[] {
  const { available, resting, left } = chosen;
  return [
    ...available.map((candidate, place) => {
      const verdict = place === 0 ? ("taken" as const) : ("next" as const);
      return show(candidate, verdict, orderReason(candidate, chosen, ask));
    }),
    ...resting.map(({ candidate, health }) => {
      const reason = health.restsFor === null ? "breaker" : REST_REASONS[health.restsFor];
      return { ...show(candidate, "left", reason), availableAtMs: health.availableAtMs };
    }),
    ...left.map(({ candidate, reason }) => show(candidate, "left", reason)),
  ];
}

function orderReason(candidate: Candidate, chosen: Chosen, { strategy }: Ask): ExplainReason {
  if (chosen.isLastResort) return "last_resort";
  if (chosen.canary !== null && candidate.target === chosen.canary) return "canary_share";
  const isPlaced = strategy.name !== "priority" && strategy.from !== "header";
  return chosen.conversation !== null && isPlaced ? "sticky" : "strategy";
}

/** Fallbacks in their order, those that are not for this request behind them; then shadows. */
function besides(
  resolved: Resolved,
  { conversation }: Chosen,
  ask: Ask,
  show: Show,
): ExplainedCandidate[] {
  const fallbacks = chooseFallbacks(resolved, conversation, ask);
  const kinds: readonly (keyof Fallbacks)[] = ["context_window", "content_filter"];
  const ofKinds = kinds.flatMap((kind) => {
    const mine = { ...resolved, candidates: resolved.fallbacks[kind] };
    const left = choose(mine, ask).left.filter(({ reason }) => reason !== "canary");
    return [
      ...fallbacks[kind].map((candidate) => show(candidate, "left", `fallback_${kind}`)),
      ...left.map(({ candidate, reason }) => show(candidate, "left", reason)),
    ];
  });
  return [...ofKinds, ...resolved.shadows.map((one) => show(one, "left", "shadow"))];
}

/** Targets without a candidate: a provider that is switched off, or a model without a price. */
function never({ route, resolved, providerNamed }: ExplainFacts): ExplainedCandidate[] {
  const { candidates, fallbacks, shadows } = resolved;
  const { context_window: longer, content_filter: laxer } = fallbacks;
  const known = new Set([...candidates, ...longer, ...laxer, ...shadows].map((one) => one.target));
  return route.targets
    .filter((target) => !known.has(target))
    .map((target) => {
      const { name, enabled } = providerNamed(target.providerId);
      return {
        provider: name,
        model: target.model,
        lane: null,
        use: target.use ?? "serve",
        verdict: "left",
        reason: why(enabled ? "unpriced" : "disabled"),
        score: null,
        availableAtMs: null,
      };
    });
}

function why(code: ExplainReason): ExplainedCandidate["reason"] {
  return { code, sentence: SENTENCES[code] };
}

type Show = (
  candidate: Candidate,
  verdict: ExplainedCandidate["verdict"],
  reason: ExplainReason,
) => ExplainedCandidate;

function showing({ candidates, fallbacks, shadows }: Resolved, ask: Ask): Show {
  const costs = new Map<Candidate, NanoUsd>();
  for (const list of [candidates, ...Object.values(fallbacks), shadows]) addCosts(costs, list, ask);
  return (candidate, verdict, reason) => {
    const { provider, model, lane, target } = candidate;
    const { firstTokenMs, failureShare, inFlight } = laneService(lane.handle, ask.atMs);
    const costNanoUsd = costs.get(candidate) ?? 0;
    const weight = target?.weight ?? 1;
    return {
      provider: provider.row.name,
      model,
      lane: lane.position,
      use: target?.use ?? "serve",
      verdict,
      reason: why(reason),
      score: { firstTokenMs, failureShare, costNanoUsd, inFlight, weight },
      availableAtMs: null,
    };
  };
}

/** Compared among the targets of one priority, as the strategy does. */
function addCosts(
  costs: Map<Candidate, NanoUsd>,
  candidates: readonly Candidate[],
  ask: Ask,
): void {
  for (const level of levelsOf(groupsOf(candidates, ask.atMs))) {
    const ofLevel = likelyCosts(level, ask);
    for (const [place, { lanes }] of level.entries()) {
      for (const lane of lanes) costs.set(lane, ofLevel[place] ?? 0);
    }
  }
}
