/** The hedge budgets of the routes that hedge, by route. A route that is gone costs a few numbers. */
import {
  countRequest,
  createHedgeBudget,
  takeHedge,
  type HedgeBudget,
} from "../../actors/policy/hedge-budget.ts";

export class Hedges {
  readonly #byRoute = new Map<string, HedgeBudget>();

  /** A request of a route that hedges began. */
  countRequest(routeId: string, atMs: number): void {
    countRequest(this.#budgetOf(routeId), atMs);
  }

  /** False when the route's share is used up; else the hedge is counted. */
  take(routeId: string, percentMax: number, atMs: number): boolean {
    return takeHedge(this.#budgetOf(routeId), percentMax, atMs);
  }

  #budgetOf(routeId: string): HedgeBudget {
    const known = this.#byRoute.get(routeId);
    if (known !== undefined) return known;
    const created = createHedgeBudget();
    this.#byRoute.set(routeId, created);
    return created;
  }
}
