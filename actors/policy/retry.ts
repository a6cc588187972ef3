/**
 * What an exchange does after an attempt failed or a candidate refused: attempt again here or
 * elsewhere, wait first, or stop. One bound on attempts and one deadline count for all candidates
 * together. Whether content has already reached the client is the exchange machine's business.
 */
import { backoffMs, type BackoffRules } from "./backoff.ts";

/** Candidates `first` to `end`, the latter excluded, in order of preference. */
export type CandidateRange = { readonly first: number; readonly end: number };

export type Failure = {
  /**
   * never: the same request fails again. same: here. elsewhere: another candidate, or after a wait
   * the same. other: another candidate only, for this one answers the same every time.
   */
  readonly retry: "never" | "same" | "elsewhere" | "other";
  readonly throttled: boolean;
  readonly retryAfterMs: number | null;
  readonly jitter: number;
  /** Candidates kept for failures of this kind: they take the place of the others. */
  readonly instead?: CandidateRange | null;
};

/** How far an exchange has come with its candidates. */
export type Course = {
  readonly range: CandidateRange;
  readonly attemptsMax: number;
  /** The last attempt begins before. */
  readonly deadlineMs: number;
  readonly backoff: BackoffRules;
  /** The one in hand. */
  readonly candidate: number;
  /** The one whose attempt began beside that of another; null: none ever did. */
  readonly hedge: number | null;
  /** Those that were in hand in this round, the one in hand included. */
  readonly tried: readonly number[];
  /** Attempts that are over. */
  readonly failures: number;
  readonly lastFailure: Failure | null;
  /** They refused, or answer the same every time: they are not asked again. */
  readonly excluded: readonly number[];
};

export type Move =
  | { readonly do: "attempt"; readonly candidate: number }
  | { readonly do: "wait"; readonly candidate: number; readonly delayMs: number }
  | { readonly do: "stop" };

const STOP: Move = { do: "stop" };

/** After the attempt in hand failed; `course` does not count that failure yet. */
export function moveAfterFailure(course: Course, failure: Failure, atMs: number): Move {
  const { retry, instead = null } = failure;
  if (course.failures + 1 >= course.attemptsMax) return STOP;
  if (instead !== null) return attempt(course, instead.first, atMs);
  if (retry === "never") return STOP;
  const after = failed(course, failure);
  if (retry === "elsewhere" || retry === "other") {
    const next = nextUntried(after);
    if (next !== null) return attempt(after, next, atMs);
  }
  // All were asked in this round; one of those who may recover is left perhaps.
  const target = retry === "same" ? course.candidate : firstOf(after);
  if (target === null) return STOP;
  const waiting = wait(after, target, failure, atMs);
  if (waiting !== null) return waiting;
  // A wait past the deadline is of no use; somebody who was not asked yet may be.
  const next = nextUntried(after);
  return next === null ? STOP : attempt(after, next, atMs);
}

/** After the candidate in hand refused before anything was sent; costs no attempt. */
export function moveAfterRefusal(course: Course, atMs: number): Move {
  const after = refused(course);
  const next = nextUntried(after);
  if (next !== null) return attempt(after, next, atMs);
  // All were asked in this round. One that failed before, and may have recovered, is left perhaps.
  const target = firstOf(after);
  if (target === null || course.lastFailure === null) return STOP;
  return wait(after, target, course.lastFailure, atMs) ?? STOP;
}

/** The course after `moveAfterFailure` was decided. */
export function courseAfterFailure(course: Course, failure: Failure, move: Move): Course {
  const { instead = null } = failure;
  const after = failed(course, failure);
  if (move.do === "stop") return after;
  return goTo(instead === null ? after : { ...after, range: instead }, move);
}

/** The course after `moveAfterRefusal` was decided. */
export function courseAfterRefusal(course: Course, move: Move): Course {
  const after = refused(course);
  return move.do === "stop" ? after : goTo(after, move);
}

/** The second of two attempts that run at once; null where none may begin, or nobody is there for it. */
export function hedgeOf(course: Course, atMs: number): number | null {
  const { failures, hedge, attemptsMax, deadlineMs } = course;
  const isFirst = failures === 0 && hedge === null;
  return isFirst && attemptsMax >= 2 && atMs < deadlineMs ? nextUntried(course) : null;
}

export function courseHedged(course: Course, hedge: number): Course {
  return { ...course, hedge, tried: [...course.tried, hedge] };
}

/** One of two attempts failed or was refused: the other is the one in hand, and nothing else begins. */
export function courseAfterHedge(
  course: Course,
  { isHedge, failure }: { readonly isHedge: boolean; readonly failure: Failure | null },
): Course {
  const { candidate, hedge } = course;
  const out = isHedge ? hedge : candidate;
  const left = isHedge ? candidate : hedge;
  if (out === null || left === null) return course;
  const over = { ...course, candidate: out };
  return { ...(failure === null ? refused(over) : failed(over, failure)), candidate: left };
}

/** Whether an attempt may still go on with what another has begun; `course` does not count that one. */
export function mayContinue(course: Course, atMs: number): boolean {
  return course.failures + 1 < course.attemptsMax && atMs < course.deadlineMs;
}

/** Whether nobody else is left who could be asked. */
export function isLastCandidate({ range, excluded, candidate }: Course): boolean {
  for (let other = range.first; other < range.end; other += 1) {
    if (other !== candidate && !excluded.includes(other)) return false;
  }
  return true;
}

function failed(course: Course, failure: Failure): Course {
  const { candidate, excluded } = course;
  return {
    ...course,
    failures: course.failures + 1,
    lastFailure: failure,
    excluded: failure.retry === "other" ? [...excluded, candidate] : excluded,
  };
}

function refused(course: Course): Course {
  return { ...course, excluded: [...course.excluded, course.candidate] };
}

/** A candidate that is taken a second time begins a new round, except where it stays in hand. */
function goTo(course: Course, { candidate }: Exclude<Move, { do: "stop" }>): Course {
  if (candidate === course.candidate) return course;
  const isNewRound = course.tried.includes(candidate);
  return { ...course, candidate, tried: isNewRound ? [candidate] : [...course.tried, candidate] };
}

function attempt(course: Course, candidate: number, atMs: number): Move {
  return atMs < course.deadlineMs ? { do: "attempt", candidate } : STOP;
}

/** null where the attempt after the wait would begin too late. */
function wait(course: Course, candidate: number, failure: Failure, atMs: number): Move | null {
  // What one provider asked for says nothing about another.
  const retryAfterMs = candidate === course.candidate ? failure.retryAfterMs : null;
  const { failures, backoff: rules } = course;
  const { throttled, jitter } = failure;
  const delayMs = backoffMs({ failures, throttled, retryAfterMs, jitter, rules });
  return atMs + delayMs < course.deadlineMs ? { do: "wait", candidate, delayMs } : null;
}

/** The best one that was neither in hand in this round nor excluded. */
function nextUntried({ range, excluded, tried }: Course): number | null {
  for (let candidate = range.first; candidate < range.end; candidate += 1) {
    if (!tried.includes(candidate) && !excluded.includes(candidate)) return candidate;
  }
  return null;
}

function firstOf({ range, excluded }: Course): number | null {
  for (let candidate = range.first; candidate < range.end; candidate += 1) {
    if (!excluded.includes(candidate)) return candidate;
  }
  return null;
}
