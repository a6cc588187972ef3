/** What the next attempt is given: its hold in the owners' actors, for the candidate it asks. */
import type { Refusal } from "../base/verdict.ts";
import type { ContinuableWatch } from "../dialects/contract.ts";
import type { Admitted } from "./admit.ts";
import { noteRefused } from "./attempt-notes.ts";
import type { AttemptPlan, AttemptTarget, TakenHold } from "./attempt-plan.ts";
import type { Exchange, Stoppable } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { holdAgain } from "./hold.ts";

/**
 * `firstHold` was taken with the admission; null: a further attempt takes its own. `run` stops the wait
 * for it.
 */
export async function planAttempt(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  admitted: Admitted,
  target: AttemptTarget,
  firstHold: TakenHold | null,
): Promise<AttemptPlan | { readonly refusal: Refusal }> {
  const startedMonotonicMs = gateway.clock.monotonicMs();
  const hold = firstHold ?? (await furtherHold(gateway, exchange, run, admitted, target));
  if ("refusal" in hold) return hold;
  const watch = continuableWatch(exchange, admitted, target);
  const sentMonotonicMs = startedMonotonicMs;
  return { ...hold, ...target, startedMonotonicMs, sentMonotonicMs, isHeld: false, watch };
}

/** null: what comes of a stream is not gone on with when it breaks off. */
function continuableWatch(
  { call }: Exchange,
  { candidates, request, terms }: Admitted,
  { candidate }: AttemptTarget,
): ContinuableWatch | null {
  if (terms.retries?.continueStreams !== true || !request.stream) return null;
  const isAble = candidates.some(({ target }) => target?.continues !== undefined);
  return isAble ? call.codec.watchContinuable(request, candidate.provider.quirks) : null;
}

async function furtherHold(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  { principal, routeId, request }: Admitted,
  { candidate }: AttemptTarget,
): Promise<TakenHold | { readonly refusal: Refusal }> {
  const wanted = { scopes: principal.scopes, routeId, request };
  const taken = await holdAgain(gateway, exchange, run, wanted, candidate);
  if (taken.allowed) return taken.value;
  noteRefused(gateway, exchange, candidate, taken.refusal);
  return { refusal: taken.refusal };
}
