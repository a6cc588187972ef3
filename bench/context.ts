/** What every measurement of a run is given, and the few things that all of them do. */
import type { Clock } from "../src/base/clock.ts";
import type { Random } from "../src/base/random.ts";
import { failureCount, type LoadOptions, type LoadPlan, type LoadResult } from "./load.ts";
import type { Profile } from "./profile.ts";
import type { Subject, SubjectName } from "./subjects.ts";

/** The same for all measurements of a run, so that their numbers can be compared. */
export type BenchContext = {
  readonly subjects: readonly Subject[];
  readonly upstreamPid: number;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Says what is being done right now, for whoever watches. */
  readonly note: (text: string) => void;
};

/** Failed exchanges after which a phase is not worth finishing. */
const failuresMax = 200;
/** How late an answer may be at the end of a phase, before it counts as unanswered. */
const answerWithinMs = 10_000;
/** Sockets that one phase may hold; half of what a system commonly allows a process. */
export const connectionsMax = 4_000;

/** The times of one phase; milliseconds. */
export type LoadTimes = {
  readonly durationMs: number;
  readonly warmUpMs: number;
  /** How long an answer takes by its script, where that is long. */
  readonly answerMs?: number;
};

/** The load options that no measurement wants different. */
export function loadOptions(
  context: Pick<BenchContext, "clock" | "random" | "signal">,
  plan: LoadPlan,
  times: LoadTimes,
): LoadOptions {
  const { clock, random, signal } = context;
  const { durationMs, warmUpMs, answerMs = 0 } = times;
  const graceMs = answerMs + answerWithinMs;
  return { plan, durationMs, warmUpMs, graceMs, failuresMax, signal, clock, random };
}

/** Open loop at an even rate. */
export function steadily(ratePerSecond: number): LoadPlan {
  return { kind: "open", ratePerSecond, gaps: "constant", inFlightMax: connectionsMax };
}

/** A measurement that failed as a whole says why instead of reporting numbers of nothing. */
export function requireSuccess(subject: SubjectName, result: LoadResult): void {
  if (result.succeeded > 0 && !result.gaveUp) return;
  const reasons = [...result.failures].map(([reason, times]) => `${times} × ${reason}`);
  if (result.unanswered > 0) reasons.push(`${result.unanswered} × no answer`);
  throw new Error(
    `${subject}: ${failureCount(result) + result.unanswered} exchanges failed: ${reasons.join("; ")}`,
  );
}

/** What `promise` gives; throws `complaint` when it takes longer than `delayMs`. */
export async function within<T>(
  clock: Clock,
  limit: { readonly delayMs: number; readonly complaint: string },
  promise: Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(limit.delayMs, () => late.reject(new Error(limit.complaint)));
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    timer.cancel();
  }
}

/** An entry of a list by its subject; undefined when that subject was not measured. */
export function of<T extends { readonly subject: SubjectName }>(
  entries: readonly T[],
  subject: SubjectName,
): T | undefined {
  return entries.find((entry) => entry.subject === subject);
}
