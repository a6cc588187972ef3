/** The whole run in its quick profile, with the real Tollgate, and that it leaves nothing behind. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const projectRoot = resolve(import.meta.dir, "../..");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tollgate-test-"));
});

afterAll(() => rm(folder, { recursive: true }));

function startBench(...args: readonly string[]) {
  return Bun.spawn([process.execPath, join(projectRoot, "bench/main.ts"), "--quick", ...args], {
    cwd: folder,
    env: { TMPDIR: folder, TOLLGATE_PORT: "1", PATH: process.env["PATH"] ?? "" },
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** Processes whose parent is `pid`, by the kernel's list; none where there is no /proc. */
function childrenOf(pid: number): readonly number[] {
  if (!existsSync("/proc/self/stat")) return [];
  return readdirSync("/proc").flatMap((name) => {
    const child = Number(name);
    return Number.isInteger(child) && parentOf(child) === pid ? [child] : [];
  });
}

/** Undefined when the process is gone. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined;
  }
}

async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  const reader = stream.getReader();
  let seen = "";
  while (!seen.includes(text)) {
    const { value, done } = await reader.read();
    if (done) break;
    seen += Buffer.from(value).toString();
  }
  return seen;
}

type Entry = Record<string, unknown> & { readonly subject: string };

describe("bun run bench --quick", () => {
  test("measures all three ways, in everything, without a failure", async () => {
    const [json, plot] = [join(folder, "run.json"), join(folder, "run.svg")];
    const bench = startBench("--json", json, "--plot", plot);
    const [out, err] = await Promise.all([bench.stdout.text(), bench.stderr.text()]);
    expect({ code: await bench.exited, complaint: /failed: .*/.exec(err)?.[0] }).toEqual({
      code: 0,
      complaint: undefined,
    });
    expect(out).toContain("Goals, every control on");
    const results = await Bun.file(json).json();
    const of = (name: string): readonly Entry[] => results[name];
    for (const name of ["plain", "cpu", "rate", "streams", "crowd", "memory"]) {
      expect([name, of(name).map((entry) => entry.subject)]).toEqual([
        name,
        ["direct", "relay", "tollgate"],
      ]);
    }
    for (const name of ["plain", "cpu", "streams", "crowd"]) {
      expect([name, of(name).map((entry) => entry["failures"])]).toEqual([name, [0, 0, 0]]);
    }
    expect(of("streams").map((entry) => [entry["frames"], entry["frames_lost"]])).toEqual([
      [100, 0],
      [100, 0],
      [100, 0],
    ]);
    expect(of("crowd").map((entry) => [entry["frames"], entry["frames_lost"]])).toEqual([
      [500, 0],
      [500, 0],
      [500, 0],
    ]);
    expect(await Bun.file(plot).text()).toStartWith("<svg");
    expect((await readdir(folder)).sort()).toEqual(["run.json", "run.svg"]);
  }, 120_000);

  test("ends everything that it started when it is interrupted", async () => {
    const bench = startBench();
    await readUntil(bench.stderr, "[3/8]");
    const children = childrenOf(bench.pid);
    if (process.platform === "linux") expect(children.length).toBe(3);
    bench.kill("SIGINT");
    expect(await bench.exited).toBe(1);
    expect(children.filter((pid) => parentOf(pid) !== undefined)).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.startsWith("tollgate-bench-"))).toEqual(
      [],
    );
  }, 60_000);
});
