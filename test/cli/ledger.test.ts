/** `tollgate ledger`: status and accept against a real gateway, and verify on a real database. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { ledger } from "../../src/cli/commands/ledger.ts";
import type { Config } from "../../src/config/config.ts";
import { openStore } from "../../src/store/open.ts";
import { restoreBackup, spend } from "../support/ledger.ts";
import { type Reachable, record, startReachable } from "./support.ts";

let gateway: Reachable;
beforeAll(async () => {
  gateway = await startReachable();
  const scopes = { tenantId: "ten_0", tokenId: "tok_0" };
  await spend(gateway.api.store, { scopes, atMs: Date.now(), nanoUsd: 5 });
});
afterAll(() => gateway.stop());

type Ran = { readonly exit: number; readonly out: string; readonly err: string };

async function run(
  what: "status" | "accept",
  more: { readonly json?: boolean; readonly url?: string; readonly config?: object } = {},
): Promise<Ran> {
  const { terminal, out, err } = record();
  const { json = false, url = null } = more;
  const config = { dataDir: "", ...gateway.config, ...more.config };
  const exit = await ledger(config, { do: what, json, url }, terminal);
  return { exit, out: out(), err: err() };
}

test("status tells how long the ledger is, where its chains end, and that it admits", async () => {
  const heads = (await gateway.api.call("GET", "/ledger")).body;
  const { attempts_head: attempts, postings_head: postings } = Object(heads);
  expect(await run("status")).toEqual({
    exit: 0,
    out: `attempts  1, ending in ${attempts}
postings  1, ending in ${postings}
Hard budgets admit by it.
`,
    err: "",
  });
  const told = await run("status", { json: true, url: `${gateway.url}/` });
  expect([told.exit, JSON.parse(told.out), told.err]).toEqual([0, heads, ""]);
});

test("status and accept of a restored backup tell what is missing and that it counts again", async () => {
  const restored = await startReachable({ prepare: restoreBackup });
  const asked = { config: restored.config };
  const frozen = await run("status", asked);
  expect([frozen.exit, frozen.err]).toEqual([0, ""]);
  expect(frozen.out).toMatch(
    /\nFrozen since \S+Z: hard budgets refuse until `ledger accept`\.\n.*backup.*\n$/,
  );
  const accepted = await run("accept", asked);
  expect([accepted.exit, accepted.err]).toEqual([0, ""]);
  expect(accepted.out).toEndWith("\nHard budgets admit by it.\n");
  expect((await run("status", asked)).out).toBe(accepted.out);
  await restored.stop();
});

test("accept of a ledger that is not frozen fails with the gateway's own sentence", async () => {
  expect(await run("accept")).toEqual({
    exit: 1,
    out: "",
    err: "error: The ledger is not frozen: there is nothing to accept\n",
  });
});

const noToken: Partial<Config> = { adminToken: null };

test.each<readonly [what: string, more: Parameters<typeof run>[1], exit: number, err: RegExp]>([
  [
    "without an admin token",
    { config: noToken },
    2,
    /^error: the admin token is needed: give it by --admin-token, TOLLGATE_ADMIN_TOKEN or admin_token in tollgate\.yaml\n$/,
  ],
  [
    "with a wrong admin token",
    { config: { adminToken: "x".repeat(40) } },
    1,
    /^error: The admin token is not valid\n$/,
  ],
  [
    "with no address at all",
    { url: "localhost" },
    2,
    /^error: --url must be an address such as http:\/\/127\.0\.0\.1:8080\n$/,
  ],
  [
    "where nothing listens",
    { url: "http://127.0.0.1:1" },
    1,
    /^error: http:\/\/127\.0\.0\.1:1 cannot be reached: nothing listens there\n$/,
  ],
  [
    "where something else answers",
    { url: "URL/docs" },
    1,
    /^error: .*\/docs\/api\/v1 answers with 404: it seems to be no Tollgate\n$/,
  ],
])("%s it fails and says why", async (_what, more, exit, err) => {
  const url = more?.url?.replace("URL", gateway.url);
  const ran = await run("status", { ...more, ...(url !== undefined && { url }) });
  expect([ran.exit, ran.out]).toEqual([exit, ""]);
  expect(ran.err).toMatch(err);
});

describe("verify", () => {
  let root = "";
  let dataDir = "";
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "tollgate-verify-"));
    dataDir = join(root, "data");
    const store = await openStore({ dataDir, clock: systemClock });
    const scopes = { tenantId: "ten_0", tokenId: "tok_0" };
    for (const nanoUsd of [5, 6, 7]) {
      await spend(store, { scopes, atMs: systemClock.nowMs(), nanoUsd });
    }
    await store.close();
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function prove(headsFile: string | null = null, json = false): Promise<Ran> {
    const { terminal, out, err } = record();
    const config = { ...gateway.config, adminToken: null, dataDir };
    const exit = await ledger(config, { do: "verify", headsFile, json }, terminal);
    return { exit, out: out(), err: err() };
  }

  test("tells that an untouched ledger is, also against heads that were kept", async () => {
    const told = await prove(null, true);
    expect([told.exit, told.err]).toEqual([0, ""]);
    const report = JSON.parse(told.out);
    const hex = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(report).toEqual({
      attempts: 3,
      postings: 3,
      attempts_head: hex,
      postings_head: hex,
      open: 0,
      frozen: null,
      difference_count: 0,
      differences: [],
    });
    const heads = join(root, "heads.json");
    writeFileSync(heads, told.out);
    expect(await prove(heads)).toEqual({
      exit: 0,
      out: `attempts  3, ending in ${report.attempts_head}
postings  3, ending in ${report.postings_head}
The ledger is untouched: every sum is that of its entries, and it continues the heads that were kept.
`,
      err: "",
    });
    writeFileSync(heads, JSON.stringify({ ...report, postings_head: "0".repeat(64) }));
    const other = await prove(heads);
    expect([other.exit, other.err]).toEqual([1, ""]);
    expect(other.out).toContain("another history");
  });

  test.each([
    ["is no file", "nowhere.json", null, /^error: .*nowhere\.json cannot be read: no such file\n$/],
    ["is no JSON", "text.json", "heads", /^error: .*text\.json holds no heads as `ledger status/],
    [
      "holds no heads",
      "empty.json",
      "{}",
      /^error: .*empty\.json holds no heads as `ledger status/,
    ],
  ])("ends with 2 when --heads %s", async (_what, name, content, err) => {
    const file = join(root, name);
    if (content !== null) writeFileSync(file, content);
    const ran = await prove(file);
    expect([ran.exit, ran.out]).toEqual([2, ""]);
    expect(ran.err).toMatch(err);
  });

  test("fails with 1 and tells the row when an entry was changed", async () => {
    const sqlite = new Database(join(dataDir, "tollgate.db"));
    sqlite.run("update postings set amount_nano_usd = 1 where seq = 2");
    sqlite.close();
    const ran = await prove();
    expect([ran.exit, ran.err]).toEqual([1, ""]);
    expect(ran.out).toMatch(/^\d+ differences:\nTABLE +ROW +WHAT\npostings +2 /m);
    const told = JSON.parse((await prove(null, true)).out);
    expect(told.difference_count).toBe(told.differences.length);
    expect(told.differences[0]).toMatchObject({ table: "postings", row: "2" });
  });

  test("fails with 1 where there is no ledger", async () => {
    const { terminal, out, err } = record();
    const config = { ...gateway.config, dataDir: join(root, "nowhere") };
    const exit = await ledger(config, { do: "verify", headsFile: null, json: false }, terminal);
    expect([exit, out()]).toEqual([1, ""]);
    expect(err()).toContain("there is no such database");
  });
});
