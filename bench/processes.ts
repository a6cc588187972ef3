/**
 * Starts and ends the processes that are measured. Each writes its output to a file, so that
 * reading it costs the load generator nothing; each is ended by its process id, whatever happens.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { sleep, systemClock } from "../src/base/clock.ts";

/** How a process is started; it sees no more of our environment than `env`. */
export type Launch = {
  readonly name: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What the process prints when it serves; the first group is its address. */
  readonly readyPattern: RegExp;
};

export type Running = { readonly name: string; readonly pid: number; readonly url: URL };

const readyWithinMsDefault = 30_000;
const endWithinMsDefault = 5_000;
const pollMs = 20;
const tailCharacters = 2_000;

/** The processes of one run. Whoever starts any calls {@link Processes.stop} in the end. */
export class Processes {
  readonly #folder: string;
  readonly #endWithinMs: number;
  readonly #readyWithinMs: number;
  readonly #children: Subprocess[] = [];

  /**
   * `folder`: where the outputs go; it must exist. `endWithinMs`: from SIGTERM to SIGKILL;
   * `readyWithinMs`: how long a process may take to serve.
   */
  constructor(
    folder: string,
    options: { readonly endWithinMs?: number; readonly readyWithinMs?: number } = {},
  ) {
    this.#folder = folder;
    this.#readyWithinMs = options.readyWithinMs ?? readyWithinMsDefault;
    this.#endWithinMs = options.endWithinMs ?? endWithinMsDefault;
  }

  /** Resolves when the process says that it serves; throws with its last words when it does not. */
  async start(launch: Launch, signal: AbortSignal): Promise<Running> {
    signal.throwIfAborted();
    const outputPath = join(this.#folder, `${launch.name}.log`);
    const child = Bun.spawn([...launch.command], {
      cwd: launch.cwd,
      env: { ...launch.env },
      stdin: "ignore",
      stdout: Bun.file(outputPath),
      stderr: Bun.file(`${outputPath}.err`),
    });
    this.#children.push(child);
    const deadlineMs = systemClock.monotonicMs() + this.#readyWithinMs;
    for (;;) {
      // Asked before its output is read, so that the last words of an ended process are all there.
      const ended = child.exitCode !== null || child.signalCode !== null;
      const output = await readOutput(outputPath);
      const address = launch.readyPattern.exec(output)?.[1];
      if (address !== undefined && !ended) {
        return { name: launch.name, pid: child.pid, url: new URL(address) };
      }
      signal.throwIfAborted();
      const late = systemClock.monotonicMs() > deadlineMs;
      if (late || ended) {
        const errors = await readOutput(`${outputPath}.err`);
        const fate = ended ? `ended with ${child.exitCode ?? "a signal"}` : "did not become ready";
        throw new Error(`${launch.name} ${fate}:\n${`${output}${errors}`.slice(-tailCharacters)}`);
      }
      await sleep(systemClock, pollMs, signal);
    }
  }

  /** Ends all: SIGTERM, then SIGKILL for those that stay. Resolves when none is left. */
  async stop(): Promise<void> {
    const leaving = this.#children.splice(0).map(async (child) => {
      child.kill("SIGTERM");
      const timer = systemClock.after(this.#endWithinMs, () => child.kill("SIGKILL"));
      await child.exited;
      timer.cancel();
    });
    await Promise.all(leaving);
  }
}

async function readOutput(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    // The file appears when the process is spawned; until then it has said nothing.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
