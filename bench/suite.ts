/**
 * The default run: starts the three ways, measures each thing in turn, and ends everything that it
 * started, whatever happens. The order matters for memory: what is at rest is read first, waiting
 * streams are counted before load has grown any heap.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatTime, sleep, systemClock } from "../src/base/clock.ts";
import { systemRandom } from "../src/base/random.ts";
import { type BenchContext, loadOptions, of, requireSuccess } from "./context.ts";
import { plainExchange } from "./exchange.ts";
import { judgeGoals } from "./goals.ts";
import { HttpClient } from "./http-client.ts";
import { runLoad } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { measureCpu, readUsage } from "./measure-cpu.ts";
import { measureCrowd } from "./measure-crowd.ts";
import { measureIdle } from "./measure-idle.ts";
import { measurePlain } from "./measure-plain.ts";
import { measureRate } from "./measure-rate.ts";
import { measureStreams } from "./measure-streams.ts";
import { Processes } from "./processes.ts";
import type { Profile } from "./profile.ts";
import type { Measurements } from "./measurements.ts";
import type { SuiteResults } from "./results.ts";
import { startSubjects } from "./subjects.ts";
import { type BenchIo, Progress } from "./terminal.ts";

const phaseCount = 8;

/** Throws when something does not start or a measurement fails as a whole. */
export async function runSuite(
  profile: Profile,
  io: BenchIo,
  signal: AbortSignal,
): Promise<SuiteResults> {
  const clock = systemClock;
  const progress = new Progress(io, clock, phaseCount);
  const folder = await mkdtemp(join(tmpdir(), "tollgate-bench-"));
  const processes = new Processes(folder);
  const startedAtMs = clock.monotonicMs();
  const startedAt = formatTime(clock.nowMs());
  try {
    progress.begin("starting upstream, bare relay and Tollgate", 3_000);
    const subjects = await startSubjects({ processes, profile, folder, signal });
    const context: BenchContext = {
      subjects: subjects.all,
      upstreamPid: subjects.upstreamPid,
      profile,
      clock,
      random: systemRandom,
      signal,
      note: progress.note,
    };
    const measured = await measureAll(context, progress);
    return {
      kind: "suite",
      profile: profile.name,
      startedAt,
      durationMs: clock.monotonicMs() - startedAtMs,
      machine: describeMachine(),
      tollgateStartMs: subjects.tollgateStartMs,
      framePaceMs: profile.frameMs,
      streamRounds: profile.streams.rounds,
      streamRampMs: profile.streams.rampMs,
      goals: judgeGoals(measured),
      ...measured,
    };
  } finally {
    progress.end();
    await processes.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every measurement, in the order that disturbs the later ones least. */
async function measureAll(context: BenchContext, progress: Progress): Promise<Measurements> {
  const { profile } = context;
  const ways = context.subjects.length;
  await rest(context);
  const idleBytes = residentBytes(context);
  progress.begin("memory of waiting streams", 2 * (3 * profile.idle.settleMs + 1_000));
  await warmUp(context);
  const idle = await measureIdle(context);
  progress.begin("plain exchange", profile.plain.rounds * ways * profile.plain.sliceMs);
  const plain = await measurePlain(context);
  progress.begin(
    "CPU per exchange",
    profile.cpu.rounds * ways * (profile.cpu.sliceMs + profile.settleMs),
  );
  const cpu = await measureCpu(context);
  // Doublings to the top and some halvings; a run that fails earlier halves more.
  const rateSteps = Math.log2(profile.rate.maxPerSecond / profile.rate.startPerSecond) + 3;
  progress.begin("sustainable rate", ways * rateSteps * (profile.rate.stepMs + profile.settleMs));
  const rate = await measureRate(context, of(cpu, "direct")?.latency.p99Ms ?? 0);
  const streamMs =
    profile.streams.rampMs + profile.streams.frames * profile.frameMs + profile.settleMs;
  progress.begin("streams", profile.streams.rounds * ways * streamMs);
  const streams = await measureStreams(context);
  const crowdMs = profile.crowd.rampMs + profile.crowd.frames * profile.frameMs + profile.settleMs;
  progress.begin("many streams at once", ways * crowdMs);
  const crowd = await measureCrowd(context);
  progress.begin("memory at rest", profile.restMs);
  await rest(context);
  const afterBytes = residentBytes(context);
  const memory = context.subjects.map(({ name }) => ({
    subject: name,
    idleBytes: idleBytes.get(name),
    afterLoadBytes: afterBytes.get(name),
  }));
  return { memory, plain, cpu, rate, streams, crowd, idle };
}

async function rest(context: BenchContext): Promise<void> {
  await sleep(context.clock, context.profile.restMs, context.signal);
  context.signal.throwIfAborted();
}

function residentBytes(context: BenchContext) {
  return new Map(
    context.subjects.map((subject) => [subject.name, readUsage(subject)?.residentBytes] as const),
  );
}

/** A few hundred exchanges on each way, so that nothing measured is compiled for the first time. */
async function warmUp(context: BenchContext): Promise<void> {
  for (const subject of context.subjects) {
    const client = new HttpClient(subject.endpoint);
    const request = subject.request("plain");
    const times = { durationMs: context.profile.plain.sliceMs / 2, warmUpMs: 0 };
    try {
      const plan = { kind: "closed", clients: 4 } as const;
      const result = await runLoad(loadOptions(context, plan, times), () =>
        plainExchange(client, request),
      );
      context.signal.throwIfAborted();
      requireSuccess(subject.name, result);
    } finally {
      client.close();
    }
  }
}
