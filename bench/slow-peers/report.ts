/** What slow peers did to others, as text for people and as the content of a file. */
import type { Goal } from "../goals.ts";
import { type Machine, machineLine } from "../machine.ts";
import { bytesText, countText, DASH, msText, rateText, secondsText } from "../quantities.ts";
import { areMet, goalsTable } from "../report-goals.ts";
import { renderTable, type Table } from "../table.ts";
import type { Compared, KindJudged } from "./judge.ts";

/** Everything that is reported and kept of a run. */
export type SlowPeersResults = {
  readonly kind: "slow_peers";
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  readonly peers: number;
  readonly plainPerSecond: number;
  readonly streamsPerSecond: number;
  readonly rounds: number;
  readonly blockMs: number;
  readonly kinds: readonly KindJudged[];
  readonly goals: readonly Goal[];
};

/** What was done, in a line. */
export function slowPeersHeadline(results: SlowPeersResults): string {
  const { peers, plainPerSecond, streamsPerSecond, rounds, blockMs } = results;
  const load = `${rateText(plainPerSecond)} plain and ${rateText(streamsPerSecond)} streams`;
  return `${countText(peers)} slow peers beside ${load}, ${rounds} × ${secondsText(blockMs)} each`;
}

export function slowPeersReport(results: SlowPeersResults): string {
  const { durationMs, machine, goals, kinds } = results;
  return [
    `Tollgate bench slow-peers: ${slowPeersHeadline(results)}, took ${secondsText(durationMs)}\n`,
    `${machineLine(machine)}\n\n`,
    renderTable(goalsTable("Goals", goals)),
    "\n",
    renderTable(latencyTable(kinds)),
    "\n",
    renderTable(costTable(kinds)),
    ...failureLines(kinds),
    `\n${areMet(goals) ? "No goal was missed." : "A goal was missed."}\n`,
  ].join("");
}

function latencyTable(kinds: readonly KindJudged[]): Table {
  return {
    title: "Ordinary clients alone and beside slow ones, in turn",
    columns: [
      "",
      "requests",
      "p50 alone",
      "p50 beside",
      "ratio",
      "p99 alone",
      "p99 beside",
      "ratio",
      "by round",
      "alone, worst to best",
    ],
    rows: kinds.flatMap(({ kind, plain, streams }) => [
      [`slow ${kind}, plain`, ...cells(plain)],
      [`slow ${kind}, first frame`, ...cells(streams)],
    ]),
    note: "alone, worst to best: p99 of the rounds without slow peers, which is the machine's own noise",
  };
}

function cells(compared: Compared): readonly string[] {
  const { alone, beside, p50Ratio, p99Ratio, p99RatioByRound, aloneSpread } = compared;
  return [
    `${countText(alone.count)} + ${countText(beside.count)}`,
    msText(alone.p50Ms),
    msText(beside.p50Ms),
    timesText(p50Ratio),
    msText(alone.p99Ms),
    msText(beside.p99Ms),
    timesText(p99Ratio),
    p99RatioByRound.map((one) => one.toFixed(2)).join(" "),
    timesText(aloneSpread),
  ];
}

function timesText(times: number | undefined): string {
  return times === undefined ? DASH : `${times.toFixed(2)} ×`;
}

function costTable(kinds: readonly KindJudged[]): Table {
  return {
    title: "What Tollgate had of them",
    columns: [
      "",
      "still there",
      "answered with",
      "memory alone",
      "beside",
      "per peer",
      "files alone",
      "beside",
    ],
    rows: kinds.map((one) => [
      `slow ${one.kind}`,
      `${countText(one.peersHeld)} of ${countText(one.peers)}`,
      Object.entries(one.statuses)
        .map(([status, count]) => `${countText(count)} × ${status}`)
        .join(", ") || "nothing yet",
      bytesText(one.aloneBytes),
      bytesText(one.besideBytes),
      bytesText(perPeer(one)),
      one.aloneFiles === undefined ? DASH : countText(one.aloneFiles),
      one.besideFiles === undefined ? DASH : countText(one.besideFiles),
    ]),
    note: "the most of any round; memory alone is after slow peers of an earlier round, too",
  };
}

function perPeer({ aloneBytes, besideBytes, peers }: KindJudged): number | undefined {
  if (aloneBytes === undefined || besideBytes === undefined) return undefined;
  return Math.max(0, besideBytes - aloneBytes) / Math.max(1, peers);
}

/** What failed of the ordinary clients' requests, most frequent first. */
function failureLines(kinds: readonly KindJudged[]): readonly string[] {
  const lines = kinds.flatMap(({ kind, failures }) =>
    failures.map(({ label, count }) => `slow ${kind}: ${countText(count)} × ${label}\n`),
  );
  return lines.length === 0 ? [] : ["\n", ...lines];
}
