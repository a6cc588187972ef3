/**
 * The sustainable rate: the highest open-loop rate at which every exchange succeeds and the 99th
 * percentile stays within ten milliseconds of the direct way's at a moderate rate. The direct way
 * is searched too: its rate is the ceiling of upstream and load generator on this machine.
 */
import { sleep } from "../src/base/clock.ts";
import { type BenchContext, loadOptions, steadily } from "./context.ts";
import { plainExchange } from "./exchange.ts";
import { HttpClient } from "./http-client.ts";
import { failureCount, type LoadResult, runLoad } from "./load.ts";
import { type RateOutcome, RateSearch } from "./rate-search.ts";
import { inTurn, type Subject, type SubjectName } from "./subjects.ts";

/** What a sustainable rate may add to the direct way's 99th percentile. */
export const ADDED_P99_MAX_MS = 10;

/** One rate that was tried. */
export type RateStep = {
  readonly ratePerSecond: number;
  readonly answeredPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  readonly held: boolean;
};

/** What one way holds, and every step that led there. */
export type RateEntry = {
  readonly subject: SubjectName;
  readonly sustainedPerSecond: number;
  /** The search ended at its upper limit or in its time, so the way may hold more. */
  readonly limited: boolean;
  readonly steps: readonly RateStep[];
};

const warmUpShare = 0.2;
/** Unanswered arrivals, in seconds of the offered rate, past which a step is lost. */
const backlogSeconds = 0.5;

/** `directP99Ms`: the direct way's 99th percentile at a moderate rate in the same run. */
export async function measureRate(
  context: BenchContext,
  directP99Ms: number,
): Promise<readonly RateEntry[]> {
  const runs = context.subjects.map((subject) => ({
    subject,
    search: new RateSearch(context.profile.rate),
    steps: [] as RateStep[],
  }));
  const endsAtMs = context.clock.monotonicMs() + context.profile.rate.withinMs;
  const isTime = (): boolean => context.clock.monotonicMs() < endsAtMs;
  for (let round = 0; isTime() && runs.some((run) => run.search.next !== undefined); round += 1) {
    for (const run of inTurn(runs, round)) {
      const ratePerSecond = run.search.next;
      if (ratePerSecond === undefined || !isTime()) continue;
      context.note(`${run.subject.name} at ${ratePerSecond.toLocaleString("en")}/s`);
      const result = await offer(context, run.subject, ratePerSecond);
      context.signal.throwIfAborted();
      const step = judge(result, ratePerSecond, {
        p99MaxMs: directP99Ms + ADDED_P99_MAX_MS,
        recordedMs: context.profile.rate.stepMs * (1 - warmUpShare),
      });
      run.steps.push(step);
      run.search.report(outcomeOf(step, result));
    }
  }
  return runs.map((run) => ({
    subject: run.subject.name,
    sustainedPerSecond: run.search.sustained,
    limited: run.search.limited || run.search.next !== undefined,
    steps: run.steps,
  }));
}

async function offer(
  context: BenchContext,
  subject: Subject,
  ratePerSecond: number,
): Promise<LoadResult> {
  const { stepMs } = context.profile.rate;
  const client = new HttpClient(subject.endpoint);
  const request = subject.request("plain");
  const plan = {
    ...steadily(ratePerSecond),
    unansweredMax: Math.max(100, ratePerSecond * backlogSeconds),
  };
  try {
    return await runLoad(
      loadOptions(context, plan, { durationMs: stepMs, warmUpMs: stepMs * warmUpShare }),
      () => plainExchange(client, request),
    );
  } finally {
    client.close();
    await sleep(context.clock, context.profile.settleMs, context.signal);
  }
}

/** A generator that was late by more than this did not offer the load that was planned. */
const lagP99MaxMs = 5;

function outcomeOf(step: RateStep, result: LoadResult): RateOutcome {
  if (step.held) return "held";
  if (result.gaveUp) return "hopeless";
  return result.lag.percentileMs(99) > lagP99MaxMs ? "disturbed" : "failed";
}

function judge(
  result: LoadResult,
  ratePerSecond: number,
  bounds: { readonly p99MaxMs: number; readonly recordedMs: number },
): RateStep {
  const summary = result.latency.summary();
  const failures = failureCount(result) + result.unanswered;
  return {
    ratePerSecond,
    answeredPerSecond: (result.succeeded * 1_000) / bounds.recordedMs,
    p50Ms: summary.p50Ms,
    p99Ms: summary.p99Ms,
    failures,
    held: failures === 0 && !result.gaveUp && summary.p99Ms <= bounds.p99MaxMs,
  };
}
