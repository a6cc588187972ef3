/** The hold of a shadow: in the budgets that span tenants, for the house; without it nothing is sent. */
import { newId } from "../../base/ids.ts";
import { HOUSE_SCOPES } from "../../base/scope.ts";
import type { TakenHold } from "../attempt-plan.ts";
import { holdOptions } from "../estimate.ts";
import { unlessStopped, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import type { Candidate } from "../resolve.ts";
import type { Mirrored } from "./shadows.ts";

/** null: a budget refuses, or cannot be kept. */
export async function holdShadow(
  gateway: Gateway,
  exchange: Exchange,
  { request, routeId }: Mirrored,
  candidate: Candidate,
): Promise<TakenHold | null> {
  const { clock, directory, random, store } = gateway;
  const { owners } = directory;
  const scopes = { ...HOUSE_SCOPES, routeId, providerId: candidate.provider.row.id };
  if (store.isFrozen() && directory.isBounded(scopes)) return null;
  const ready = owners.ready({ type: "everyone" });
  if (ready instanceof Promise) await unlessStopped(exchange, ready);
  // Asked again after the wait: an edit may have retired what was built.
  const everyone = owners.ready({ type: "everyone" });
  if (everyone instanceof Promise) return null;
  const attemptId = newId("attempt", random);
  const atMs = clock.nowMs();
  const exchangeId = exchange.id;
  const options = holdOptions(everyone, scopes.tokenId, request, candidate);
  const verdict = everyone.ask({
    type: "attempt.hold",
    exchangeId,
    attemptId,
    scopes,
    options,
    atMs,
  });
  if (!verdict.allowed) return null;
  const { heldNanoUsd, outputTokensCap } = verdict.value;
  owners.noteHeld({ attemptId, exchangeId, scopes, heldNanoUsd, heldAtMs: atMs });
  return {
    attemptId,
    scopes,
    heldNanoUsd,
    stopsAtHoldNanoUsd: null,
    outputTokensCap,
    heldAtMs: atMs,
  };
}
