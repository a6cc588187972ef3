/** What a result was measured on: without it a number says nothing. */
import { cpus, release, totalmem, type } from "node:os";
import { resolve } from "node:path";

/** Enough to judge whether two results may be compared. */
export type Machine = {
  readonly cpuModel: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly bun: string;
  /** Short commit of the working copy, `+` when it has changes; undefined outside of one. */
  readonly commit: string | undefined;
};

/** This machine and this working copy, now. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpuModel: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    bun: Bun.version,
    commit: commit(),
  };
}

function commit(): string | undefined {
  const hash = git("rev-parse", "--short", "HEAD");
  if (hash === undefined) return undefined;
  return git("status", "--porcelain") === "" ? hash : `${hash}+`;
}

/** What git answers in the project's folder; undefined without git or without a repository. */
function git(...args: readonly string[]): string | undefined {
  if (Bun.which("git") === null) return undefined;
  const run = Bun.spawnSync(["git", ...args], { cwd: resolve(import.meta.dir, "..") });
  return run.success ? run.stdout.toString().trim() : undefined;
}

/** One line for people. */
export function machineLine(machine: Machine): string {
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const commitText = machine.commit === undefined ? "" : `, commit ${machine.commit}`;
  return `${machine.cores} × ${machine.cpuModel}, ${memory}, ${machine.system}, Bun ${machine.bun}${commitText}`;
}
