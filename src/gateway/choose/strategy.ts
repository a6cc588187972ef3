/**
 * Which strategy orders a request's candidates: the one its header asks for, else its tenant's, else the
 * route's. The header `default` asks for the route's own, whatever the tenant has.
 */
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { RouteRow } from "../../store/contract.ts";

const STRATEGY_HEADER = "x-tollgate-strategy";

type StrategyName = RouteRow["strategy"];

/** What clients may ask for; least_busy, weighted and priority are an operator's to choose. */
const ASKABLE = ["fastest", "cheapest", "reliable", "default"] as const;

export type StrategyAsked = (typeof ASKABLE)[number];

export type StrategyChosen = {
  readonly name: StrategyName;
  /** Who chose it. */
  readonly from: "header" | "tenant" | "route";
};

/** null: the request does not say. */
export function strategyAsked(headers: Headers): Verdict<StrategyAsked | null> {
  const value = headers.get(STRATEGY_HEADER);
  if (value === null) return allow(null);
  const asked = ASKABLE.find((one) => one === value.trim().toLowerCase());
  if (asked !== undefined) return allow(asked);
  return refuse("invalid_request", `${STRATEGY_HEADER} must be one of ${ASKABLE.join(", ")}.`, {
    param: STRATEGY_HEADER,
  });
}

export function strategyFor(
  asked: StrategyAsked | null,
  tenants: StrategyName | undefined,
  routes: StrategyName,
): StrategyChosen {
  if (asked !== null && asked !== "default") return { name: asked, from: "header" };
  if (asked === null && tenants !== undefined) return { name: tenants, from: "tenant" };
  return { name: routes, from: "route" };
}
