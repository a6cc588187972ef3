/**
 * Everything that was tried for a request, in order: attempts as they were settled, and candidates that
 * were passed by, with why. For the request row, and for the one error that we make when nobody answered.
 * It names providers and models, which operators chose, and never a host, a credential or a body.
 */
import { laneHealth } from "../../actors/provider.ts";
import { LIMITS } from "../base/limits.ts";
import type { Refusal } from "../base/verdict.ts";
import type { AttemptNote } from "../store/contract.ts";
import type { Resting } from "./choose/health.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import type { Candidate } from "./resolve.ts";

/** A provider whose address refused: nothing was sent, and the ledger knows nothing of it. */
export function noteUnreachable(
  gateway: Gateway,
  exchange: Exchange,
  candidate: Candidate,
  outcome: string,
  startedMonotonicMs: number,
): void {
  const latencyMs = gateway.clock.monotonicMs() - startedMonotonicMs;
  noteUnmade(gateway, exchange, candidate, outcome, latencyMs);
}

/** A candidate that took no attempt, or whose attempt the owners' budgets did not allow. */
export function noteRefused(
  gateway: Gateway,
  exchange: Exchange,
  candidate: Candidate,
  { code }: Refusal,
): void {
  const { restsFor } = laneHealth(candidate.lane.handle, gateway.clock.nowMs());
  const isResting = code === "provider_unavailable" && restsFor !== null;
  noteUnmade(gateway, exchange, candidate, `refused_${isResting ? restsFor : code}`, 0);
}

/** Nobody could take the request: who rests, and for what. */
export function noteResting(
  gateway: Gateway,
  exchange: Exchange,
  resting: readonly Resting[],
): void {
  for (const { candidate, health } of resting) {
    noteUnmade(gateway, exchange, candidate, `refused_${health.restsFor ?? "resting"}`, 0);
  }
}

function noteUnmade(
  { metrics }: Gateway,
  exchange: Exchange,
  { provider, model }: Candidate,
  outcome: string,
  latencyMs: number,
): void {
  const note = { provider: provider.row.name, model, outcome, status: null, latencyMs };
  exchange.notes.push(note);
  metrics.attemptNotMade(note);
}

/** null where one attempt was made and answered: the row itself says all of it. */
export function notesForRow({ notes }: Exchange): readonly AttemptNote[] | null {
  if (notes.length === 0 || (notes.length === 1 && notes[0]?.outcome === "ok")) return null;
  return notes
    .slice(0, LIMITS.attemptNotesMax)
    .map(({ provider, model, outcome, status, latencyMs }) => {
      return { provider, model, outcome, status, latencyMs: Math.round(latencyMs) };
    });
}

/** A sentence that lists what was tried; empty when nothing was. */
export function attemptsTold({ notes }: Pick<Exchange, "notes">): string {
  if (notes.length === 0) return "";
  const told = notes.slice(0, LIMITS.attemptsToldMax).map(sentenceOf);
  const more = notes.length - told.length;
  if (more > 0) told.push(`and ${more} more`);
  return ` Tried: ${told.join("; ")}.`;
}

function sentenceOf({ provider, model, outcome, status, latencyMs }: AttemptNote): string {
  const name = `${provider}/${model}`.slice(0, LIMITS.attemptNameCharsMax);
  const answered = status === null || outcome === `status_${status}` ? "" : ` (status ${status})`;
  return `${name} ${outcome}${answered} after ${Math.round(latencyMs)} ms`;
}
