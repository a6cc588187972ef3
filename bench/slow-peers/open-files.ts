/** How many files a process may have open, and has open; as far as the system tells. */
import { readdirSync, readFileSync } from "node:fs";

/** Undefined where there is no /proc. */
function openFilesMax(): number | undefined {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const text = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    if (text === undefined) return undefined;
    return text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text);
  } catch {
    return undefined;
  }
}

/** Undefined when the process is gone or there is no /proc. */
export function openFilesOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}

/** Beside the peers: ordinary clients, the database, and what a process has anyway. */
const othersMax = 500;

/** Throws what is too little for so many peers: Tollgate has two connections for each reader. */
export function requireOpenFiles(peers: number, filesMax = openFilesMax()): void {
  const needed = peers * 2 + othersMax;
  if (filesMax === undefined || filesMax >= needed) return;
  throw new Error(
    `${peers} slow peers need ${needed} open files in one process and the limit is ${filesMax}: ` +
      `run \`ulimit -n ${needed}\` first, or ask for fewer with --peers`,
  );
}
