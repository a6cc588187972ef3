/**
 * Process CPU per plain exchange at a fixed moderate rate, from the operating system. Work put off
 * (batched rows, garbage) is waited for, so that it counts too.
 */
import { sleep } from "../src/base/clock.ts";
import { type BenchContext, loadOptions, requireSuccess, steadily } from "./context.ts";
import { plainExchange } from "./exchange.ts";
import { HttpClient } from "./http-client.ts";
import { failureCount, runLoad } from "./load.ts";
import { cpuBetween, type Usage, usageOf } from "./process-usage.ts";
import { Distribution, type Summary } from "./statistics.ts";
import { inTurn, type Subject, type SubjectName } from "./subjects.ts";

/** What one way cost and how fast it was at the fixed rate. */
export type CpuEntry = {
  readonly subject: SubjectName;
  readonly exchanges: number;
  /** Of the process in the middle; undefined for the direct way and where it cannot be read. */
  readonly cpuMicrosPerExchange: number | undefined;
  readonly latency: Summary;
  /** How late the load generator itself was, which is part of every latency. */
  readonly lag: Summary;
  readonly failures: number;
};

/** What the process in the middle has used so far; the direct way has none. */
export function readUsage(subject: Subject): Usage | undefined {
  return subject.pid === undefined ? undefined : usageOf(subject.pid);
}

type Run = {
  readonly subject: Subject;
  readonly latency: Distribution;
  readonly lag: Distribution;
  exchanges: number;
  cpuMs: number | undefined;
  failures: number;
};

/** Throws when a way fails as a whole, as every measurement does. */
export async function measureCpu(context: BenchContext): Promise<readonly CpuEntry[]> {
  const { rounds } = context.profile.cpu;
  const runs = context.subjects.map((subject): Run => ({
    subject,
    latency: new Distribution(),
    lag: new Distribution(),
    exchanges: 0,
    cpuMs: 0,
    failures: 0,
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (const run of inTurn(runs, round)) {
      context.note(`${run.subject.name}, round ${round + 1} of ${rounds}`);
      await measureSlice(context, run);
    }
  }
  return runs.map((run) => ({
    subject: run.subject.name,
    exchanges: run.exchanges,
    cpuMicrosPerExchange:
      run.subject.pid === undefined || run.cpuMs === undefined
        ? undefined
        : (run.cpuMs * 1_000) / run.exchanges,
    latency: run.latency.summary(),
    lag: run.lag.summary(),
    failures: run.failures,
  }));
}

async function measureSlice(context: BenchContext, run: Run): Promise<void> {
  const { sliceMs, ratePerSecond } = context.profile.cpu;
  const client = new HttpClient(run.subject.endpoint);
  const request = run.subject.request("plain");
  try {
    const before = readUsage(run.subject);
    const result = await runLoad(
      loadOptions(context, steadily(ratePerSecond), { durationMs: sliceMs, warmUpMs: 0 }),
      () => plainExchange(client, request),
    );
    await sleep(context.clock, context.profile.settleMs, context.signal);
    context.signal.throwIfAborted();
    requireSuccess(run.subject.name, result);
    const cpuMs = cpuBetween(before, readUsage(run.subject));
    run.cpuMs = run.cpuMs === undefined || cpuMs === undefined ? undefined : run.cpuMs + cpuMs;
    run.exchanges += result.succeeded;
    run.failures += failureCount(result) + result.unanswered;
    run.latency.add(result.latency);
    run.lag.add(result.lag);
  } finally {
    client.close();
  }
}
