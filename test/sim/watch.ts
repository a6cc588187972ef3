/**
 * Looks at the living gateway from outside, as an operator does, and has the oracle judge what is
 * shown: after events, and thoroughly when everything is at rest.
 */
import { tenantBudgets, tenantKnows, tenantLimits } from "../../actors/tenant.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { chargeNanoUsd } from "./charge.ts";
import { bodyOf } from "./client.ts";
import type { LedgerView } from "./ledger-view.ts";
import { checkBooks, checkTruth } from "./oracle-rest.ts";
import { accountFor, isInScope } from "./in-scope.ts";
import type { Oracle } from "./oracle.ts";
import { Violation } from "./oracle-types.ts";
import { GOOD, STAYING, type Arrival } from "./plan.ts";
import { PROVIDERS, RATES, RESIDENTS, ROUTE_IDS } from "./town.ts";

/** True when nothing is on its way to the ledger, so that what is shown had to agree with it. */
export function checkShown(
  gateway: Gateway,
  oracle: Oracle,
  wallMs: number,
  isAtRest: boolean,
): boolean {
  if (gateway.store.ledger.queued() > 0) return false;
  for (const [owner, handle] of gateway.directory.owners.loaded()) {
    // Where the clock went to times that the actor knows nothing of, it is built anew when asked.
    if (!tenantKnows(handle, wallMs)) continue;
    const whose = { endUserId: owner.type === "end_user" ? owner.endUserId : null };
    for (const shown of tenantBudgets(handle, wallMs)) {
      const terms = oracle.rules.budgetNow(shown.budgetId);
      if (terms !== null) oracle.checkShown(shown, accountFor(terms, whose), isAtRest);
    }
  }
  return true;
}

/** Everything has ended: the books are closed, and nobody holds anything. */
export function checkRest(
  gateway: Gateway,
  oracle: Oracle,
  view: LedgerView,
  wallMs: number,
): void {
  checkBooks(oracle, view);
  checkTruth(oracle);
  checkShown(gateway, oracle, wallMs, true);
  const taken: [what: string, count: number][] = [
    ["exchanges", gateway.lifecycle.inFlightCount()],
    ["armed deadlines", gateway.watchdog.armedCount()],
  ];
  for (const [, handle] of gateway.directory.owners.loaded()) {
    for (const { limitId, inFlight } of tenantLimits(handle, wallMs)) {
      taken.push([`slots of ${limitId}`, inFlight]);
    }
  }
  for (const { row } of gateway.directory.providers()) {
    taken.push([`slots of ${row.name}`, gateway.directory.providerHealth(row.id).inFlight]);
  }
  for (const [what, count] of taken) {
    if (count !== 0) throw new Violation("rest", `${what}: ${count} at rest`);
  }
}

/** What is under way, for a message. */
export function describe(gateway: Gateway | null): string {
  if (gateway === null) return "nothing runs";
  const { lifecycle, store } = gateway;
  return `in flight ${lifecycle.inFlightCount()}, queued ${store.ledger.queued()}, health ${JSON.stringify(store.health())}`;
}

/** A small request of one access token, for seeing whether the gateway still serves. */
export function probeOf(resident: number): Arrival {
  return {
    number: 10_000 + resident,
    atMs: 0,
    resident,
    route: "quick",
    stream: false,
    maxTokens: PROBE_TOKENS,
    choices: 1,
    padding: 3,
    endUser: null,
    client: STAYING,
    scripts: [GOOD],
  };
}

const PROBE_TOKENS = 5;

function cost(inputTokens: number): number {
  return chargeNanoUsd({ inputTokens, cachedTokens: 0, generatedTokens: PROBE_TOKENS }, RATES.fast);
}

/** Whether a probe must be served; null when both answers are right. */
export function mustServe(
  oracle: Oracle,
  view: LedgerView,
  probe: Arrival,
  number: number,
  wallMs: number,
): boolean | null {
  const one = RESIDENTS[probe.resident];
  if (one === undefined) throw new Error(`nobody is number ${probe.resident}`);
  if (view.suspendedTenants().has(one.tenantId)) return false;
  const used = view.requestCounts().get(one.tokenId) ?? 0;
  if (one.requestsMax !== null && used >= one.requestsMax) return false;
  const where = {
    ...one,
    endUserId: null,
    routeId: ROUTE_IDS["quick"] ?? null,
    providerId: PROVIDERS.near,
  };
  const free = oracle.rules
    .budgetsNow()
    .filter((terms) => isInScope(where, terms))
    .flatMap((terms) => oracle.freeOf(terms, wallMs) ?? []);
  if (free.some((left) => left < cost(0))) return false;
  const price = view.rules().prices.find(({ id }) => id === "fast");
  if (price?.inputPicoUsd !== RATES.fast.inputPicoUsd) return null;
  const worst = cost(bodyOf(probe, number).length);
  if (view.disabledProviders() > 0) return null;
  return free.every((left) => left >= worst) ? true : null;
}
