/**
 * What an exchange does after an attempt failed or a candidate refused: attempt again here or
 * elsewhere, wait first, or stop. One bound on attempts and one deadline count for all candidates
 * together. Whether content has already reached the client is the exchange machine's business.
 */
import { backoffMs } from "./backoff.ts";

export type Failure = {
  /** never: the same request fails again. same: here. elsewhere: another candidate may do. */
  readonly retry: "never" | "same" | "elsewhere" | "other";
  readonly throttled: boolean;
  readonly retryAfterMs: number | null;
  readonly jitter: number;
};

/** How far an exchange has come with its candidates, which are numbered in order of preference. */
export type Course = {
  readonly candidates: number;
  readonly attemptsMax: number;
  readonly deadlineMs: number;
  /** The one in hand. Those before it in this round were tried or refused. */
  readonly candidate: number;
  readonly failures: number;
  readonly lastFailure: Failure | null;
  /** Candidates that refused; they are not asked again. */
  readonly refused: readonly number[];
};

export type Move =
  | { readonly do: "attempt"; readonly candidate: number }
  | { readonly do: "wait"; readonly candidate: number; readonly delayMs: number }
  | { readonly do: "stop" };

const STOP: Move = { do: "stop" };

/** After the attempt in hand failed; `course` does not count that failure yet. */
export function moveAfterFailure(course: Course, failure: Failure, atMs: number): Move {
  const failures = course.failures + 1;
  if (failure.retry === "never" || failures >= course.attemptsMax) return STOP;
  if (failure.retry === "elsewhere" || failure.retry === "other") {
    const next = nextUntried(course, course.refused);
    if (next !== null) return attempt(course, next, atMs);
    if (failure.retry === "other") return STOP;
  }
  const target = failure.retry === "same" ? course.candidate : firstOf(course, course.refused);
  if (target === null) return STOP;
  const waiting = wait(course, target, failure, failures, atMs);
  if (waiting !== null) return waiting;
  // A wait past the deadline is of no use; somebody who was not asked yet may be.
  const next = nextUntried(course, course.refused);
  return next === null ? STOP : attempt(course, next, atMs);
}

/** After the candidate in hand refused before anything was sent; costs no attempt. */
export function moveAfterRefusal(course: Course, atMs: number): Move {
  const refused = [...course.refused, course.candidate];
  const next = nextUntried(course, refused);
  if (next !== null) return attempt(course, next, atMs);
  // All were asked in this round. One that failed before, and may have recovered, is left perhaps.
  const target = firstOf(course, refused);
  if (target === null || course.lastFailure === null) return STOP;
  return wait(course, target, course.lastFailure, course.failures, atMs) ?? STOP;
}

function attempt(course: Course, candidate: number, atMs: number): Move {
  return atMs < course.deadlineMs ? { do: "attempt", candidate } : STOP;
}

function wait(
  course: Course,
  candidate: number,
  failure: Failure,
  failures: number,
  atMs: number,
): Move | null {
  // What one provider asked for says nothing about another.
  const retryAfterMs = candidate === course.candidate ? failure.retryAfterMs : null;
  const { throttled, jitter } = failure;
  const delayMs = backoffMs({ failures, throttled, retryAfterMs, jitter });
  return atMs + delayMs < course.deadlineMs ? { do: "wait", candidate, delayMs } : null;
}

function nextUntried(course: Course, refused: readonly number[]): number | null {
  return firstFrom(course.candidate + 1, course, refused);
}

function firstOf(course: Course, refused: readonly number[]): number | null {
  return firstFrom(0, course, refused);
}

function firstFrom(
  start: number,
  { candidates }: Course,
  refused: readonly number[],
): number | null {
  for (let candidate = start; candidate < candidates; candidate += 1) {
    if (!refused.includes(candidate)) return candidate;
  }
  return null;
}
