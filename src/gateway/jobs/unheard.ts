/**
 * Jobs that nobody hears of, because their provider was removed, is disabled, refuses its credential or is down:
 * operators are told once in a while for each provider, and not of what is over soon.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Job, Unheard } from "./job.ts";

/** Both monotonic. */
export type Silence = {
  /** Since when nobody has heard of a job, though it was looked at; null: it was heard of. */
  unheardSinceMs: number | null;
  /** When operators were last told of that; null: never. */
  toldAtMs: number | null;
};

type Quiet = Silence & { readonly job: Job; readonly isSettled: boolean };

/** After a look at `one` of `all` jobs that heard nothing. */
export function tellUnheard(
  log: Log,
  one: Quiet,
  { unheard: why }: Unheard,
  all: Iterable<Quiet>,
  nowMs: number,
): void {
  if (one.isSettled || unheardMs(one, nowMs) < LIMITS.jobUnheardMs) return;
  const { providerId } = one.job.scopes;
  const unheard = [...all].filter(
    ({ isSettled, job, unheardSinceMs }) =>
      !isSettled && unheardSinceMs !== null && job.scopes.providerId === providerId,
  );
  const toldAtMs = Math.max(...unheard.map((other) => other.toldAtMs ?? -Infinity));
  if (nowMs - toldAtMs < LIMITS.jobUnheardToldMs) return;
  for (const other of unheard) other.toldAtMs = nowMs;
  log.warn("jobs.unheard", {
    providerId,
    why,
    jobs: unheard.length,
    heldNanoUsd: unheard.reduce((sum, { job }) => sum + job.heldNanoUsd, 0),
    forMs: Math.round(Math.max(...unheard.map((other) => unheardMs(other, nowMs)))),
  });
}

function unheardMs({ unheardSinceMs }: Silence, nowMs: number): number {
  return unheardSinceMs === null ? 0 : nowMs - unheardSinceMs;
}
