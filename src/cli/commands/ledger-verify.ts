/** `tollgate ledger verify`: proves the ledger untouched, offline or beside a running server. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { check } from "../../admin/shapes/check.ts";
import { LedgerHeads as KeptHeads } from "../../admin/shapes/ledger.ts";
import { formatTime } from "../../base/clock.ts";
import { GatewayError } from "../../base/error.ts";
import { systemReason } from "../../config/system-reason.ts";
import { DATABASE_FILE } from "../../store/open.ts";
import { type LedgerHeads, type LedgerReport, verifyLedger } from "../../store/verify.ts";
import type { Told } from "../admin-client.ts";
import { writeJson, writeTable } from "../table.ts";
import type { Output, Terminal } from "../terminal.ts";

const HEAD = /^[0-9a-f]{64}$/;
const [DONE, FAILED, MISUSED] = [0, 1, 2] as const;

/** 0 untouched, 1 differences or no ledger to read, 2 when the kept heads cannot be read. */
export function verify(
  dataDir: string,
  asked: { readonly headsFile: string | null; readonly json: boolean },
  { out, err }: Terminal,
): number {
  const complain = (problem: string): void => err.line(`${err.styled("red", "error:")} ${problem}`);
  const kept = asked.headsFile === null ? null : readHeads(asked.headsFile);
  if (kept !== null && !kept.ok) {
    complain(kept.problem);
    return MISUSED;
  }
  try {
    const report = verifyLedger(join(dataDir, DATABASE_FILE), {
      ...(kept !== null && { expectedHeads: kept.value }),
      onProgress: progressTo(err),
    });
    if (asked.json) writeJson(out, reportJson(report));
    else tell(out, report, kept !== null);
    return report.differenceCount === 0 ? DONE : FAILED;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    complain(error.message);
    return FAILED;
  }
}

/** What `ledger status --json` and `ledger verify --json` told. */
function readHeads(file: string): Told<LedgerHeads> {
  let text: string;
  try {
    text = readFileSync(resolve(file), "utf8");
  } catch (error) {
    return { ok: false, problem: `${file} cannot be read: ${systemReason(error)}` };
  }
  const heads = check(KeptHeads, parse(text));
  const isWhole =
    heads.allowed && HEAD.test(heads.value.attempts_head) && HEAD.test(heads.value.postings_head);
  if (!isWhole) {
    return { ok: false, problem: `${file} holds no heads as \`ledger status --json\` tells them` };
  }
  const { attempts, postings, attempts_head: attemptsHead } = heads.value;
  return {
    ok: true,
    value: { attempts, postings, attemptsHead, postingsHead: heads.value.postings_head },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON holds no heads, which the caller says.
    return undefined;
  }
}

/** On a terminal alone: one line that is written over and removed at the end. */
function progressTo(err: Output): (doneRows: number, totalRows: number) => void {
  if (!err.isTerminal) return () => undefined;
  return (done, total) => {
    err.write(done >= total ? "\r\u001b[K" : `\r${Math.floor((done / total) * 100)} %`);
  };
}

function reportJson(report: LedgerReport): object {
  const { frozen } = report;
  return {
    attempts: report.attempts,
    postings: report.postings,
    attempts_head: report.attemptsHead,
    postings_head: report.postingsHead,
    open: report.open,
    frozen: frozen && { detail: frozen.detail, since: formatTime(frozen.sinceMs) },
    difference_count: report.differenceCount,
    differences: report.differences,
  };
}

function tell(out: Output, report: LedgerReport, wasCompared: boolean): void {
  const { attempts, postings, open, frozen, differenceCount, differences } = report;
  out.line(`attempts  ${attempts}, ending in ${report.attemptsHead}`);
  out.line(`postings  ${postings}, ending in ${report.postingsHead}`);
  if (open > 0) out.line(`${open} attempts have no posting yet: in flight, or left by a crash.`);
  if (frozen !== null) {
    out.line(out.styled("yellow", `Frozen since ${formatTime(frozen.sinceMs)}. ${frozen.detail}`));
  }
  if (differenceCount === 0) {
    const heads = wasCompared ? ", and it continues the heads that were kept" : "";
    out.line(
      out.styled("green", `The ledger is untouched: every sum is that of its entries${heads}.`),
    );
    return;
  }
  out.line(out.styled("red", `${differenceCount} differences:`));
  writeTable(
    out,
    ["TABLE", "ROW", "WHAT"],
    differences.map(({ table, row, what }) => [table, row, what]),
  );
  const more = differenceCount - differences.length;
  if (more > 0) out.line(`and ${more} more.`);
}
