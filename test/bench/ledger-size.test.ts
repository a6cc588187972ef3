/**
 * `bench ledger-size`: the history that it makes is a ledger that Tollgate opens and proves, with
 * sums that are those of its rows; and the whole command runs and tells what it measured.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pastExchanges, type PastExchange } from "../../bench/ledger-size/history.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { runBench } from "./command.ts";

const ROWS = 20_000;

let folder = "";
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "tollgate-test-"))));
afterAll(() => rm(folder, { recursive: true }));

const one = (database: Database, query: string): unknown =>
  database.query<{ value: unknown }, []>(`select (${query}) as value`).get()?.value;

describe("bench ledger-size", () => {
  test("makes a ledger that Tollgate opens and proves, and measures it", async () => {
    const keep = join(folder, "kept");
    const json = join(folder, "results.json");
    const size = [
      "--rows",
      String(ROWS),
      "--tokens",
      "40",
      "--quick",
      "--keep",
      keep,
      "--json",
      json,
    ];
    const { code, out, err } = await runBench(["ledger-size", ...size]);
    // A machine that is busy with other things may miss a goal; that is told, and no failure here.
    expect(err).not.toContain("bench failed");
    expect(out).toContain("Tollgate bench ledger-size: 20,000 requests, ");
    expect(out).toEndWith(`written: ${json}\n`);
    const kept = await Bun.file(json).json();
    expect(kept.met).toBe(code === 0);
    expect(kept.reads).toHaveLength(15);
    for (const read of kept.reads) expect(read.warm.count).toBeGreaterThan(0);
    expect(kept.chats.map(({ name }: { name: string }) => name)).toEqual([
      "empty",
      "history",
      "history, while read",
    ]);

    const file = join(keep, "history", "data", "tollgate.db");
    expect(verifyLedger(file)).toMatchObject({ differenceCount: 0, open: 0, frozen: null });
    const database = new Database(file, { readonly: true });
    const { generated } = kept;
    const past = `created_at_ms <= ${generated.end_ms}`;
    const until = `where seq <= ${generated.postings + 1}`;
    expect(generated).toMatchObject({
      requests: one(database, `select count(*) from requests where ${past}`),
      access_tokens: one(database, "select count(*) from tokens"),
    });
    // The exchange that Tollgate made before the history has the first seq.
    const posted = `select sum(amount_nano_usd) from postings ${until} and seq > 1`;
    expect(one(database, posted)).toBe(generated.posted_nano_usd);
    const logged = `select sum(cost_nano_usd) from requests where ${past}`;
    expect(one(database, logged)).toBe(generated.posted_nano_usd);
    database.close();
  });

  test("makes the same history again, in the order of time, with every kind of end", () => {
    const provider = { id: "prv_1", name: "one" };
    const plan = {
      exchanges: ROWS,
      askers: [{ tenantId: "ten_1", projectId: null, tokenId: "tok_1" }],
      offers: [
        { routeId: "rte_1", route: "m", providers: [provider, provider] as const, model: "m" },
      ],
      startMs: 1_750_000_000_000,
      endMs: 1_750_086_400_000,
    };
    const made: PastExchange[] = [...pastExchanges(plan)];
    expect([...pastExchanges(plan)]).toEqual(made);
    const ids = made.map(({ requestId }) => requestId);
    expect(ids).toEqual([...new Set(ids)].toSorted());
    expect(made.every(({ atMs }) => atMs >= plan.startMs && atMs < plan.endMs)).toBe(true);
    const ends = new Set(made.map(({ end }) => end));
    expect([...ends].toSorted()).toEqual(["left", "refused", "second_try", "served"]);
  });

  test("refuses a size and a flag that it does not understand", async () => {
    expect(await runBench(["ledger-size", "--rows", "10"])).toEqual({
      code: 2,
      out: "",
      err: "--rows must be a number from 1000 to 100000000\nTry ledger-size --help.\n",
    });
    const stray = await runBench(["ledger-size", "--row", "2000"]);
    expect([stray.code, stray.err]).toEqual([2, expect.stringContaining("--rows")]);
  });

  test("does not write into a folder that holds something", async () => {
    await Bun.write(join(folder, "full", "note.txt"), "mine");
    const { code, err } = await runBench(["ledger-size", "--keep", join(folder, "full")]);
    expect([code, err]).toEqual([1, `bench failed: ${join(folder, "full")} is not empty\n`]);
  });
});
