/**
 * What the operating system says a process used: CPU time of all its threads, ended ones included,
 * and resident memory. Read from /proc, so only on Linux; elsewhere the answer is undefined.
 */
import { readFileSync } from "node:fs";

/** A reading at one moment. */
export type Usage = {
  /** User and system time since the process began, in steps of the kernel's clock tick. */
  readonly cpuMs: number;
  readonly residentBytes: number;
};

/** The kernel reports times to user space in hundredths of a second on every Linux port. */
const msPerTick = 10;

/** Undefined when the process is gone or the system has no /proc. */
export function usageOf(pid: number): Usage | undefined {
  let stat: string;
  let status: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    status = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses, which may itself hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const residentKb = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  if (!Number.isFinite(ticks) || !Number.isFinite(residentKb)) return undefined;
  return { cpuMs: ticks * msPerTick, residentBytes: residentKb * 1_024 };
}

/** CPU milliseconds that the process used between two readings; undefined when one is missing. */
export function cpuBetween(
  before: Usage | undefined,
  after: Usage | undefined,
): number | undefined {
  return before === undefined || after === undefined ? undefined : after.cpuMs - before.cpuMs;
}
