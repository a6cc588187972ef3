/** Draws each bottleneck over time: what was asked and served, how long it took, what it cost. */
import { machineLine } from "../machine.ts";
import { COLORS } from "../plot-panel.ts";
import type { Sheet } from "../plot-sheet.ts";
import { timePanel, type TimeLine } from "../plot-time.ts";
import { secondsText } from "../quantities.ts";
import { goalLines } from "../report-goals.ts";
import type { OverloadJudged, ResourcePoint } from "./judge.ts";
import { bottleneckLine, type OverloadResults } from "./report.ts";

export function overloadSheet(results: OverloadResults): Sheet {
  return {
    title: "Tollgate bench overload",
    subtitle: `${results.startedAt}, took ${secondsText(results.durationMs)} · ${machineLine(results.machine)}`,
    lines: goalLines(results.goals),
    panels: results.bottlenecks.flatMap((judged) => panelsOf(judged)),
  };
}

function panelsOf(judged: OverloadJudged): readonly string[] {
  const { timeline, durationMs, overloadFromMs, overloadUntilMs, times } = judged;
  const slotMs = (timeline[1]?.fromMs ?? 0) - (timeline[0]?.fromMs ?? 0);
  const line = (name: string, color: string, valueOf: (index: number) => number | undefined) => ({
    name,
    color,
    points: timeline.map(({ fromMs }, index) => ({
      atMs: fromMs + slotMs / 2,
      value: valueOf(index),
    })),
  });
  const axis = {
    untilMs: durationMs,
    moments: [
      { atMs: overloadFromMs, label: `${times} × capacity` },
      { atMs: overloadUntilMs, label: "1 × again" },
    ],
  };
  return [
    timePanel({
      ...axis,
      title: `Bottleneck ${judged.bottleneck}: offered and served`,
      note: bottleneckLine(judged),
      yLabel: "requests per second",
      lines: [
        line("offered", COLORS.direct, (index) => timeline[index]?.offeredPerSecond),
        line("refused, failed", COLORS.relay, (index) => timeline[index]?.failedPerSecond),
        line("served", COLORS.tollgate, (index) => timeline[index]?.succeededPerSecond),
      ],
      reference: { value: judged.peakPerSecond * 0.9, label: "90 % of the peak" },
    }),
    timePanel({
      ...axis,
      title: "Latency of the served",
      note: "p99 of those that ended in each moment",
      yLabel: "milliseconds",
      lines: [line("p99", COLORS.tollgate, (index) => timeline[index]?.p99Ms)],
    }),
    timePanel({
      ...axis,
      title: "Tollgate's resident memory",
      note: "read from outside",
      yLabel: "megabytes",
      lines: [
        resourceLine(judged, "Tollgate", COLORS.tollgate, ({ residentBytes }) =>
          residentBytes === undefined ? undefined : residentBytes / 1_000_000,
        ),
      ],
    }),
    timePanel({
      ...axis,
      title: "Processors kept busy",
      note: "the load generator must not be what is short of them",
      yLabel: "processors",
      lines: [
        resourceLine(judged, "upstream", COLORS.direct, (point) => point.upstreamCores),
        resourceLine(judged, "generator", COLORS.relay, (point) => point.generatorCores),
        resourceLine(judged, "Tollgate", COLORS.tollgate, (point) => point.gatewayCores),
      ],
    }),
  ];
}

function resourceLine(
  { resources, durationMs }: OverloadJudged,
  name: string,
  color: string,
  valueOf: (point: ResourcePoint) => number | undefined,
): TimeLine {
  const during = resources.filter(({ atMs }) => atMs >= 0 && atMs <= durationMs);
  return {
    name,
    color,
    points: during.map((point) => ({ atMs: point.atMs, value: valueOf(point) })),
  };
}
