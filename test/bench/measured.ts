/** Results as a run could have had them, for tests of goals and reports. */
import { judgeGoals } from "../../bench/goals.ts";
import type { Measurements } from "../../bench/measurements.ts";
import type { SuiteResults } from "../../bench/results.ts";
import { type Added, Distribution } from "../../bench/statistics.ts";
import type { SubjectName } from "../../bench/subjects.ts";

const names = ["direct", "relay", "tollgate"] as const;
const factors: Record<SubjectName, number> = { direct: 1, relay: 2, tollgate: 5 };
const none: Added = { p50Ms: 0, p95Ms: 0, p99Ms: 0 };

function spread(baseMs: number): Distribution {
  const distribution = new Distribution(4);
  for (let index = 1; index <= 2_000; index += 1)
    distribution.recordMs(baseMs * (1 + index / 2_000));
  return distribution;
}

function micros(subject: SubjectName, each: number): number | undefined {
  return subject === "direct" ? undefined : each * factors[subject];
}

/** Tollgate costs 2.5 × the relay and adds 1 ms; change what a test is about. */
export function measurements(change: Partial<Measurements> = {}): Measurements {
  const latency = (subject: SubjectName) => spread(factors[subject] / 10);
  const gap = spread(20);
  return {
    memory: names.map((subject) => ({
      subject,
      idleBytes: subject === "direct" ? undefined : factors[subject] * 20e6,
      afterLoadBytes: subject === "direct" ? undefined : factors[subject] * 40e6,
    })),
    plain: names.map((subject) => ({
      subject,
      latency: latency(subject).summary(),
      curve: latency(subject).curve(),
      added: subject === "tollgate" ? { p50Ms: 0.5, p95Ms: 0.8, p99Ms: 1 } : none,
      failures: 0,
    })),
    cpu: names.map((subject) => ({
      subject,
      exchanges: 1_200,
      cpuMicrosPerExchange: micros(subject, 60),
      latency: latency(subject).summary(),
      lag: spread(0.4).summary(),
      failures: 0,
    })),
    rate: names.map((subject) => ({
      subject,
      sustainedPerSecond: 4_000,
      limited: subject === "direct",
      steps: [
        {
          ratePerSecond: 4_000,
          answeredPerSecond: 4_000,
          p50Ms: 1,
          p99Ms: 4,
          failures: 0,
          held: true,
        },
        {
          ratePerSecond: 8_000,
          answeredPerSecond: 5_000,
          p50Ms: 90,
          p99Ms: 400,
          failures: 7,
          held: false,
        },
      ],
    })),
    streams: names.map((subject) => ({
      subject,
      streams: 800,
      frames: 40_000,
      framesLost: 0,
      framesMerged: 0,
      failures: 0,
      firstFrame: latency(subject).summary(),
      firstFrameAdded: none,
      firstFrameCurve: latency(subject).curve(),
      gap: gap.summary(),
      gapAdded: none,
      gapCurve: gap.curve(),
      cpuMicrosPerFrame: micros(subject, 8),
    })),
    crowd: names.map((subject) => ({
      subject,
      streams: 1_000,
      framesExpected: 500_000,
      frames: 500_000,
      framesLost: 0,
      framesMerged: 0,
      failures: 0,
      gap: gap.summary(),
      gapCurve: gap.curve(),
      cpuMicrosPerFrame: subject === "direct" ? undefined : subject === "relay" ? 10 : 25,
      cores: { subject: micros(subject, 0.1), upstream: 0.3, generator: 0.2 },
      residentBytes: 90e6,
    })),
    idle: [
      { subject: "relay", streams: 1_000, residentBytesPerStream: 15_000 },
      { subject: "tollgate", streams: 1_000, residentBytesPerStream: 24_000 },
    ],
    ...change,
  };
}

export function suiteResults(change: Partial<Measurements> = {}): SuiteResults {
  const measured = measurements(change);
  return {
    kind: "suite",
    profile: "full",
    startedAt: "2026-11-20T12:00:00.000Z",
    durationMs: 252_000,
    machine: {
      cpuModel: "Test <CPU> & more",
      cores: 2,
      memoryBytes: 8 * 2 ** 30,
      system: "Linux 6.1",
      bun: "1.4.4",
      commit: "abc1234",
    },
    tollgateStartMs: 400,
    framePaceMs: 20,
    streamRounds: 4,
    streamRampMs: 1_000,
    goals: judgeGoals(measured),
    ...measured,
  };
}
