/** A verification finds whatever was done to a ledger, and nothing in one that is as it was written. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../../src/store/contract.ts";
import { verifyLedger, type LedgerHeads } from "../../src/store/verify.ts";
import { attemptScopes, holdRecord, NOW_MS, postingRecord } from "./support/records.ts";
import { tenantRow, tokenRow } from "./support/records.ts";
import { seededDraw, tamper, type Draw } from "./support/tamper.ts";
import { openIn, readRows, rejection, tempDir, tempStore } from "./support/temp-store.ts";

const DETAILS = {
  cacheWriteTokens: 7,
  cacheWrite1hTokens: 0,
  audioInputTokens: 1,
  cachedAudioInputTokens: 0,
  imageInputTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: { search: 2 },
};
/** Whatever a client may call its user or its model. */
const STRANGE = ["half \ud800 a character", "nul \0 inside", "😀", "a/b", "", " spaces  ", "é"];

/** Settles, voids and leaves open, in every scope there is, with names of every kind. */
async function trade(store: Store, tokenId: string, count: number, draw: Draw): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    const hold = holdRecord({
      attemptNumber: 1 + draw(2),
      heldNanoUsd: draw(9_000),
      heldAtMs: NOW_MS + draw(40) * 3_600_000,
      model: `model ${draw(3)}${STRANGE[draw(12)] ?? ""}`,
      price: `{"input":${draw(3)}}`,
      scopes: attemptScopes({
        tokenId: draw(4) === 0 ? "tok_gone" : tokenId,
        projectId: draw(2) === 0 ? null : "prj_1",
        endUserId: STRANGE[draw(12)] ?? null,
        routeId: draw(2) === 0 ? null : "rte_1",
        providerId: `prv_${draw(2)}`,
      }),
    });
    await store.ledger.hold(hold);
    const end = draw(8);
    if (end === 0) continue;
    const more = {
      details: draw(2) === 0 ? null : DETAILS,
      estimated: draw(2) === 0,
      status: draw(3) === 0 ? null : 200,
      inputTokens: draw(5_000),
    };
    if (end === 1) {
      store.ledger.post(
        postingRecord(hold.attemptId, { ...more, kind: "void", amountNanoUsd: 0, outcome: "" }),
      );
    } else {
      store.ledger.post(postingRecord(hold.attemptId, { ...more, amountNanoUsd: draw(9_000) }));
    }
  }
  await store.flush();
}

async function shop(store: Store): Promise<string> {
  const tenant = tenantRow({ id: "ten_1" });
  const token = tokenRow(tenant.id);
  await store.insert("tenants", tenant);
  await store.insert("tokens", token);
  return token.id;
}

function headsOf({ attempts, attemptsHead, postings, postingsHead }: LedgerHeads): LedgerHeads {
  return { attempts, attemptsHead, postings, postingsHead };
}

/** A closed ledger of some eighty attempts, without a mark beside it. */
async function ledgerFile(dir: string): Promise<string> {
  const temp = await openIn(dir);
  await trade(temp.store, await shop(temp.store), 80, seededDraw(11));
  await temp.store.close();
  return temp.file;
}

describe("a ledger that nobody touched", () => {
  test("is found to be as it was written, while the server goes on", async () => {
    await using temp = await tempStore();
    const tokenId = await shop(temp.store);
    await trade(temp.store, tokenId, 60, seededDraw(1));
    const first = await temp.store.ledgerState();
    const report = verifyLedger(temp.file);
    expect(report).toMatchObject({ differenceCount: 0, differences: [], frozen: null });
    expect(headsOf(report)).toEqual(headsOf(first));
    expect(report.open).toBe(first.attempts - first.postings);
    await trade(temp.store, tokenId, 20, seededDraw(2));
    const second = verifyLedger(temp.file, { expectedHeads: first });
    expect([second.differenceCount, second.attempts]).toEqual([0, 80]);
  });

  test("is one of no rows too, and tells how far it is in one of many", async () => {
    await using temp = await tempStore();
    expect(verifyLedger(temp.file)).toEqual({
      attempts: 0,
      postings: 0,
      attemptsHead: "00".repeat(32),
      postingsHead: "00".repeat(32),
      open: 0,
      frozen: null,
      differenceCount: 0,
      differences: [],
    });
    const holds = Array.from({ length: 6_000 }, () => holdRecord());
    await Promise.all(holds.map((hold) => temp.store.ledger.hold(hold)));
    for (const { attemptId } of holds) temp.store.ledger.post(postingRecord(attemptId));
    await temp.store.flush();
    const told: [number, number][] = [];
    const onProgress = (done: number, total: number): void => void told.push([done, total]);
    expect(verifyLedger(temp.file, { onProgress }).differenceCount).toBe(0);
    expect(told).toEqual([5_000, 6_000, 11_000, 12_000].map((done) => [done, 12_000]));
  });

  test("after a crash and its recovery is whole", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    expect(verifyLedger(file).open).toBeGreaterThan(3);
    const restarted = await openIn(dir.path);
    await restarted.store.close();
    expect(verifyLedger(file)).toMatchObject({ open: 0, differenceCount: 0 });
  });
});

