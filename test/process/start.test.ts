/**
 * The first minutes of an operator: what a start prints and makes, where settings come from, and how
 * a start that cannot be says so: one sentence, the right exit code, nothing half done.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chat } from "../support/chat.ts";
import { ADMIN_TOKEN, type Child, type Exit, type Launch, Stage } from "./harness.ts";
import { copyRepository, toolsFolder } from "./fresh-clone.ts";
import { ask, furnish } from "./operator.ts";

setDefaultTimeout(60_000);

const ANY_PORT = ["--port", "0"];
const KEY = Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => at * 7)).toString("base64");
const OTHER_KEY = Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => at * 5)).toString(
  "base64",
);
const FRESH_MS_MAX = 120_000;

/** The printed command, as it is pasted. */
function curlIn(output: string): string {
  return /^ +curl (?:.*\\\n)*.*$/m.exec(output)?.[0] ?? "";
}

/** What a pasted command answers: in a shell where curl is installed, else as curl would send it. */
async function paste(stage: Stage, command: string): Promise<string> {
  if (Bun.which("curl") === null) return await sendAsCurl(command);
  const shell = stage.start({ command: ["/bin/sh", "-c", command] });
  expect(await shell.ended()).toEqual({ code: 0, signal: null });
  return shell.out;
}

async function sendAsCurl(command: string): Promise<string> {
  const url = /https?:\/\/\S+/.exec(command)?.[0] ?? "";
  const headers = [...command.matchAll(/-H '([^:]+): ([^']+)'/g)].map(
    ([, name = "", value = ""]): [string, string] => [name, value],
  );
  const body = /-d '([^']+)'/.exec(command)?.[1] ?? "";
  return await (await fetch(url, { method: "POST", headers, body })).text();
}

function withKey(key: string): Launch {
  return { env: { TOLLGATE_ENCRYPTION_KEY: key } };
}

function adminTokensIn(output: string): readonly string[] {
  return output.match(/tg-admin-\w+/g) ?? [];
}

async function failed(stage: Stage, launch: Launch): Promise<{ exit: Exit; said: string }> {
  const child = stage.start(launch);
  const exit = await child.ended();
  return { exit, said: child.complaints };
}

