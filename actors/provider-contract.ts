/** What goes into a provider's actors and what comes out of them, as data. */
import type { Verdict } from "../src/base/verdict.ts";
import type { LearnedInputs } from "./policy/learned-input.ts";

export type ProviderInput = {
  readonly providerId: string;
  readonly maxConcurrent: number | null;
  /** What was learned in an earlier run, handed over as a whole. */
  readonly learnedInputs?: LearnedInputs | null;
  /** Attempts under way that an actor before this one permitted: they keep their slots until they end. */
  readonly inFlight?: readonly string[];
  readonly atMs: number;
};

/** Proof that the breaker let an attempt through, and in which generation of it. */
export type Permit = { readonly generation: number; readonly probe: boolean };

/**
 * ok: content came. bad: counts against the provider. The next three rest the lane and never trip its
 * breaker. throttled: 429 or 529, too many at once. exhausted: no credit or quota is left.
 * refused_credential: our credential there is not accepted. neutral: the client's own doing, or
 * nobody's; counts nowhere.
 */
export type OutcomeKind =
  | "ok"
  | "bad"
  | "throttled"
  | "exhausted"
  | "refused_credential"
  | "neutral";

/** The size of an input in the client's bytes and in the provider's tokens. */
export type InputObserved = {
  readonly model: string;
  readonly inputBytes: number;
  readonly inputTokens: number;
};

export type ProviderEvent =
  | {
      readonly type: "permit.request";
      readonly attemptId: string;
      /** An attempt of this exchange failed at the same provider before. */
      readonly isRepeat?: boolean;
      /** Every other candidate refused: where it can be risked at all, it is. */
      readonly isLastResort?: boolean;
      readonly atMs: number;
    }
  | {
      /** Exactly once per permit, at the first byte or the failure; the slot stays taken. */
      readonly type: "outcome.report";
      readonly attemptId: string;
      readonly kind: OutcomeKind;
      readonly latencyMs: number;
      readonly retryAfterMs: number | null;
      /** Uniform in [0, 1), drawn by the caller, spreads reopening times. */
      readonly jitter: number;
      readonly atMs: number;
    }
  | {
      /** Frees the slot; an attempt without a reported outcome counts as neutral. */
      readonly type: "attempt.end";
      readonly attemptId: string;
      /** Teaches the bytes-per-token factor of a model; null teaches nothing. */
      readonly observed: InputObserved | null;
      readonly atMs: number;
    };

export type ProviderVerdict = Verdict<Permit>;

export type BreakerState = "closed" | "open" | "half_open";

export type ProviderHealth = {
  readonly breaker: BreakerState;
  /** When an open breaker lets a probe through, or a cooldown ends; null when available now. */
  readonly availableAtMs: number | null;
  readonly inFlight: number;
};

/**
 * Why a lane takes no attempt now. breaker: it is open. probes: as many as may are finding out whether
 * it can be closed. forced: an operator's word. cooldown: it was told to wait, or has no credit. full:
 * no slot.
 */
export type RestReason = "breaker" | "probes" | "forced" | "cooldown" | "full";

export type LaneHealth = ProviderHealth & {
  /** null exactly where `availableAtMs` is. */
  readonly restsFor: RestReason | null;
};

/** How a lane has served lately; null: nothing is known. */
export type LaneService = {
  /** Decaying average time to the first content of its successes. */
  readonly firstTokenMs: number | null;
  /** Decaying share of failures among outcomes that say something about it, 0 to 1. */
  readonly failureShare: number | null;
  readonly inFlight: number;
  /** When the last such outcome came. */
  readonly seenAtMs: number | null;
};
