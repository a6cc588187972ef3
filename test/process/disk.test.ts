/**
 * What becomes of a real process when its disk fails it. Guaranteed: without a durable hold nothing is
 * sent, every client is told 503 and when to come back, `/readyz` says what is wrong with which file,
 * what was running is settled once there is room, and nothing has to be restarted for that. A file
 * that cannot be used ends the start with one sentence and stays as it is.
 */
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Upstream } from "../../bench/upstream/server.ts";
import { chat, type ChatReply, eventsOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { MAIN, Stage } from "./harness.ts";
import { breachesIn, type LedgerSeen, readLedger } from "./ledger.ts";
import { furnish, NANO_PER_TOKEN } from "./operator.ts";
import { diskKinds, mountSmall, remountReadOnly } from "./small-disk.ts";

setDefaultTimeout(60_000);

const MODEL = "steady/sim-small";
const FAILED = { code: 1, signal: null };
const ORDERLY = { code: 0, signal: null };

/** One client's requests, each with a mark of its own. */
class Client {
  readonly replies = new Map<string, ChatReply>();
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async chat(script = "tokens=5", stream = false): Promise<ChatReply> {
    const mark = `m${this.replies.size}`;
    const model = `${MODEL}?key=${mark}&${script}`;
    const pending: ChatReply = { status: 0, headers: new Headers(), text: "" };
    this.replies.set(mark, pending);
    const reply = await chat(this.#url, { token: this.#token, body: { model, stream } });
    this.replies.set(mark, reply);
    return reply;
  }
}

async function readyz(url: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, text: await answer.text() };
}

async function expectRefused(client: Client, count: number): Promise<void> {
  const replies = await Promise.all(Array.from({ length: count }, () => client.chat()));
  for (const { status, headers } of replies) {
    expect([status, headers.get("x-tollgate-error")]).toEqual([503, "ledger_unavailable"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
}

function markOf(text: string): string {
  return /key=(m\d+)/.exec(text)?.[1] ?? "";
}

/** Every answer from upstream has its attempt, and a refused client neither sent nor owes anything. */
function expectHonest(client: Client, upstream: Upstream, ledger: LedgerSeen): void {
  expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
  const sent = upstream.requests().map(({ script }) => markOf(script));
  const answered = [...client.replies].filter(([, { status }]) => status === 200);
  expect(sent.toSorted()).toEqual(answered.map(([mark]) => mark).toSorted());
  const posted = ledger.attempts.map(({ model, postings }): [string, string, boolean] => {
    const [posting] = postings;
    return [markOf(model), posting?.outcome ?? "", (posting?.amountNanoUsd ?? 0) > 0];
  });
  const owed = posted.filter(([, , costs]) => costs);
  expect(owed).toEqual(sent.map((mark) => [mark, "ok", true]));
  const rest = posted.filter(([mark]) => !sent.includes(mark));
  expect(rest).toEqual(rest.map(([mark]) => [mark, "not_sent", false]));
}

await using trial = new Stage();
const kinds = await diskKinds(trial);

describe.each(kinds.map((kind) => [kind.name, kind] as const))("%s", (_, kind) => {
  test.concurrent("refuses what it cannot hold, and goes on by itself", async () => {
    await using stage = new Stage();
    const disk = kind.make(stage);
    const upstream = await stage.upstream();
    const dataDir = join(disk.folder, "data");
    const tollgate = stage.serve(dataDir, { command: [...disk.prefix, process.execPath, MAIN] });
    const url = await tollgate.url();
    const client = new Client(url, (await furnish(url, upstream.url)).token);
    expect((await client.chat()).status).toBe(200);
    const running = client.chat("tokens=20&token_delay_ms=100", true);
    await upstream.until(({ requests }) => requests === 2);

    disk.fill(tollgate);
    await until(async () => (await client.chat()).status === 503);
    await expectRefused(client, 20);
    const unready = await readyz(url);
    expect([unready.status, kind.complaint.test(unready.text), unready.text]).toEqual([
      503,
      true,
      expect.stringContaining(join(dataDir, "tollgate.db")),
    ]);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect(eventsOf((await running).text).at(-1)).toBe("[DONE]");
    await expectRefused(client, 5);

    disk.free(tollgate);
    await until(async () => (await readyz(url)).status === 200, 10_000);
    expect((await client.chat()).status).toBe(200);
    expect(await tollgate.stop()).toEqual(ORDERLY);
    expectHonest(client, upstream, readLedger(dataDir));
  });

  test.concurrent("loses nothing when it is killed there, and starts again when there is room", async () => {
    await using stage = new Stage();
    const disk = kind.make(stage);
    const upstream = await stage.upstream();
    const dataDir = join(disk.folder, "data");
    const command = [...disk.prefix, process.execPath, MAIN];
    const first = stage.serve(dataDir, { command });
    const url = await first.url();
    const client = new Client(url, (await furnish(url, upstream.url)).token);
    expect((await client.chat()).status).toBe(200);
    const hung = client.chat("hang=1").catch(() => "gone");
    await upstream.until(({ requests }) => requests === 2);
    disk.fill(first);
    await until(async () => (await client.chat()).status === 503);
    first.kill("SIGKILL");
    expect([await hung, (await first.ended()).signal]).toEqual(["gone", "SIGKILL"]);

    disk.free(first);
    const second = stage.serve(dataDir, { command });
    expect((await readyz(await second.url())).status).toBe(200);
    expect(await second.stop()).toEqual(ORDERLY);
    const ledger = readLedger(dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    const cut = ledger.attempts.find(({ model }) => model.includes("hang=1"));
    expect(cut?.postings).toMatchObject([
      { kind: "expire", amountNanoUsd: cut?.heldNanoUsd, estimated: 1 },
    ]);
  });
});

describe.each(kinds.map((kind) => [kind.name, kind] as const))("ending on %s", (_, kind) => {
  test.concurrent("says what could not be written, and the next start makes up for it", async () => {
    await using stage = new Stage();
    const disk = kind.make(stage);
    const upstream = await stage.upstream();
    const dataDir = join(disk.folder, "data");
    const command = [...disk.prefix, process.execPath, MAIN];
    const first = stage.serve(dataDir, { command });
    const url = await first.url();
    const client = new Client(url, (await furnish(url, upstream.url)).token);
    const running = client.chat("tokens=5&delay_ms=400");
    await upstream.until(({ requests }) => requests === 1);
    disk.fill(first);
    await until(async () => (await client.chat()).status === 503);
    expect((await running).status).toBe(200);
    const { code } = await first.stop();
    const complaints = first.logged("drain.incomplete").map((line) => JSON.parse(line).detail);
    // Where a ballast could be given back to the disk, even this posting found room.
    const missing = readLedger(dataDir).openIds.length;
    expect([code, complaints, first.logged("stray.exception")]).toEqual(
      missing === 0
        ? [0, [], []]
        : [1, [expect.stringContaining("ledger entries could not be written to")], []],
    );
    disk.free(first);
    const second = stage.serve(dataDir, { command });
    await second.url();
    expect(await second.stop()).toEqual(ORDERLY);
    const ledger = readLedger(dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    const posted = ledger.attempts.map(({ postings }) => postings[0]?.amountNanoUsd ?? 0);
    expect(posted.filter((amount) => amount >= 5 * NANO_PER_TOKEN.output)).toHaveLength(1);
  });
});

describe("a lock that another program holds", () => {
  test.concurrent("is told of while it lasts, and costs nothing afterwards", async () => {
    await using stage = new Stage();
    const upstream = await stage.upstream();
    const dataDir = stage.path("data");
    const tollgate = stage.serve(dataDir);
    const url = await tollgate.url();
    const client = new Client(url, (await furnish(url, upstream.url)).token);
    expect((await client.chat()).status).toBe(200);
    const other = new Database(join(dataDir, "tollgate.db"));
    other.run("pragma busy_timeout = 5000");
    other.run("begin immediate");
    await until(async () => (await client.chat()).status === 503);
    await expectRefused(client, 5);
    const file = join(dataDir, "tollgate.db");
    const held = "another program holds a lock on the file; end its transaction or close it";
    expect(await readyz(url)).toEqual({
      status: 503,
      text: `store: ${file}: ${held} (SQLITE_BUSY)\n`,
    });
    other.run("rollback");
    other.close();
    await until(async () => (await readyz(url)).status === 200, 10_000);
    expect((await client.chat()).status).toBe(200);
    expect(await tollgate.stop()).toEqual(ORDERLY);
    expectHonest(client, upstream, readLedger(dataDir));
  });
});

/** A data directory that was used and left in order, and its database. */
async function usedDataDir(stage: Stage, folder = stage.folder): Promise<[string, string]> {
  const dataDir = join(folder, "data");
  const tollgate = stage.serve(dataDir);
  const upstream = await stage.upstream();
  const url = await tollgate.url();
  const client = new Client(url, (await furnish(url, upstream.url)).token);
  for (let count = 0; count < 20; count += 1) await client.chat();
  expect(await tollgate.stop()).toEqual(ORDERLY);
  return [dataDir, join(dataDir, "tollgate.db")];
}

async function expectFailure(stage: Stage, dataDir: string, sentence: RegExp): Promise<void> {
  const child = stage.serve(dataDir);
  expect([await child.ended(), child.out]).toEqual([FAILED, ""]);
  expect(child.complaints).toMatch(sentence);
  expect(child.complaints.split("\n")).toHaveLength(1);
}

describe("a start", () => {
  const damages: readonly (readonly [string, (file: string) => void, RegExp])[] = [
    [
      "is no database",
      (file) => writeFileSync(file, "All work and no play makes Jack a dull boy.\n".repeat(500)),
      /^error: \S+tollgate\.db: the file is not an SQLite database; move it away or restore it/,
    ],
    [
      "is damaged",
      (file) => overwrite(file, 4096 * 3, 4096 * 6),
      /^error: \S+tollgate\.db: .*damaged/,
    ],
    [
      "was cut short",
      (file) => writeFileSync(file, readFileSync(file).subarray(0, 4096 * 5)),
      /^error: \S+tollgate\.db: .*damaged/,
    ],
  ];
  test.concurrent.each(damages)(
    "on a file that %s names it, and leaves it as it is",
    async (_, damage, said) => {
      await using stage = new Stage();
      const [dataDir, file] = await usedDataDir(stage);
      damage(file);
      const before = readFileSync(file);
      await expectFailure(stage, dataDir, said);
      expect(readFileSync(file).equals(before)).toBe(true);
    },
  );

  test.concurrent("on a file that another program has locked names it, and works when it is free", async () => {
    await using stage = new Stage();
    const [dataDir, file] = await usedDataDir(stage);
    const other = new Database(file);
    other.run("pragma locking_mode = exclusive");
    other.run("begin exclusive");
    await expectFailure(
      stage,
      dataDir,
      /^error: \S+tollgate\.db: another program holds a lock on the file; end its transaction/,
    );
    other.run("rollback");
    other.close();
    const tollgate = stage.serve(dataDir);
    await tollgate.url();
    expect(await tollgate.stop()).toEqual(ORDERLY);
  });

  test.concurrent("where nothing can be written names the directory", async () => {
    await using stage = new Stage();
    const readOnly = await readOnlyDataDir(stage);
    await expectFailure(
      stage,
      readOnly,
      /^error: .*\/(?:data|tollgate-data)\b.*(?:may be written|cannot be written|permission denied|read-only|no such file)/,
    );
  });
});

/** A data directory that cannot be written, by the best means that this machine allows. */
async function readOnlyDataDir(stage: Stage): Promise<string> {
  const folder = stage.path("disk");
  if (mountSmall(stage, folder)) {
    const [dataDir] = await usedDataDir(stage, folder);
    expect(remountReadOnly(folder)).toBe(true);
    return dataDir;
  }
  // Permissions do not bind the system's own user, who meets a file system without directories.
  if (process.getuid?.() === 0) return "/proc/tollgate-data";
  const [dataDir] = await usedDataDir(stage, folder);
  chmodSync(dataDir, 0o500);
  stage.later(() => chmodSync(dataDir, 0o700));
  return dataDir;
}

function overwrite(file: string, from: number, to: number): void {
  const handle = openSync(file, "r+");
  writeSync(handle, new Uint8Array(to - from).fill(0xa5), 0, to - from, from);
  closeSync(handle);
}
