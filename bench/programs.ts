/**
 * How the bench starts its own programs: each a process, in a folder of the run, with an environment
 * that the caller's settings cannot bend, and where the system can do it on processors of its own.
 */
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import type { Processes, Running } from "./processes.ts";

/** What every start of a run has in common. */
export type ProgramContext = {
  readonly processes: Processes;
  readonly folder: string;
  readonly signal: AbortSignal;
};

/** One of ours, which says `NAME listening on ADDRESS` when it serves. */
export type Program = {
  readonly name: string;
  /** Below `bench`. */
  readonly file: string;
  readonly args?: readonly string[];
  /** The only processors that it may run on, as taskset lists them. */
  readonly cpus?: string | undefined;
};

export const projectRoot = resolve(import.meta.dir, "..");

/**
 * Nothing of the caller's environment. Bun sends 256 requests at a time unless it is told otherwise
 * before it starts, which `bun start` does as well.
 */
export const environment = { NODE_ENV: "production", BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" };

/** Starts one of ours; throws with its last words when it does not come up. */
export function startProgram(context: ProgramContext, program: Program): Promise<Running> {
  const { processes, folder, signal } = context;
  const command = [process.execPath, join(projectRoot, "bench", program.file)];
  return processes.start(
    {
      name: program.name,
      command: onCpus([...command, ...(program.args ?? [])], program.cpus),
      env: environment,
      cwd: folder,
      readyPattern: new RegExp(`${program.name} listening on (http://\\S+)`),
    },
    signal,
  );
}

/** The command on these processors alone; without `list` on any. */
export function onCpus(command: readonly string[], list: string | undefined): readonly string[] {
  return list === undefined ? command : ["taskset", "--cpu-list", list, ...command];
}

/** Processors for what is measured and for everything around it. */
export type CpuShares = { readonly subject: string; readonly rest: string };

/**
 * The first processor for what is measured and the others for the rest, so that more load does not
 * take from it what it is measured by; undefined where there is only one or no taskset.
 */
export function cpuShares(): CpuShares | undefined {
  const count = cpus().length;
  if (count < 2 || Bun.which("taskset") === null) return undefined;
  return { subject: "0", rest: count === 2 ? "1" : `1-${count - 1}` };
}