describe("a first start", () => {
  test("prints a curl that answers when pasted, and the line that programs wait for", async () => {
    await using stage = new Stage();
    const startedMs = performance.now();
    const first = stage.start({ args: ANY_PORT });
    const url = await first.url();
    const answer = await paste(stage, curlIn(first.out));
    const tookMs = performance.now() - startedMs;
    console.info(`start test: ${Math.round(tookMs)} ms from the command to the first answer`);
    expect(JSON.parse(answer)).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { role: "assistant" } }],
    });
    expect(tookMs).toBeLessThan(10_000);
    expect(first.out.match(/^Tollgate listening on http:\/\/127\.0\.0\.1:\d+$/gm)).toHaveLength(1);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    expect(first.err).toBe("");
  });

  test.concurrent("makes its files for its owner's eyes, and shows its secrets once", async () => {
    await using stage = new Stage();
    const first = stage.start({ args: ANY_PORT });
    await first.url();
    const [adminToken = "", ...others] = adminTokensIn(first.out);
    const accessToken = /sk-tg-\w+/.exec(first.out)?.[0] ?? "";
    expect([others, accessToken.length]).toEqual([[], 44]);
    const modes = ["data", "data/encryption.key"].map((name) =>
      (statSync(stage.path(name)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(["700", "600"]);
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const second = stage.start({ args: ANY_PORT });
    const url = await second.url();
    expect([adminTokensIn(second.out), curlIn(second.out), /sk-tg-/.test(second.out)]).toEqual([
      [],
      "",
      false,
    ]);
    const tenants: string = await (
      await fetch(`${url}/api/v1/tenants`, { headers: { authorization: `Bearer ${adminToken}` } })
    ).text();
    expect(JSON.parse(tenants).data).toMatchObject([{ name: "demo" }]);
    const again = await chat(url, { token: accessToken, body: { model: "sim-small" } });
    expect(again.status).toBe(200);
  });

  test.concurrent("makes nothing that it does not get to show: a taken port first, and then all of it", async () => {
    await using stage = new Stage();
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    stage.later(() => taken.stop(true));
    const { exit, said } = await failed(stage, { args: ["--port", String(taken.port)] });
    expect([exit, said]).toEqual([
      { code: 1, signal: null },
      `error: cannot listen on 127.0.0.1:${taken.port}: another program listens there; choose another with --host or --port`,
    ]);
    const next = stage.start({ args: ANY_PORT });
    await next.url();
    expect([adminTokensIn(next.out).length, curlIn(next.out) !== ""]).toEqual([1, true]);
  });

  const silent: readonly Record<string, string>[] = [
    { TOLLGATE_DEMO: "off" },
    { NODE_ENV: "production" },
  ];
  for (const env of silent) {
    test.concurrent(`makes no demo objects with ${Object.entries(env).join("=").replace(",", "=")}`, async () => {
      await using stage = new Stage();
      const child = stage.start({
        args: ANY_PORT,
        env: { ...env, TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN },
      });
      const url = await child.url();
      expect([curlIn(child.out), child.out.includes("sk-tg-")]).toEqual(["", false]);
      for (const noun of ["tenants", "tokens", "providers", "routes"]) {
        expect([noun, (await ask(url, "GET", `/${noun}`)).data]).toEqual([noun, []]);
      }
    });
  }

  test.concurrent("takes the admin token that it is given, and shows none", async () => {
    await using stage = new Stage();
    const child = stage.start({ args: ANY_PORT, env: { TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN } });
    const url = await child.url();
    const statuses = [ADMIN_TOKEN, `${ADMIN_TOKEN}x`].map(async (token) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${url}/api/v1/tenants`, { headers })).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 401]);
    expect(adminTokensIn(child.out + child.err)).toEqual([]);
  });
});

describe("settings", () => {
  /** Which data directory is made shows which source won. */
  const probes: readonly (readonly [winner: string, launch: Launch, file: string | null])[] = [
    ["flag", { args: ["--data-dir", "flag"], env: { TOLLGATE_DATA_DIR: "variable" } }, "file"],
    ["variable", { env: { TOLLGATE_DATA_DIR: "variable" } }, "file"],
    ["file", {}, "file"],
    ["data", {}, null],
  ];
  test.concurrent.each(probes)(
    "come from the strongest source: %s",
    async (winner, launch, file) => {
      await using stage = new Stage();
      if (file !== null) writeFileSync(stage.path("tollgate.yaml"), `data_dir: ${file}\n`);
      const child = stage.start({ ...launch, args: [...ANY_PORT, ...(launch.args ?? [])] });
      await child.url();
      expect(readdirSync(stage.folder).filter((name) => name !== "tollgate.yaml")).toEqual([
        winner,
      ]);
    },
  );

  const typos: readonly (readonly [string, Launch, string | null, string])[] = [
    [
      "flag",
      { args: ["--prot", "0"] },
      null,
      "error: unknown flag --prot; the nearest known one is --port",
    ],
    [
      "variable",
      { env: { TOLLGATE_PROT: "0" } },
      null,
      "error: unknown variable TOLLGATE_PROT; the nearest known one is TOLLGATE_PORT",
    ],
    [
      "member of the file",
      {},
      "prot: 0\n",
      "error: tollgate.yaml:1:1: unknown member prot; the nearest known one is port",
    ],
  ];
  test.concurrent.each(typos)(
    "an unknown %s is named, with the nearest known",
    async (_, launch, file, said) => {
      await using stage = new Stage();
      if (file !== null) writeFileSync(stage.path("tollgate.yaml"), file);
      const outcome = await failed(stage, launch);
      expect([outcome.exit, outcome.said.split("\n")[0]]).toEqual([
        { code: 2, signal: null },
        said,
      ]);
      expect(readdirSync(stage.folder).filter((name) => name !== "tollgate.yaml")).toEqual([]);
    },
  );
});

describe("a start that cannot be", () => {
  test.concurrent("names the data directory that another process uses, and leaves that one alone", async () => {
    await using stage = new Stage();
    const first = stage.start({ args: ANY_PORT });
    const url = await first.url();
    const { exit, said } = await failed(stage, { args: ANY_PORT });
    expect([exit, said]).toEqual([
      { code: 1, signal: null },
      `error: The data directory ${stage.path("data")} is in use by another Tollgate process; stop it or choose another directory.`,
    ]);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
  });

  test.concurrent("names the data directory that cannot be made, and why", async () => {
    await using stage = new Stage();
    writeFileSync(stage.path("file"), "");
    const inTheWay = await failed(stage, { args: [...ANY_PORT, "--data-dir", "file"] });
    const below = await failed(stage, { args: [...ANY_PORT, "--data-dir", "file/data"] });
    const code = { code: 1, signal: null };
    const sentence = "error: the data directory";
    expect([inTheWay, below]).toEqual([
      {
        exit: code,
        said: `${sentence} ${stage.path("file")} cannot be made: something that is not a directory is in its place`,
      },
      {
        exit: code,
        said: `${sentence} ${stage.path("file/data")} cannot be made: a part of its path is not a directory`,
      },
    ]);
  });

  test.concurrent("tells a wrong encryption key at once, not by requests that fail later", async () => {
    await using stage = new Stage();
    const upstream = await stage.upstream();
    const dataDir = stage.path("data");
    const first = stage.serve(dataDir, withKey(KEY));
    const { token } = await furnish(await first.url(), upstream.url);
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const said = `error: the encryption key is not the one that the database in ${dataDir} was made with; put that one back into TOLLGATE_ENCRYPTION_KEY or ${join(dataDir, "encryption.key")}`;
    for (const launch of [withKey(OTHER_KEY), {}]) {
      const child = stage.serve(dataDir, launch);
      expect([await child.ended(), child.complaints, child.out]).toEqual([
        { code: 1, signal: null },
        said,
        "",
      ]);
    }
    const right = stage.serve(dataDir, withKey(KEY));
    const answer = await chat(await right.url(), { token, body: { model: "steady/sim-small" } });
    expect(answer.status).toBe(200);
  });
});

/** What both ways have to show: installed, started, answering, and ended in order. */
async function startsAndStops(stage: Stage, child: Child): Promise<void> {
  await child.url();
  const answer = await paste(stage, curlIn(child.out));
  expect(JSON.parse(answer)).toMatchObject({ object: "chat.completion" });
  expect(await child.stop()).toEqual({ code: 0, signal: null });
  expect(child.logged("drain.ended")).toHaveLength(1);
}

describe("a fresh clone", () => {
  test.concurrent(
    "starts with `bun start`",
    async () => {
      await using stage = new Stage();
      const clone = copyRepository(stage.path("clone"));
      const tools = toolsFolder(stage.path("tools"), ["bun", "sh", "bash"]);
      const child = stage.start({
        command: [join(tools, "bun"), "start"],
        cwd: clone,
        env: { TOLLGATE_PORT: "0", PATH: tools },
      });
      await startsAndStops(stage, child);
    },
    FRESH_MS_MAX,
  );

  test.concurrent(
    "starts with npx where there is no bun",
    async () => {
      await using stage = new Stage();
      const clone = copyRepository(stage.path("clone"));
      const tools = toolsFolder(stage.path("tools"), ["node", "npm", "npx", "sh", "bash"]);
      const child = stage.start({
        command: [join(tools, "npx"), "-y", "bun@1.4.4", "start"],
        cwd: clone,
        env: { TOLLGATE_PORT: "0", PATH: tools },
      });
      await startsAndStops(stage, child);
    },
    FRESH_MS_MAX,
  );
});
