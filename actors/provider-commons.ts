/**
 * What all lanes of a provider share: its retry budget, what is under way, and what was learned of it.
 * It is one structure that each lane's actor gets with its input and changes in its own actions only.
 * That needs no actor of its own: one event loop runs one action at a time, and a permit that would ask
 * two actors would cost twice. Attempts are ids, not a count, so that an actor that dies in the middle
 * of a turn and is followed by another never loses or doubles one. How many may run is the gate's affair.
 *
 * Bounds: attempts are as many as are in flight; what was learned has its own.
 */
import type { LearnedInputs } from "./policy/learned-input.ts";
import { createRetryBudget, type RetryBudget } from "./policy/retry-budget.ts";
import type { LearnedServices } from "./policy/service.ts";
import { REFUSAL_CAUSES, type RefusalCause } from "./provider-causes.ts";

export type ProviderCommons = {
  readonly providerId: string;
  /** Attempts on any lane. */
  readonly inFlight: Set<string>;
  readonly retryBudget: RetryBudget;
  readonly learnedInputs: LearnedInputs;
  readonly services: LearnedServices;
  /** Permits that were refused, by cause, since the process started. */
  readonly refused: Record<RefusalCause, number>;
};

export type CommonsInput = {
  readonly providerId: string;
  /** What was learned in an earlier run, handed over as a whole. */
  readonly learnedInputs?: LearnedInputs;
  readonly services?: LearnedServices;
  readonly atMs: number;
};

export function createProviderCommons(input: CommonsInput): ProviderCommons {
  const { providerId, learnedInputs, services, atMs } = input;
  return {
    providerId,
    inFlight: new Set(),
    retryBudget: createRetryBudget(atMs),
    learnedInputs: learnedInputs ?? new Map(),
    services: services ?? new Map(),
    refused: noneRefused(),
  };
}

function noneRefused(): Record<RefusalCause, number> {
  return Object.fromEntries(REFUSAL_CAUSES.map((cause) => [cause, 0])) as Record<
    RefusalCause,
    number
  >;
}
