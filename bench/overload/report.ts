/** What overload came to, as text for people and as the content of a file. */
import type { Goal } from "../goals.ts";
import { type Machine, machineLine } from "../machine.ts";
import { bytesText, countText, DASH, msText, rateText, secondsText } from "../quantities.ts";
import { areMet, goalsTable } from "../report-goals.ts";
import { renderTable, type Table } from "../table.ts";
import type { OverloadJudged } from "./judge.ts";

/** Everything that is reported and kept of a run. */
export type OverloadResults = {
  readonly kind: "overload";
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  readonly bottlenecks: readonly OverloadJudged[];
  readonly goals: readonly Goal[];
};

export function overloadReport(results: OverloadResults): string {
  const { durationMs, machine, goals, bottlenecks } = results;
  return [
    `Tollgate bench overload, took ${secondsText(durationMs)}\n`,
    `${machineLine(machine)}\n`,
    ...bottlenecks.map((one) => `${bottleneckLine(one)}\n`),
    "\n",
    renderTable(goalsTable("Goals", goals)),
    "\n",
    renderTable(stepsTable(bottlenecks)),
    "\n",
    renderTable(memoryTable(bottlenecks)),
    ...endLines(bottlenecks),
    `\n${areMet(goals) ? "No goal was missed." : "A goal was missed."}\n`,
  ].join("");
}

/** What the bottleneck was, and how much it can do. */
export function bottleneckLine(one: OverloadJudged): string {
  const { bottleneck, bounds, capacityPerSecond, isPinned } = one;
  const capacity = `capacity ${rateText(capacityPerSecond)}`;
  if (bounds === undefined) {
    const place = isPinned ? "on a processor of its own" : "on any processor, with all others";
    return `${bottleneck}: Tollgate's own work, ${place}, ${capacity}`;
  }
  const { slots, answerMs, waitingMax, waitMs } = bounds;
  const queue = `${countText(waitingMax)} may wait for ${msText(waitMs)}`;
  return `${bottleneck}: ${countText(slots)} slots of ${msText(answerMs)}, ${queue}, ${capacity}`;
}

function stepsTable(all: readonly OverloadJudged[]): Table {
  return {
    title: "Offered in an open loop, with gaps as of many clients",
    columns: [
      "",
      "for",
      "offered",
      "served",
      "of the peak",
      "p50",
      "p99",
      "refused",
      "failed",
      "sent late",
      "cores",
      "generator",
      "upstream",
    ],
    rows: all.flatMap(({ bottleneck, steps, peakPerSecond }) =>
      steps.map((step) => [
        `${bottleneck}, ${step.name}`,
        secondsText(step.durationMs),
        rateText((step.offered * 1_000) / step.durationMs),
        rateText(step.goodputPerSecond),
        `${((step.goodputPerSecond / peakPerSecond) * 100).toFixed(1)} %`,
        ...(step.latency.count === 0
          ? [DASH, DASH]
          : [msText(step.latency.p50Ms), msText(step.latency.p99Ms)]),
        countText(step.refused),
        countText(step.failed),
        countText(step.lateSends),
        step.gatewayCores?.toFixed(2) ?? DASH,
        step.generatorCores?.toFixed(2) ?? DASH,
        step.upstreamCores?.toFixed(2) ?? DASH,
      ]),
    ),
    note: "p50, p99: of those served. refused: 429 or 503 with retry-after; failed: anything else.",
  };
}

function memoryTable(all: readonly OverloadJudged[]): Table {
  return {
    title: "Tollgate's resident memory, and when it was well again",
    columns: ["", "before", "at most", "at the end", "well again after"],
    rows: all.map(({ bottleneck, memory, recoveredAfterMs }) => [
      bottleneck,
      bytesText(memory?.beforeBytes),
      bytesText(memory?.maxBytes),
      bytesText(memory?.endBytes),
      recoveredAfterMs === undefined ? "never" : secondsText(recoveredAfterMs),
    ]),
  };
}

/** How the requests ended, most frequent first. */
function endLines(all: readonly OverloadJudged[]): readonly string[] {
  const lines = all.flatMap(({ bottleneck, steps }) =>
    steps.flatMap(({ name, ends }) =>
      ends.map(({ label, count }) => `${bottleneck}, ${name}: ${countText(count)} × ${label}\n`),
    ),
  );
  return ["\n", ...lines];
}
