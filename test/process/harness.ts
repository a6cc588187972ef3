/**
 * Real Tollgate processes for tests: started as people start them, watched through their outputs,
 * and ended by their process ids whatever becomes of the test. A stage owns the processes, the
 * simulated providers and the temporary folder of one test; `await using` gives all of it back.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUpstream, type Upstream, type UpstreamOptions } from "../../bench/upstream/server.ts";

export const REPOSITORY = join(import.meta.dir, "../..");
export const MAIN = join(REPOSITORY, "src/main.ts");

/** Given to processes whose admin API a test uses. */
export const ADMIN_TOKEN = "tg-admin-0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1";

/** No wait in these tests is meant to come near this: the machine may be shared. */
const PATIENCE_MS = 20_000;

/** `signal` is the one that ended it; null when it ended by itself. */
export type Exit = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | number | null;
};

export type Launch = {
  /** Program and arguments; `bun src/main.ts` by default. */
  readonly command?: readonly string[];
  /** Further arguments. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** By default the stage's folder, where no configuration file lies. */
  readonly cwd?: string;
};

const running = new Set<Child>();
process.on("exit", () => {
  // Only a test that did not end leaves something here.
  for (const child of running) child.end();
});

/** One process, from its start to its end. */
export class Child {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #texts = { out: "", err: "" };
  #more = Promise.withResolvers<"more">();

  constructor(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
    this.#child = Bun.spawn([...command], {
      cwd,
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
    });
    this.pid = this.#child.pid;
    running.add(this);
    const ends = [this.#collect("out"), this.#collect("err"), this.#child.exited];
    this.exited = Promise.all(ends).then(() => {
      running.delete(this);
      const { exitCode: code, signalCode: signal } = this.#child;
      return { code, signal };
    });
  }

  get out(): string {
    return this.#texts.out;
  }

  get err(): string {
    return this.#texts.err;
  }

  get isEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Lines of the log that tell of `event`. */
  logged(event: string): readonly string[] {
    return this.err.split("\n").filter((line) => line.includes(`"event":"${event}"`));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it and everything it started, now. */
  end(): void {
    if (!running.has(this)) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch (error) {
      // Nothing of its group is left.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }

  /** The error output without the log: complaints for people. */
  get complaints(): string {
    const lines = this.err.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
    return lines.join("\n");
  }

  /** How it ended; rejects when it goes on for longer than any test waits. */
  async ended(): Promise<Exit> {
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), PATIENCE_MS);
    const exit = await Promise.race([this.exited, late.promise]);
    clearTimeout(timer);
    if (exit === null) throw new Error(`still there; it said:\n${this.out}${this.err}`);
    return exit;
  }

  /** Ends it as an operator does, and answers how it ended. */
  stop(): Promise<Exit> {
    this.kill("SIGTERM");
    return this.ended();
  }

  /** The first group of `pattern` in the output, as soon as it is there. */
  async said(pattern: RegExp, output: "out" | "err" = "out"): Promise<string> {
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), PATIENCE_MS);
    const ended = this.exited.then(() => "ended" as const);
    let news: "more" | "ended" | "late" = "more";
    try {
      for (;;) {
        const found = pattern.exec(this.#texts[output]);
        if (found !== null) return found[1] ?? found[0];
        if (news !== "more") {
          throw new Error(`${news} without ${String(pattern)}; it said:\n${this.out}${this.err}`);
        }
        news = await Promise.race([this.#more.promise, ended, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Where it listens, once it says so. */
  url(): Promise<string> {
    return this.said(/^Tollgate listening on (http:\/\/\S+)$/m);
  }

  async #collect(name: "out" | "err"): Promise<void> {
    const stream = name === "out" ? this.#child.stdout : this.#child.stderr;
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.#texts[name] += decoder.decode(bytes, { stream: true });
      const { resolve } = this.#more;
      this.#more = Promise.withResolvers();
      resolve("more");
    }
  }
}

/** What one test starts, and the folder where it keeps its files. */
export class Stage implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "tollgate-process-"));
  readonly #children: Child[] = [];
  readonly #givenBack: (() => void | Promise<void>)[] = [];

  /** A path in the stage's folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  start(launch: Launch = {}): Child {
    const command = [...(launch.command ?? [process.execPath, MAIN]), ...(launch.args ?? [])];
    const child = new Child(command, launch.cwd ?? this.folder, { ...plainEnv(), ...launch.env });
    this.#children.push(child);
    return child;
  }

  /** A gateway on a free port without demo objects, whose admin token is {@link ADMIN_TOKEN}. */
  serve(dataDir: string, launch: Launch = {}): Child {
    return this.start({
      ...launch,
      args: ["--port", "0", "--data-dir", dataDir, ...(launch.args ?? [])],
      env: { TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN, TOLLGATE_DEMO: "off", ...launch.env },
    });
  }

  async upstream(options: UpstreamOptions = {}): Promise<Upstream> {
    const upstream = await startUpstream(options);
    this.later(() => upstream.stop());
    return upstream;
  }

  /** Has `give` called at the end, last taken first. */
  later(give: () => void | Promise<void>): void {
    this.#givenBack.push(give);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.end();
    await Promise.all(this.#children.map((child) => child.exited));
    for (const give of this.#givenBack.toReversed()) await give();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** This process's environment without what would configure Tollgate. */
function plainEnv(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    const isOurs = name.startsWith("TOLLGATE_") || name === "NODE_ENV" || name === "NO_COLOR";
    if (value !== undefined && !isOurs) env[name] = value;
  }
  return env;
}
