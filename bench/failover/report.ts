/** What failing providers came to, as text for people and as the content of a file. */
import type { Goal } from "../goals.ts";
import { type Machine, machineLine } from "../machine.ts";
import { countText, DASH, msText, rateText, secondsText } from "../quantities.ts";
import { goalsTable } from "../report-goals.ts";
import { areMet } from "../report-goals.ts";
import { renderTable, type Table } from "../table.ts";
import type { WayJudged } from "./judge.ts";

/** Everything that is reported and kept of a run. */
export type FailoverResults = {
  readonly kind: "failover";
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  readonly providers: number;
  readonly ratePerSecond: number;
  readonly stream: boolean;
  readonly firstByteMs: number;
  readonly ways: readonly WayJudged[];
  readonly goals: readonly Goal[];
};

/** What was done, in a line. */
export function failoverHeadline(results: FailoverResults): string {
  const { providers, ratePerSecond, stream } = results;
  const place = providers === 1 ? "one provider" : `${providers} providers`;
  const kind = stream ? "streams" : "plain requests";
  return `${place}, ${rateText(ratePerSecond)} ${kind}, open loop`;
}

export function failoverReport(results: FailoverResults): string {
  const { durationMs, machine, goals, ways } = results;
  return [
    `Tollgate bench failover: ${failoverHeadline(results)}, took ${secondsText(durationMs)}\n`,
    `${machineLine(machine)}\n\n`,
    renderTable(goalsTable("Goals", goals)),
    "\n",
    renderTable(phasesTable(results)),
    "\n",
    renderTable(breakerTable(ways)),
    ...failureLines(ways),
    `\n${areMet(goals) ? "No goal was missed." : "A goal was missed."}\n`,
  ].join("");
}

function phasesTable({ ways, firstByteMs }: FailoverResults): Table {
  return {
    title: "What clients saw, by the time at which a request was due",
    columns: [
      "",
      "for",
      "requests",
      "succeeded",
      "attempts each",
      "p50",
      "p99",
      "added p50",
      "added p99",
      "refused p99",
    ],
    rows: ways.flatMap(({ way, phases }) =>
      phases.map((phase) => [
        `${way}, ${phase.name}`,
        secondsText(phase.durationMs),
        countText(phase.offered),
        shareText(phase.succeeded, phase.offered),
        phase.attemptsPerRequest?.toFixed(2) ?? DASH,
        ...(phase.latency.count === 0
          ? [DASH, DASH, DASH, DASH]
          : [
              msText(phase.latency.p50Ms),
              msText(phase.latency.p99Ms),
              msText(phase.added.p50Ms),
              msText(phase.added.p99Ms),
            ]),
        msText(phase.refusedP99Ms),
      ]),
    ),
    note: `failing: until Tollgate left the provider alone. It waits ${msText(firstByteMs)} for a first byte.`,
  };
}

function shareText(part: number, whole: number): string {
  return whole === 0 ? DASH : `${((100 * part) / whole).toFixed(2)} %`;
}

function breakerTable(ways: readonly WayJudged[]): Table {
  return {
    title: "The provider that failed, by its own count",
    columns: [
      "",
      "left alone after",
      "requests until then",
      "offered",
      "requests after",
      "back after",
      "half of all after",
    ],
    rows: ways.map((way) => [
      way.way,
      msText(way.leftAloneAfterMs),
      way.stormArrivals === undefined ? DASH : countText(way.stormArrivals),
      countText(way.stormOffered),
      way.probes === undefined ? DASH : countText(way.probes),
      msText(way.backAfterMs),
      way.halfBackAfterMs === undefined ? "later" : secondsText(way.halfBackAfterMs),
    ]),
    note: "back: counted from healing",
  };
}

/** What failed, and how; most frequent first. */
function failureLines(ways: readonly WayJudged[]): readonly string[] {
  const lines = ways.flatMap(({ way, phases }) =>
    phases.flatMap(({ name, failures }) =>
      failures.map(({ label, count }) => `${way}, ${name}: ${countText(count)} × ${label}\n`),
    ),
  );
  return lines.length === 0 ? [] : ["\n", ...lines];
}
