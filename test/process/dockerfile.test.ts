/**
 * The container without Docker: the Dockerfile's own steps are carried out in a temporary folder, the
 * server is started with the image's command and environment, asked by the image's health check, and
 * stopped as Docker stops it. Guaranteed: it starts from what is copied alone, it writes to the volume
 * and to nothing else, and it ends in order.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage, type Image } from "./image.ts";

const REPOSITORY = join(import.meta.dir, "../..");
const BUILD_MS_MAX = 120_000;
const RUN_MS_MAX = 60_000;

let folder = "";
let path = "";
let stages: readonly Image[] = [];
let image: Image;
const started: Bun.Subprocess[] = [];

function read(name: string): string {
  return readFileSync(join(REPOSITORY, name), "utf8");
}

/** In the image `bun` is on the path; here it is whichever runs this test. */
function ourPath(): string {
  const tools = join(folder, "tools");
  mkdirSync(tools);
  symlinkSync(process.execPath, join(tools, "bun"));
  return `${tools}:/usr/bin:/bin`;
}

async function runInShell(command: string, cwd: string): Promise<void> {
  const child = Bun.spawn(["sh", "-c", command], {
    cwd,
    env: { ...process.env, PATH: path },
    stdout: "ignore",
    stderr: "inherit",
  });
  expect([command, await child.exited]).toEqual([command, 0]);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tollgate-image-"));
  path = ourPath();
  stages = await buildImage({
    dockerfile: read("Dockerfile"),
    context: REPOSITORY,
    folder,
    run: runInShell,
  });
  const last = stages.at(-1);
  if (last === undefined) throw new Error("the Dockerfile has no stage");
  image = last;
}, BUILD_MS_MAX);

afterAll(async () => {
  // Only a failed test leaves one behind.
  for (const child of started) child.kill("SIGKILL");
  await Promise.all(started.map((child) => child.exited));
  setFolderModes(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

/** Every folder below; files stay as they are, for those of packages are shared with Bun's cache. */
function setFolderModes(root: string, mode: number): void {
  chmodSync(root, 0o755);
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (entry.isDirectory()) setFolderModes(join(root, entry.name), mode);
  }
  chmodSync(root, mode);
}

/** Every file and folder with what a write would change. */
function listing(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name !== "data" && !name.startsWith("data/"))
    .map((name) => {
      const { size, mtimeMs } = lstatSync(join(root, name));
      return `${name} ${size} ${mtimeMs}`;
    })
    .sort();
}

type Started = Bun.Subprocess<"ignore", "pipe", "inherit" | "ignore">;

/** Starts a command as the container would, but for the port and for where `/data` lies. */
function start(
  argv: readonly string[],
  port: string,
  stderr: "inherit" | "ignore" = "inherit",
): Started {
  const data = join(image.root, "data");
  const env = Object.entries(image.env).map(([name, value]) => [
    name,
    value.replace(/^\/data\b/, data),
  ]);
  const child = Bun.spawn([...argv], {
    cwd: join(image.root, image.workdir),
    env: {
      ...Object.fromEntries(env),
      HOME: join(image.root, "home"),
      PATH: path,
      TOLLGATE_PORT: port,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr,
  });
  started.push(child);
  return child;
}

/** The port of the line that says that the server listens; the rest of the output is thrown away. */
async function portOf(server: Started): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = server.stdout.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: true });
    const port = /Tollgate listening on http:\/\/[^\s"]+:(\d+)/.exec(text)?.[1];
    if (port !== undefined) {
      reader.releaseLock();
      void server.stdout.pipeTo(new WritableStream());
      return port;
    }
    if (done) throw new Error(`the server ended before it listened; it said:\n${text}`);
  }
}

describe("the image", () => {
  test("has two stages of one pinned base, and the settings that the documents promise", () => {
    const { base, root, copied, healthCheck, ...settings } = image;
    expect(stages.map((stage) => stage.base)).toEqual([base, "oven/bun:1.4.4-slim"]);
    expect(settings).toMatchObject({
      workdir: "/app",
      env: {
        NODE_ENV: "production",
        TOLLGATE_HOST: "0.0.0.0",
        TOLLGATE_PORT: "8080",
        TOLLGATE_DATA_DIR: "/data",
        TMPDIR: "/data",
        BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
        BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
      },
      user: "bun",
      volumes: ["/data"],
      ports: ["8080"],
    });
    expect(lstatSync(join(root, "data")).mode & 0o777).toBe(0o700);
    expect([copied.includes("src"), healthCheck[0]]).toEqual([true, "bun"]);
  });

  test("runs what `bun start` runs after it has installed", () => {
    const { start: script } = JSON.parse(read("package.json")).scripts;
    expect(image.command).toEqual(String(script).split("exec ")[1]?.split(" ") ?? []);
  });

  test("is sent exactly the files that it copies", () => {
    const letIn = read(".dockerignore").match(/(?<=^!).+$/gm) ?? [];
    const copied = new Set(stages.flatMap((stage) => stage.copied));
    expect([...letIn].sort()).toEqual([...copied].sort());
  });

  test(
    "starts from its own files, is found ready by its health check, and stops in order",
    async () => {
      mkdirSync(join(image.root, "home"));
      for (const name of readdirSync(image.root)) {
        if (name !== "data") setFolderModes(join(image.root, name), 0o555);
      }
      const before = listing(image.root);
      const server = start(image.command, "0");
      const port = await portOf(server);
      const whileUp = await start(image.healthCheck, port).exited;
      server.kill("SIGTERM");
      const status = await server.exited;
      const whileDown = await start(image.healthCheck, port, "ignore").exited;
      expect({ whileUp, status, whileDown }).toEqual({ whileUp: 0, status: 0, whileDown: 1 });
      expect(listing(image.root)).toEqual(before);
      expect(readdirSync(join(image.root, "data"))).not.toEqual([]);
    },
    RUN_MS_MAX,
  );
});
