/**
 * A crowd of streams at the same time: does every frame arrive, and by itself? CPU is read in the
 * middle, when all streams run and none ends, so that it is the cost of a frame and nothing else.
 * The shares of upstream and load generator tell whether the harness was the limit.
 */
import { sleep } from "../src/base/clock.ts";
import { type BenchContext, loadOptions, requireSuccess, steadily } from "./context.ts";
import { StreamRecord } from "./exchange.ts";
import { HttpClient } from "./http-client.ts";
import { failureCount, runLoad } from "./load.ts";
import { readUsage } from "./measure-cpu.ts";
import { cpuBetween, type Usage, usageOf } from "./process-usage.ts";
import type { CurvePoint, Summary } from "./statistics.ts";
import type { Subject, SubjectName } from "./subjects.ts";

/** What became of the frames of one way, and what they cost. */
export type CrowdEntry = {
  readonly subject: SubjectName;
  readonly streams: number;
  readonly framesExpected: number;
  readonly frames: number;
  readonly framesLost: number;
  readonly framesMerged: number;
  readonly failures: number;
  readonly gap: Summary;
  readonly gapCurve: readonly CurvePoint[];
  /** In steady state, opening and ending not included. */
  readonly cpuMicrosPerFrame: number | undefined;
  /** Cores' worth of CPU in steady state. */
  readonly cores: {
    readonly subject: number | undefined;
    readonly upstream: number | undefined;
    readonly generator: number | undefined;
  };
  /** The process in the middle, while all streams run. */
  readonly residentBytes: number | undefined;
};

/** One way after the other: together they would not fit on the machine. */
export async function measureCrowd(context: BenchContext): Promise<readonly CrowdEntry[]> {
  const entries: CrowdEntry[] = [];
  for (const subject of context.subjects) {
    context.note(subject.name);
    entries.push(await measureOne(context, subject));
    await sleep(context.clock, context.profile.settleMs, context.signal);
    context.signal.throwIfAborted();
  }
  return entries;
}

type Reading = {
  readonly atMs: number;
  readonly frames: number;
  readonly subject: Usage | undefined;
  readonly upstream: Usage | undefined;
  readonly generator: Usage | undefined;
};

async function measureOne(context: BenchContext, subject: Subject): Promise<CrowdEntry> {
  const { count, rampMs, frames } = context.profile.crowd;
  const { clock } = context;
  const client = new HttpClient(subject.endpoint);
  const request = subject.request("crowd");
  const record = new StreamRecord();
  const readings: Reading[] = [];
  const read = (): void => {
    readings.push({
      atMs: clock.monotonicMs(),
      frames: record.frameCount,
      subject: readUsage(subject),
      upstream: usageOf(context.upstreamPid),
      generator: usageOf(process.pid),
    });
  };
  // From when the last stream has started until the first one ends.
  const streamMs = frames * context.profile.frameMs;
  const timers = [rampMs * 1.1, Math.max(rampMs * 1.2, streamMs * 0.95)].map((delayMs) =>
    clock.after(delayMs, read),
  );
  try {
    const result = await runLoad(
      loadOptions(context, steadily((count * 1_000) / rampMs), {
        durationMs: rampMs,
        warmUpMs: 0,
        answerMs: streamMs,
      }),
      (plannedAtMs) =>
        record.exchange(client, request, { plannedAtMs, framesExpected: frames, clock }),
    );
    context.signal.throwIfAborted();
    requireSuccess(subject.name, result);
    return {
      ...countsOf(record, count * frames),
      subject: subject.name,
      failures: failureCount(result) + result.unanswered,
      ...steadyCost(readings),
    };
  } finally {
    for (const timer of timers) timer.cancel();
    client.close();
  }
}

function countsOf(record: StreamRecord, framesExpected: number) {
  return {
    streams: record.streamCount,
    framesExpected,
    frames: record.frameCount,
    framesLost: record.lostCount,
    framesMerged: record.mergedCount,
    gap: record.gap.summary(),
    gapCurve: record.gap.curve(),
  };
}

function steadyCost(readings: readonly Reading[]) {
  const [first, last] = readings;
  const nothing = { subject: undefined, upstream: undefined, generator: undefined };
  if (first === undefined || last === undefined) {
    return { cpuMicrosPerFrame: undefined, cores: nothing, residentBytes: undefined };
  }
  const elapsedMs = last.atMs - first.atMs;
  const cores = (who: "subject" | "upstream" | "generator"): number | undefined => {
    const cpuMs = cpuBetween(first[who], last[who]);
    return cpuMs === undefined ? undefined : cpuMs / elapsedMs;
  };
  const cpuMs = cpuBetween(first.subject, last.subject);
  const frames = last.frames - first.frames;
  return {
    cpuMicrosPerFrame: cpuMs === undefined || frames === 0 ? undefined : (cpuMs * 1_000) / frames,
    cores: {
      subject: cores("subject"),
      upstream: cores("upstream"),
      generator: cores("generator"),
    },
    residentBytes: last.subject?.residentBytes,
  };
}
