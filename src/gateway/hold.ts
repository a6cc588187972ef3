/** A hold for a further attempt: the same question to the tenant's actor, about budgets only. */
import { newId } from "../base/ids.ts";
import { allow, type Verdict } from "../base/verdict.ts";
import type { Admitted } from "./admit.ts";
import type { TakenHold } from "./attempt-plan.ts";
import { holdOptions } from "./estimate.ts";
import { unlessStopped, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import type { Candidate } from "./resolve.ts";

export async function holdAgain(
  gateway: Gateway,
  exchange: Exchange,
  { principal, request }: Admitted,
  candidate: Candidate,
): Promise<Verdict<TakenHold>> {
  const { directory, clock, random } = gateway;
  const { scopes } = principal;
  let tenant = directory.tenants.ready(scopes.tenantId);
  while (tenant instanceof Promise) {
    await unlessStopped(exchange, tenant);
    // Asked again: before it was our turn, the next edit may have retired what was built.
    tenant = directory.tenants.ready(scopes.tenantId);
  }
  const attemptId = newId("attempt", random);
  const heldAtMs = clock.nowMs();
  const verdict = directory.tenants.hold(tenant, scopes, {
    type: "attempt.hold",
    exchangeId: exchange.id,
    attemptId,
    options: holdOptions(tenant, scopes.tokenId, request, candidate),
    atMs: heldAtMs,
  });
  if (!verdict.allowed) return verdict;
  const { heldNanoUsd, outputTokensCap } = verdict.value;
  return allow({ attemptId, heldNanoUsd, outputTokensCap, heldAtMs });
}
