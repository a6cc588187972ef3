/** What goes into the actors of a provider's lanes and what comes out of them, as data. */
import type { Verdict } from "../src/base/verdict.ts";
import type { RestReason } from "./provider-causes.ts";
import type { ProviderCommons } from "./provider-commons.ts";

/** An operator's word instead of what a breaker has learned. */
export type BreakerForced = "open" | "closed";

/** One actor for each lane: a credential of a provider and a family of its models. */
export type ProviderInput = {
  /** What all lanes of the provider share. */
  readonly commons: ProviderCommons;
  readonly family: string;
  readonly forced?: BreakerForced | null;
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
      /** An attempt of this exchange failed at the same provider before: takes of its retry budget. */
      readonly isRepeat?: boolean;
      /**
       * Every other candidate refused: where it can be risked at all, it is. It passes a slow start
       * and the rest of a lane whose account or credential is at fault, and each second one of them
       * passes an open breaker; never a cooldown or an operator's word.
       */
      readonly isLastResort?: boolean;
      readonly atMs: number;
    }
  | {
      /** Exactly once per permit, at the first byte or the failure; it goes on until its end. */
      readonly type: "outcome.report";
      readonly attemptId: string;
      readonly kind: OutcomeKind;
      readonly latencyMs: number;
      /** `latencyMs` is that of a whole plain answer, not of a stream's first content. */
      readonly isWhole?: boolean;
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
    }
  /** An operator's word; null: the breaker goes by what it learns again. */
  | {
      readonly type: "breaker.force";
      readonly to: BreakerForced | null;
      readonly atMs: number;
    };

export type ProviderVerdict = Verdict<Permit>;

export type BreakerState = "closed" | "open" | "half_open";

export type LaneHealth = {
  /** As it will act on the next request; a forced one is what it is forced to. */
  readonly breaker: BreakerState;
  readonly isForced: boolean;
  /** When an ordinary attempt may pass again; null when one may now. */
  readonly availableAtMs: number | null;
  /** When one that is a last resort may pass; null when one may now, Infinity for never. */
  readonly lastResortAtMs: number | null;
  /** null exactly where `availableAtMs` is; where several hold, the one that lasts longest. */
  readonly restsFor: RestReason | null;
  /** Its breaker has closed a short time ago: it takes a share of the attempts, and last resorts. */
  readonly startsSlowly: boolean;
  readonly inFlight: number;
};

/** A provider over all its lanes: as available as the best of them. */
export type ProviderHealth = {
  readonly breaker: BreakerState;
  readonly isForced: boolean;
  readonly availableAtMs: number | null;
  /** Attempts on all lanes, those that are used no more included. */
  readonly inFlight: number;
};

/** How a lane's family has served lately, over all credentials; null: nothing is known. */
export type LaneService = {
  /** Decaying average time to the first content of its successes. */
  readonly firstTokenMs: number | null;
  /** Decaying share of failures among outcomes that say something about it, 0 to 1. */
  readonly failureShare: number | null;
  /** On this lane. */
  readonly inFlight: number;
  /** When the last such outcome came. */
  readonly seenAtMs: number | null;
};
