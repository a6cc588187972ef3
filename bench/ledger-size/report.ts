/** What a long history costs, as text for people and as the content of a file. */
import { bytesText, countText, DASH, durationText, msText, secondsText } from "../quantities.ts";
import { type Machine, machineLine } from "../machine.ts";
import { renderTable } from "../table.ts";
import type { Generated } from "./generate.ts";
import type { ChatEntry } from "./measure-chat.ts";
import type { ReadEntry } from "./measure-reads.ts";

export type StartTimes = {
  readonly emptyMs: number;
  readonly historyMs: number;
  /** With the database out of the system's cache; undefined where that is not possible. */
  readonly historyColdMs: number | undefined;
};

/** Everything that is reported and kept of a run. */
export type LedgerSizeResults = {
  readonly kind: "ledger_size";
  readonly startedAt: string;
  readonly machine: Machine;
  /** Processes that wanted a core, over the last minute, when the measuring began. */
  readonly loadAverage: number;
  readonly generated: Generated;
  /** False: the ledger was made by the store's own functions and not proved again. */
  readonly verified: boolean;
  readonly start: StartTimes;
  readonly reads: readonly ReadEntry[];
  readonly chats: readonly ChatEntry[];
  readonly met: boolean;
};

export function ledgerSizeReport(results: LedgerSizeResults): string {
  const { generated, machine, loadAverage } = results;
  const { requests, attempts, postings, accessTokens, days, bytes, durationMs } = generated;
  return [
    `Tollgate bench ledger-size: ${countText(requests)} requests, ${countText(attempts)} attempts, `,
    `${countText(postings)} postings of ${countText(accessTokens)} access tokens in ${days} days\n`,
    `${bytesText(bytes)}, made in ${durationText(durationMs)}, `,
    `${results.verified ? "verified" : "not verified (--verify)"}\n`,
    `${machineLine(machine)}; load average ${loadAverage.toFixed(1)}\n\n`,
    readTable(results.reads),
    "\n",
    chatTable(results.chats),
    "\n",
    startLine(results.start),
    `\n${results.met ? "Every goal was met." : "A goal was missed."}\n`,
  ].join("");
}

function readTable(reads: readonly ReadEntry[]): string {
  return renderTable({
    title: "Reads over the admin API",
    columns: ["", "cold p50", "cold max", "warm p50", "warm p95", "goal", "met"],
    rows: reads.map(({ name, cold, warm, goalMs, met }) => [
      name,
      msText(cold?.p50Ms),
      msText(cold?.maxMs),
      msText(warm.p50Ms),
      msText(warm.p95Ms),
      goalMs === undefined ? DASH : `< ${msText(goalMs)}`,
      met === undefined ? DASH : met ? "yes" : "no",
    ]),
    note: "A goal is met when the median of the cold reads and the p95 of the warm ones are below it.",
  });
}

function chatTable(chats: readonly ChatEntry[]): string {
  const empty = chats.find(({ name }) => name === "empty")?.latency;
  return renderTable({
    title: "Plain exchanges of one client, and what they took longer than on an empty database",
    columns: ["", "exchanges", "p50", "p99", "p50 longer", "p99 longer"],
    rows: chats.map(({ name, latency }) => [
      name,
      countText(latency.count),
      msText(latency.p50Ms),
      msText(latency.p99Ms),
      longerText(latency.p50Ms, empty?.p50Ms),
      longerText(latency.p99Ms, empty?.p99Ms),
    ]),
  });
}

function longerText(ms: number, emptyMs: number | undefined): string {
  return emptyMs === undefined ? DASH : msText(ms - emptyMs);
}

function startLine({ emptyMs, historyMs, historyColdMs }: StartTimes): string {
  const cold = historyColdMs === undefined ? "" : `, ${secondsText(historyColdMs)} when cold`;
  return `From process start to ready: ${secondsText(emptyMs)} empty, ${secondsText(historyMs)} with the history${cold}\n`;
}
