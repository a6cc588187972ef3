/**
 * What a policy answers: allowed with a value, or refused with a code, a sentence and when to come
 * back. A refusal is expected, so it is a value and never an exception.
 */
import type { ErrorCode } from "./error.ts";
import type { ScopeRef } from "./scope.ts";

/** The facts behind a refusal, kept with the request row so that "why?" has an answer. */
export type RefusalReason = {
  readonly kind: "requests" | "tokens" | "concurrency" | "max_requests" | "budget" | "breaker";
  readonly scope: ScopeRef;
  /** Id of the budget, limit or provider that refused. */
  readonly ruleId: string;
  /** The bound: requests, tokens, slots, or nano-dollars for a budget. */
  readonly limit: number;
  /** Already used: posted nano-dollars for a budget, slots taken or tokens spent for a limit. */
  readonly posted: number;
  /** Held by requests in flight, in the unit of `limit`. */
  readonly held: number;
  /** What this request asked for, in the unit of `limit`. */
  readonly asked: number;
  /** When enough is free again, if time alone frees it. */
  readonly freesAtMs: number | null;
};

export type Refusal = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param?: string;
  readonly retryAfterMs?: number;
  readonly reason?: RefusalReason;
};

export type Verdict<T> =
  | { readonly allowed: true; readonly value: T }
  | { readonly allowed: false; readonly refusal: Refusal };

export function allow<T>(value: T): Verdict<T> {
  return { allowed: true, value };
}

export function refuse(
  code: ErrorCode,
  message: string,
  more: Omit<Refusal, "code" | "message"> = {},
): { readonly allowed: false; readonly refusal: Refusal } {
  return { allowed: false, refusal: { code, message, ...more } };
}
