/** What goes into an exchange's actor and what comes out of it, as data. */
import type { BackoffRules } from "./policy/backoff.ts";
import type { CandidateRange } from "./policy/retry.ts";

export type ExchangeInput = {
  readonly exchangeId: string;
  readonly candidates: number;
  readonly attemptsMax: number;
  /** The last attempt begins before. */
  readonly deadlineMs: number;
  /** Absent: the defaults. */
  readonly backoff?: BackoffRules;
  readonly atMs: number;
};

/**
 * What may be done about a failed attempt. elsewhere: another candidate, or after a wait the same;
 * other: another candidate only, because this one answers the same every time.
 */
export type FailureRetry = "never" | "same" | "elsewhere" | "other";

export type ExchangeEvent =
  | {
      readonly type: "attempt.failed";
      readonly retry: FailureRetry;
      /** Throttled answers back off longer. */
      readonly throttled: boolean;
      readonly retryAfterMs: number | null;
      /** Uniform in [0, 1) for full jitter. */
      readonly jitter: number;
      /** Candidates that the route keeps for failures of this kind. */
      readonly instead?: CandidateRange | null;
      /** Of two attempts that run, the second. */
      readonly isHedge?: boolean;
      /** After content: the candidate that can go on with it. */
      readonly continueAt?: number | null;
      readonly atMs: number;
    }
  | {
      /** The candidate refused before anything was sent (breaker, slots, hold): costs no attempt. */
      readonly type: "candidate.refused";
      readonly isHedge?: boolean;
      readonly continueAt?: number | null;
      readonly atMs: number;
    }
  /** The attempt in hand is late, and a second one may begin beside it. */
  | { readonly type: "hedge.due"; readonly atMs: number }
  | { readonly type: "backoff.elapsed"; readonly atMs: number }
  | { readonly type: "content.started"; readonly atMs: number }
  | { readonly type: "answer.ended"; readonly atMs: number }
  | { readonly type: "client.left"; readonly atMs: number }
  | { readonly type: "exchange.settled"; readonly atMs: number };

/** What the gateway does next, by the exchange actor. */
export type ExchangeStep =
  | { readonly do: "attempt"; readonly candidate: number; readonly attemptNumber: number }
  /** Beside the attempt in hand, which goes on. */
  | { readonly do: "hedge"; readonly candidate: number; readonly attemptNumber: number }
  /** Go on with what an earlier attempt has begun. */
  | { readonly do: "continue"; readonly candidate: number; readonly attemptNumber: number }
  | { readonly do: "wait"; readonly delayMs: number }
  | { readonly do: "relay" }
  | { readonly do: "settle"; readonly failed: boolean }
  | { readonly do: "end" };
