/**
 * Streams of frames at a fixed pace: what each way adds to the first frame and to the gap between
 * frames, what a frame costs, and whether frames are lost or arrive glued together. Streams start
 * evenly over a ramp, in turns between the subjects.
 */
import { sleep } from "../src/base/clock.ts";
import { type BenchContext, loadOptions, of, requireSuccess, steadily } from "./context.ts";
import { StreamRecord } from "./exchange.ts";
import { HttpClient } from "./http-client.ts";
import { failureCount, runLoad } from "./load.ts";
import { readUsage } from "./measure-cpu.ts";
import { cpuBetween } from "./process-usage.ts";
import { type Added, addedBy, type CurvePoint, type Summary } from "./statistics.ts";
import { inTurn, type Subject, type SubjectName } from "./subjects.ts";

/** First frames, gaps and cost of one way over all rounds. */
export type StreamsEntry = {
  readonly subject: SubjectName;
  readonly streams: number;
  readonly frames: number;
  readonly framesLost: number;
  readonly framesMerged: number;
  readonly failures: number;
  readonly firstFrame: Summary;
  readonly firstFrameAdded: Added;
  readonly firstFrameCurve: readonly CurvePoint[];
  readonly gap: Summary;
  readonly gapAdded: Added;
  readonly gapCurve: readonly CurvePoint[];
  /** Opening the streams included; undefined for the direct way. */
  readonly cpuMicrosPerFrame: number | undefined;
};

type Run = {
  readonly subject: Subject;
  readonly record: StreamRecord;
  cpuMs: number | undefined;
  failures: number;
};

/** An entry per way, in the order of the context's subjects. */
export async function measureStreams(context: BenchContext): Promise<readonly StreamsEntry[]> {
  const { rounds } = context.profile.streams;
  const runs = context.subjects.map((subject): Run => ({
    subject,
    record: new StreamRecord(),
    cpuMs: 0,
    failures: 0,
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (const run of inTurn(runs, round)) {
      context.note(`${run.subject.name}, round ${round + 1} of ${rounds}`);
      await measureRound(context, run);
    }
  }
  const entries = runs.map((run) => entryOf(run));
  const direct = of(entries, "direct");
  return entries.map((entry) => {
    const firstFrameAdded = addedBy(entry.firstFrame, (direct ?? entry).firstFrame);
    const gapAdded = addedBy(entry.gap, (direct ?? entry).gap);
    return Object.assign(entry, { firstFrameAdded, gapAdded });
  });
}

async function measureRound(context: BenchContext, run: Run): Promise<void> {
  const { count, rampMs, frames } = context.profile.streams;
  const client = new HttpClient(run.subject.endpoint);
  const request = run.subject.request("stream");
  const { clock } = context;
  try {
    const before = readUsage(run.subject);
    const result = await runLoad(
      loadOptions(context, steadily((count * 1_000) / rampMs), {
        durationMs: rampMs,
        warmUpMs: 0,
        answerMs: frames * context.profile.frameMs,
      }),
      (plannedAtMs) =>
        run.record.exchange(client, request, { plannedAtMs, framesExpected: frames, clock }),
    );
    await sleep(clock, context.profile.settleMs, context.signal);
    context.signal.throwIfAborted();
    requireSuccess(run.subject.name, result);
    const cpuMs = cpuBetween(before, readUsage(run.subject));
    run.cpuMs = run.cpuMs === undefined || cpuMs === undefined ? undefined : run.cpuMs + cpuMs;
    run.failures += failureCount(result) + result.unanswered;
  } finally {
    client.close();
  }
}

function entryOf(run: Run) {
  const { record, subject } = run;
  return {
    subject: subject.name,
    streams: record.streamCount,
    frames: record.frameCount,
    framesLost: record.lostCount,
    framesMerged: record.mergedCount,
    failures: run.failures,
    firstFrame: record.firstFrame.summary(),
    firstFrameCurve: record.firstFrame.curve(),
    gap: record.gap.summary(),
    gapCurve: record.gap.curve(),
    cpuMicrosPerFrame:
      subject.pid === undefined || run.cpuMs === undefined
        ? undefined
        : (run.cpuMs * 1_000) / Math.max(1, record.frameCount),
  };
}
