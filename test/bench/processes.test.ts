/** Processes are started until they serve, say why when they do not, and are always ended. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuBetween, usageOf } from "../../bench/process-usage.ts";
import { Processes } from "../../bench/processes.ts";

let folder = "";
let processes = new Processes(folder);
const { signal } = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tollgate-test-"));
  processes = new Processes(folder, { endWithinMs: 300 });
});

afterEach(async () => {
  await processes.stop();
  await rm(folder, { recursive: true });
});

function launch(name: string, script: string) {
  return {
    name,
    command: [process.execPath, "-e", script],
    env: { GIVEN: "yes" },
    cwd: folder,
    readyPattern: /serving on (\S+)/,
  };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function failureOf(start: Promise<unknown>): Promise<string> {
  try {
    await start;
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const serving = `console.log("serving on http://127.0.0.1:1"); setInterval(() => {}, 1000);`;

describe("a process under measurement", () => {
  test("is running once it says so, and gone after stop", async () => {
    const running = await processes.start(launch("one", serving), signal);
    expect({ ...running, pid: 0 }).toEqual({
      name: "one",
      pid: 0,
      url: new URL("http://127.0.0.1:1"),
    });
    expect(alive(running.pid)).toBe(true);
    await processes.stop();
    expect(alive(running.pid)).toBe(false);
  });

  test("is killed when it does not want to end", async () => {
    const script = `process.on("SIGTERM", () => {}); ${serving}`;
    const running = await processes.start(launch("stubborn", script), signal);
    await processes.stop();
    expect(alive(running.pid)).toBe(false);
  });

  test("that ends before it serves fails with its last words", async () => {
    const script = `console.log("almost"); console.error("no disk"); process.exit(3);`;
    expect(await failureOf(processes.start(launch("broken", script), signal))).toBe(
      "broken ended with 3:\nalmost\nno disk\n",
    );
  });

  test("sees the environment that it is given and nothing of ours", async () => {
    const script = `console.log("serving on http://" + Object.keys(process.env).sort().join("."));${serving}`;
    const running = await processes.start(launch("clean", script), signal);
    expect(running.url.hostname).toBe("given");
  });

  test("is not started after an interrupt", async () => {
    const interrupted = AbortSignal.abort(new Error("interrupted"));
    expect(await failureOf(processes.start(launch("late", serving), interrupted))).toBe(
      "interrupted",
    );
  });
});

describe("a process's usage", () => {
  test("grows with the CPU time that it uses, and has a size", () => {
    const before = usageOf(process.pid);
    const cpu = process.cpuUsage();
    const burnt = (): number => {
      const { user, system } = process.cpuUsage(cpu);
      return (user + system) / 1_000;
    };
    while (burnt() < 100) Math.sqrt(burnt());
    const usedMs = cpuBetween(before, usageOf(process.pid));
    if (process.platform !== "linux") {
      expect(usedMs).toBeUndefined();
      return;
    }
    expect(usedMs).toBeGreaterThanOrEqual(70);
    expect(usedMs).toBeLessThan(1_000);
    const residentBytes = usageOf(process.pid)?.residentBytes ?? 0;
    expect(residentBytes / process.memoryUsage.rss()).toBeCloseTo(1, 0);
  });

  test("is not known of a process that is gone", async () => {
    const child = Bun.spawn(["true"]);
    await child.exited;
    expect(usageOf(child.pid)).toBeUndefined();
    expect(cpuBetween(undefined, { cpuMs: 1, residentBytes: 1 })).toBeUndefined();
  });
});
