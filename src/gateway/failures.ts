/**
 * What went wrong in an exchange so far: what the client is told when nothing else comes, where
 * attempts failed, and what the exchange's actor hears of each failure.
 */
import type { ExchangeEvent } from "../../actors/exchange-contract.ts";
import { assertNever } from "../base/assert.ts";
import { ERRORS } from "../base/error.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult, Failure } from "./attempt-result.ts";
import { fallbackRange } from "./candidates.ts";
import { classifyBroken, clockOf } from "./classify.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { goesOn } from "./jobs/goes-on.ts";
import { failureReply } from "./reply.ts";
import type { Candidate } from "./resolve.ts";

/** An attempt that brought no answer. */
export type Unanswered = Exclude<AttemptResult, { kind: "answer" | "stream" }>;

export function isUnanswered(result: AttemptResult): result is Unanswered {
  return result.kind !== "answer" && result.kind !== "stream";
}

export class Failures {
  #told: Failure = { kind: "stopped", progress: "unheld", outputTokensSeen: 0 };
  #served: Exchange["served"] = null;
  readonly #providerIds: string[] = [];

  /** `candidate` null: nobody was asked, for the owners' budgets refused. */
  note(failure: Failure, candidate: Candidate | null): void {
    if (candidate !== null && isOfProvider(failure)) {
      this.#providerIds.push(candidate.provider.row.id);
    }
    if (!isWorthTelling(failure, this.#told)) return;
    this.#told = failure;
    if (candidate === null || failure.kind === "refused") return;
    this.#served = { provider: candidate.provider.row.name, model: candidate.model };
  }

  /** Whether an attempt failed at this candidate's provider. */
  hasFailedAt({ provider }: Candidate): boolean {
    return this.#providerIds.includes(provider.row.id);
  }

  /** The final answer, in the name of whoever it comes from. */
  reply(exchange: Exchange): Reply {
    exchange.served = this.#served ?? exchange.served;
    return failureReply(exchange, this.#told);
  }
}

function isOfProvider({ kind }: Failure): boolean {
  return kind === "failed" || kind === "unreachable";
}

/**
 * A provider's own words tell the client more than that a later candidate had no room; and that the
 * request itself is at fault tells more than how somebody else failed at it afterwards.
 */
function isWorthTelling(after: Failure, before: Failure): boolean {
  if (before.kind !== "failed") return true;
  if (after.kind === "refused") return false;
  const { verbatim, classification } = before;
  return verbatim === null || classification.retry !== "never";
}

/** What the exchange's actor is told. */
export function eventOf(
  gateway: Gateway,
  admitted: Admitted,
  { candidateIndex }: AttemptPlan,
  result: Unanswered,
): ExchangeEvent {
  const atMs = gateway.clock.nowMs();
  switch (result.kind) {
    case "refused":
      return { type: "candidate.refused", atMs };
    case "stopped":
      return { type: "client.left", atMs };
    case "unreachable":
    case "failed": {
      const { kind, fallback, ...classified } = classificationOf(result);
      const range = fallback === null ? null : fallbackRange(admitted, fallback);
      const isThere = range !== null && range.first <= candidateIndex && candidateIndex < range.end;
      return {
        type: "attempt.failed",
        // Among those kept for such requests, the next may do what this one could not.
        retry: isThere ? "other" : mayRepeat(admitted, result) ? classified.retry : "never",
        instead: isThere ? null : range,
        throttled: kind === "throttled",
        retryAfterMs: result.kind === "failed" ? result.retryAfterMs : null,
        jitter: gateway.random.unit(),
        atMs,
      };
    }
    default:
      return assertNever(result);
  }
}

type Failed = Extract<Unanswered, { kind: "failed" | "unreachable" }>;

function classificationOf(result: Failed): Extract<Failed, { kind: "failed" }>["classification"] {
  return result.kind === "failed" ? result.classification : classifyBroken(result.why);
}

/**
 * What goes on although its answer was lost is not begun again. A route may restrict what is repeated; a
 * failure without a status has the one a client would get.
 */
function mayRepeat({ request, terms }: Admitted, result: Failed): boolean {
  if (goesOn(request) && isLost(result)) return false;
  const statuses = terms.retries?.statuses;
  return statuses === undefined || statuses.includes(statusOf(result));
}

function isLost(result: Failed): boolean {
  const wasSent = classificationOf(result).billed !== "no";
  return wasSent && result.kind === "failed" && result.verbatim === null;
}

function statusOf(result: Failed): number {
  if (result.kind === "failed" && result.verbatim !== null) return result.verbatim.status;
  const isTimeout = clockOf(classificationOf(result).outcome) !== null;
  return ERRORS[isTimeout ? "upstream_timeout" : "upstream_error"].status;
}
