/** The results of a whole run as text for a terminal: the goals first, then each measurement. */
import { machineLine } from "./machine.ts";
import { ADDED_P99_MAX_MS } from "./measure-rate.ts";
import {
  bytesText,
  countText,
  DASH,
  secondsText,
  microsText,
  msText,
  rateText,
} from "./quantities.ts";
import { goalsTable } from "./report-goals.ts";
import type { SuiteResults } from "./results.ts";
import type { Added } from "./statistics.ts";
import { SUBJECT_LABELS, type SubjectName } from "./subjects.ts";
import { renderTable, type Table } from "./table.ts";

/** Ends with a line break. */
export function suiteReport(results: SuiteResults): string {
  const head = [
    `Tollgate bench, ${results.profile} profile, ${secondsText(results.durationMs)}`,
    machineLine(results.machine),
    "",
  ];
  const tables = [
    goalsTable("Goals, every control on", results.goals),
    plainTable(results),
    costTable(results),
    rateTable(results),
    firstFrameTable(results),
    gapTable(results),
    crowdTable(results),
    memoryTable(results),
  ];
  return `${head.join("\n")}\n${tables.map((table) => renderTable(table)).join("\n")}`;
}

function plainTable(results: SuiteResults): Table {
  return {
    title: "Plain exchange, one client, back to back",
    columns: ["", "exchanges", "p50", "p95", "p99", "added p50", "added p95", "added p99"],
    rows: results.plain.map(({ subject, latency, added }) => [
      SUBJECT_LABELS[subject],
      countText(latency.count),
      msText(latency.p50Ms),
      msText(latency.p95Ms),
      msText(latency.p99Ms),
      ...(subject === "direct"
        ? [DASH, DASH, DASH]
        : [msText(added.p50Ms), msText(added.p95Ms), msText(added.p99Ms)]),
    ]),
  };
}

function costTable(results: SuiteResults): Table {
  return {
    title: "Process CPU per plain exchange, at a fixed rate",
    columns: ["", "exchanges", "CPU each", "p50", "p99", "failed", "generator late by (p99)"],
    rows: results.cpu.map((entry) => [
      SUBJECT_LABELS[entry.subject],
      countText(entry.exchanges),
      microsText(entry.cpuMicrosPerExchange),
      msText(entry.latency.p50Ms),
      msText(entry.latency.p99Ms),
      countText(entry.failures),
      msText(entry.lag.p99Ms),
    ]),
  };
}

function rateTable(results: SuiteResults): Table {
  return {
    title: `Sustainable rate: no failure, p99 at most ${ADDED_P99_MAX_MS} ms above the direct way`,
    columns: ["", "holds", "p50 there", "p99 there", "fails at"],
    rows: results.rate.map((entry) => {
      const held = entry.steps.findLast(
        (step) => step.held && step.ratePerSecond === entry.sustainedPerSecond,
      );
      const failed = entry.steps.filter(
        (step) => !step.held && step.ratePerSecond > entry.sustainedPerSecond,
      );
      const lowest = Math.min(...failed.map((step) => step.ratePerSecond));
      return [
        SUBJECT_LABELS[entry.subject],
        `${entry.limited ? "≥ " : ""}${rateText(entry.sustainedPerSecond)}`,
        msText(held?.p50Ms),
        msText(held?.p99Ms),
        Number.isFinite(lowest) ? rateText(lowest) : DASH,
      ];
    }),
  };
}

function firstFrameTable(results: SuiteResults): Table {
  return {
    title: `Streams, one frame per ${results.framePaceMs} ms: time to the first frame`,
    columns: ["", "streams", "failed", "p50", "p99", "added p50", "added p99"],
    rows: results.streams.map((entry) => [
      SUBJECT_LABELS[entry.subject],
      countText(entry.streams),
      countText(entry.failures),
      msText(entry.firstFrame.p50Ms),
      msText(entry.firstFrame.p99Ms),
      ...addedCells(entry.subject, entry.firstFrameAdded),
    ]),
  };
}

function gapTable(results: SuiteResults): Table {
  return {
    title: "The same streams: gap between frames",
    columns: ["", "frames", "lost", "merged", "p50", "p99", "added p50", "added p99", "CPU each*"],
    rows: results.streams.map((entry) => [
      SUBJECT_LABELS[entry.subject],
      countText(entry.frames),
      countText(entry.framesLost),
      countText(entry.framesMerged),
      msText(entry.gap.p50Ms),
      msText(entry.gap.p99Ms),
      ...addedCells(entry.subject, entry.gapAdded),
      microsText(entry.cpuMicrosPerFrame),
    ]),
    note: "* opening the stream included; without it see below",
  };
}

/** Median and tail of what a way adds; the direct way adds nothing to itself. */
function addedCells(subject: SubjectName, added: Added): readonly string[] {
  return subject === "direct" ? [DASH, DASH] : [msText(added.p50Ms), msText(added.p99Ms)];
}

function coresText(cores: number | undefined): string {
  return cores?.toFixed(2) ?? DASH;
}

function crowdTable(results: SuiteResults): Table {
  const streams = countText(results.crowd[0]?.streams ?? 0);
  return {
    title: `${streams} streams at once, one frame per ${results.framePaceMs} ms`,
    columns: [
      "",
      "frames",
      "lost",
      "merged",
      "failed",
      "gap p50",
      "gap p99",
      "CPU per frame",
      "cores",
      "upstream",
      "generator",
    ],
    rows: results.crowd.map((entry) => [
      SUBJECT_LABELS[entry.subject],
      countText(entry.frames),
      countText(entry.framesLost),
      countText(entry.framesMerged),
      countText(entry.failures),
      msText(entry.gap.p50Ms),
      msText(entry.gap.p99Ms),
      microsText(entry.cpuMicrosPerFrame),
      coresText(entry.cores.subject),
      coresText(entry.cores.upstream),
      coresText(entry.cores.generator),
    ]),
  };
}

function memoryTable(results: SuiteResults): Table {
  return {
    title: "Resident memory",
    columns: ["", "after start", "after the run", "waiting streams", "per waiting stream"],
    rows: results.memory
      .filter((entry) => entry.subject !== "direct")
      .map((entry) => {
        const idle = results.idle.find((candidate) => candidate.subject === entry.subject);
        return [
          SUBJECT_LABELS[entry.subject],
          bytesText(entry.idleBytes),
          bytesText(entry.afterLoadBytes),
          countText(idle?.streams ?? 0),
          bytesText(idle?.residentBytesPerStream),
        ];
      }),
  };
}