describe("a ledger that was tampered with", () => {
  test("is found out in each of five hundred ways", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    expect(verifyLedger(file).differenceCount).toBe(0);
    const heads = headsOf(verifyLedger(file));
    const unseen: string[] = [];
    for (let seed = 0; seed < 500; seed += 1) {
      // A name of its own: the log of a connection that is not collected yet must not lie beside it.
      const copy = join(dir.path, `${seed}.db`);
      cpSync(file, copy);
      const done = tamper(copy, seededDraw(seed));
      const report = verifyLedger(copy, { expectedHeads: heads });
      if (report.differenceCount === 0) unseen.push(`seed ${seed}: ${done}`);
    }
    expect(unseen).toEqual([]);
  }, 120_000);

  test("in any column of an attempt or a posting is found out", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    const unseen: string[] = [];
    for (const table of ["attempts", "postings"]) {
      const columns = readRows(file, `pragma table_info(${table})`).map((row) =>
        String(row["name"]),
      );
      for (const column of columns.filter((name) => name !== "seq")) {
        // One of its own: what the log of an earlier change left would be read into the next.
        const copy = join(dir.path, `${table}.${column}.db`);
        cpSync(file, copy);
        using database = new Database(copy);
        const changed = column === "chain" ? "zeroblob(32)" : `coalesce(${column}, 0) || '1'`;
        database.exec(`update ${table} set ${column} = ${changed} where seq = 9`);
        if (verifyLedger(copy).differenceCount === 0) unseen.push(`${table}.${column}`);
      }
    }
    expect(unseen).toEqual([]);
  });

  test("by cutting off its end, sums and all, is found out by heads that were kept", async () => {
    using dir = tempDir();
    await using temp = await tempStore();
    const tokenId = await shop(temp.store);
    const ages: { file: string; heads: LedgerHeads }[] = [];
    for (let age = 0; age < 12; age += 1) {
      await trade(temp.store, tokenId, 1 + age, seededDraw(age));
      const file = join(dir.path, `${age}.db`);
      using database = new Database(temp.file, { readonly: true });
      database.prepare("vacuum into ?").run(file);
      ages.push({ file, heads: headsOf(await temp.store.ledgerState()) });
    }
    for (const [age, { file }] of ages.entries()) {
      const found = ages.map(
        ({ heads }) => verifyLedger(file, { expectedHeads: heads }).differenceCount > 0,
      );
      expect(found).toEqual(ages.map((_, later) => later > age));
    }
  }, 60_000);

  test("by taking away what keeps postings unique is told so", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    using database = new Database(file);
    database.exec("drop index postings_terminal");
    database.close();
    expect(verifyLedger(file).differences).toEqual([
      { table: "postings", row: "-", what: "the index postings_terminal is not there" },
    ]);
  });

  test("by numbers that nothing can count to is told so, and ends", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    const found: unknown[] = [];
    for (const table of ["attempts", "postings"]) {
      for (const seq of ["9007199254740993", "-9223372036854775808"]) {
        const copy = join(dir.path, `${table}${seq}.db`);
        cpSync(file, copy);
        using database = new Database(copy);
        database.exec(`update ${table} set seq = ${seq} where seq = 40`);
        database.close();
        found.push(verifyLedger(copy).differences);
      }
    }
    const what = "cannot be the number of a row";
    expect(found).toEqual([
      [{ table: "attempts", row: "9007199254740993", what }],
      [{ table: "attempts", row: "-9223372036854775808", what }],
      [{ table: "postings", row: "9007199254740993", what }],
      [{ table: "postings", row: "-9223372036854775808", what }],
    ]);
  });

  test("by an infinity where nothing was is found out", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    using database = new Database(file);
    database.exec("update postings set status = 9e999 where status is null and seq < 40");
    const { changes } = database.query("select changes() as changes").get() as { changes: number };
    database.close();
    expect(changes).toBeGreaterThan(3);
    expect(verifyLedger(file).differenceCount).toBe(changes);
  });

  test("is told row by row, with what differs", async () => {
    using dir = tempDir();
    const file = await ledgerFile(dir.path);
    using database = new Database(file);
    const [spend] = database
      .query("select scope_type, scope_id, slot_start_ms from spend")
      .values();
    const [type, scope, slot] = spend ?? [];
    database.exec(
      `update spend set posted_nano_usd = 5
       where scope_type = '${String(type)}' and scope_id = '${String(scope)}' and slot_start_ms = ${String(slot)}`,
    );
    database.exec("update attempts set held_nano_usd = held_nano_usd + 1 where seq = 7");
    database.exec("delete from postings where seq = 3");
    database.exec("insert into open_attempts values (900, 'ten_1', null)");
    database.close();
    const report = verifyLedger(file);
    const told = report.differences.map(({ table, row, what }) => `${table} ${row} ${what}`);
    expect(told).toContain(
      "attempts 7 is not what was chained: it, or what was before it, was changed, put in or taken out",
    );
    expect(told).toContain("postings 4 does not follow row 2");
    expect(told).toContain("open_attempts 900 names an attempt that is not there");
    expect(told.filter((line) => line.includes("has no terminal posting"))).toHaveLength(1);
    const sum = `spend ${String(slot)} ${String(type)} ${String(scope)} posted_nano_usd is 5, its entries say `;
    expect(told.filter((line) => line.startsWith(sum))).toHaveLength(1);
    expect(report.differenceCount).toBe(told.length);
  });
});

test("what is no ledger is refused by name", async () => {
  using dir = tempDir();
  const missing = join(dir.path, "none.db");
  const error = await rejection(Promise.resolve().then(() => verifyLedger(missing)));
  expect(error).toMatchObject({
    code: "ledger_unavailable",
    message: `${missing}: there is no such database`,
  });
});
