/** `bench --target`: the command as a user runs it, at the scripted upstream. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUpstream, type Upstream } from "../../bench/upstream/server.ts";
import { runBench } from "./command.ts";

let upstream: Upstream;
let folder = "";

beforeAll(async () => {
  upstream = await startUpstream();
  folder = await mkdtemp(join(tmpdir(), "tollgate-test-"));
});

afterAll(async () => {
  await upstream.stop();
  await rm(folder, { recursive: true });
});

const bench = (...args: readonly string[]) => runBench(args);

const target = () => ["--target", upstream.url, "--token", "sk-tg-x"];

describe("bench --target", () => {
  test("prints what the target adds to the direct way, and keeps the results", async () => {
    const files = { json: join(folder, "new/a.json"), plot: join(folder, "new/a.html") };
    const direct = ["--direct", `${upstream.url}/v1`, "--concurrency", "4", "--duration", "0.6"];
    const kinds = ["--json", files.json, "--plot", files.plot];
    const { code, out, err } = await bench(...target(), ...direct, ...kinds);
    expect([code, err]).toEqual([0, "[1/1] measuring: about 0:01\n"]);
    expect(out).toMatch(/^Tollgate bench: 4 clients, back to back, 0.6 s each way\n/);
    expect(out).toMatch(/\n {2}added +-?[\d.]+ ms +-?[\d.]+ ms +-?[\d.]+ ms\n/);
    const kept = await Bun.file(files.json).json();
    const [first, second] = kept.ways;
    expect([first.name, second.name, first.failed, second.failed]).toEqual([
      "target",
      "direct",
      0,
      0,
    ]);
    expect(first.succeeded).toBeGreaterThan(50);
    const added = first.latency.p50_ms - second.latency.p50_ms;
    expect(kept.added.latency.p50_ms).toBeCloseTo(added, 5);
    expect(await Bun.file(files.plot).text()).toContain("The target adds");
  });

  test("offers a rate and measures streams frame by frame", async () => {
    upstream.reset();
    const model = ["--model", "sim-small?tokens=5&token_delay_ms=20"];
    const json = join(folder, "b.json");
    const load = ["--rate", "40", "--stream", "--duration", "0.5", "--json", json];
    const { code, out } = await bench(...target(), ...model, ...load);
    expect(code).toBe(0);
    expect(out).toContain("Streams: time to the first frame, and gap between frames");
    const [way] = (await Bun.file(json).json()).ways;
    expect([way.succeeded, way.failed, way.stream.frames]).toEqual([20, 0, 100]);
    expect(way.stream.gap.p50_ms).toBeGreaterThan(15);
    expect(way.latency.p50_ms).toBeGreaterThan(way.stream.first_frame.p50_ms + 60);
    // Twenty planned and the one that warms up, none retried.
    expect(upstream.stats().requests).toBe(21);
  });

  test("fails when nothing can be measured, and says why", async () => {
    const refused = await bench(
      ...target(),
      "--model",
      "sim-small?status=429",
      "--duration",
      "0.3",
    );
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("× HTTP 429: ");
    expect(refused.err).toContain("target: too little succeeded, see the failures above\n");
    const cut = ["--model", "sim-small?omit_done=1", "--stream", "--duration", "0.3"];
    expect((await bench(...target(), ...cut)).out).toContain("× stream ended without [DONE]");
    const nobody = await bench("--target", "http://127.0.0.1:1", "--token", "x");
    expect([nobody.code, nobody.out.includes("Failed to connect")]).toEqual([1, true]);
  });

  test("fails when a target that answered at first only fails from then on", async () => {
    let asked = 0;
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => {
        asked += 1;
        return new Response("enough", { status: asked > 10 ? 500 : 200 });
      },
    });
    const args = ["--target", server.url.href, "--token", "x", "--duration", "30"];
    const { code, out, err } = await bench(...args);
    await server.stop(true);
    // Nine recorded, after the one that warms up, and as many failures as are worth seeing.
    expect([code, asked]).toEqual([1, 210]);
    expect(out).toMatch(/\n {2}target +9 +200 /);
    expect(out).toContain("target: 200 × HTTP 500: enough\n");
    expect(err).toContain("too little succeeded");
  });

  test("answers wrong usage with 2 and a request for help with the usage", async () => {
    expect(await bench("--target", upstream.url)).toEqual({
      code: 2,
      out: "",
      err: "--target needs --token\nTry --help.\n",
    });
    const help = await bench("--help");
    expect([help.code, help.out.startsWith("Usage: bench")]).toEqual([0, true]);
  });

  test("stops at once when it is interrupted", async () => {
    const child = Bun.spawn(
      [process.execPath, "bench/main.ts", ...target(), "--duration", "60", "--concurrency", "2"],
      { cwd: join(import.meta.dir, "../.."), stdout: "pipe", stderr: "pipe" },
    );
    const reader = child.stderr.getReader();
    await reader.read();
    child.kill("SIGINT");
    expect(await child.exited).toBe(1);
  });
});
