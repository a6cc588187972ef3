/** An old database that is put back freezes the ledger until somebody accepts it; a crash never does. */
import { describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { backupDatabase } from "../../src/store/backup.ts";
import type { Store } from "../../src/store/contract.ts";
import { Mark } from "../../src/store/mark.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { holdRecord, NOW_MS, postingRecord, tenantRow } from "./support/records.ts";
import {
  crashCopy,
  openIn,
  readRows,
  rejection,
  tempDir,
  tempStore,
} from "./support/temp-store.ts";

const DAY_MS = 24 * 60 * 60_000;
const HOUR_MS = 60 * 60_000;

async function spend(store: Store, amountNanoUsd: number, atMs = NOW_MS): Promise<void> {
  const hold = holdRecord({ heldAtMs: atMs, heldNanoUsd: amountNanoUsd });
  await store.ledger.hold(hold);
  store.ledger.post(postingRecord(hold.attemptId, { amountNanoUsd, postedAtMs: atMs + 1_000 }));
  await store.flush();
}

function clockAt(nowMs: number): Clock {
  return { ...systemClock, nowMs: () => nowMs };
}

describe("an older database beside a newer mark", () => {
  test("is frozen, told with what is missing, until it is accepted", async () => {
    using dir = tempDir();
    using old = tempDir();
    const before = await openIn(dir.path);
    await spend(before.store, 1_000_000_000);
    await before.store.close();
    cpSync(before.file, join(old.path, "old.db"));
    const after = await openIn(dir.path);
    await spend(after.store, 2_500_000_000, NOW_MS + HOUR_MS);
    await after.store.ledger.hold(
      holdRecord({ heldNanoUsd: 400_000_000, heldAtMs: NOW_MS + 2 * HOUR_MS }),
    );
    using crashed = tempDir();
    crashCopy(dir.path, crashed.path);
    await after.store.close();

    cpSync(join(old.path, "old.db"), join(crashed.path, "tollgate.db"));
    rmSync(join(crashed.path, "tollgate.db-wal"));
    const clock = clockAt(NOW_MS + DAY_MS);
    const restored = await openIn(crashed.path, { clock });
    const detail =
      "The ledger ends at 2026-05-20T10:07:01.000Z, 2 attempts and 1 postings before the mark beside it, " +
      "of 2026-05-20T12:07:00.000Z: USD 2.50 that was posted in between is missing, and attempts that " +
      "held USD 0.40 were open at its end. Look up at the providers what was spent since, lower the " +
      "budgets it belongs to, then accept the ledger";
    const frozen = { detail, sinceMs: NOW_MS + DAY_MS };
    expect(restored.store.isFrozen()).toBe(true);
    expect(await restored.store.ledgerState()).toMatchObject({ attempts: 1, frozen });
    expect(restored.log).toContainEqual({ level: "warn", event: "store.frozen", fields: frozen });
    // What has no hard budget goes on, and does not thaw anything.
    await spend(restored.store, 5);
    await restored.store.close();

    const again = await openIn(crashed.path);
    expect(await again.store.ledgerState()).toMatchObject({ attempts: 2, frozen });
    expect(verifyLedger(again.file)).toMatchObject({ differenceCount: 0, frozen });
    expect(await again.store.acceptLedger()).toMatchObject({ attempts: 2, frozen: null });
    expect(again.store.isFrozen()).toBe(false);
    await again.store.close();
    await using accepted = await openIn(crashed.path);
    expect(accepted.store.isFrozen()).toBe(false);
  });

  test("is frozen too when only the log that belongs to it was left out", async () => {
    await using running = await tempStore();
    await spend(running.store, 7);
    using copy = tempDir();
    crashCopy(running.dir, copy.path);
    rmSync(join(copy.path, "tollgate.db-wal"));
    await using restored = await openIn(copy.path);
    expect(restored.store.isFrozen()).toBe(true);
  });

  test("that has rows of its own since is frozen as another history", async () => {
    using dir = tempDir();
    using fork = tempDir();
    const first = await openIn(dir.path);
    await spend(first.store, 7);
    await first.store.close();
    cpSync(first.file, join(fork.path, "tollgate.db"));
    for (const path of [dir.path, fork.path]) {
      const side = await openIn(path);
      await spend(side.store, 8);
      await side.store.close();
    }
    cpSync(join(fork.path, "tollgate.db"), first.file);
    await using restored = await openIn(dir.path);
    expect((await restored.store.ledgerState()).frozen?.detail).toStartWith(
      "The ledger has another history than the mark beside it, of 2026-05-20T10:07:01.000Z. ",
    );
  });
});

describe("the mark", () => {
  test("stands where the ledger stands after every commit, and after a restart", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    const mark = new Mark(first.file);
    await spend(first.store, 12);
    await first.store.ledger.hold(holdRecord({ heldNanoUsd: 5_000 }));
    const expected = { postedNanoUsd: 12n, openNanoUsd: 5_000n, lastAtMs: NOW_MS + 1_000 };
    expect(mark.read()).toMatchObject({ attempts: { seq: 2 }, postings: { seq: 1 }, ...expected });
    await first.store.close();
    const clock = clockAt(NOW_MS + HOUR_MS);
    await using second = await openIn(dir.path, { clock });
    expect(mark.read()).toMatchObject({
      attempts: { seq: 2 },
      postings: { seq: 2 },
      postedNanoUsd: 5_012n,
      openNanoUsd: 0n,
      lastAtMs: NOW_MS + HOUR_MS,
    });
    expect(Buffer.from(mark.read()?.postings.link ?? []).toString("hex")).toBe(
      (await second.store.ledgerState()).postingsHead,
    );
  });

  test("that was written in part is never taken for another", async () => {
    await using temp = await tempStore();
    const file = `${temp.file}.mark`;
    await spend(temp.store, 7);
    const older = readFileSync(file);
    await spend(temp.store, 123_456_789);
    const newer = readFileSync(file);
    const known = [older, newer].map((whole) => {
      writeFileSync(file, whole);
      return Bun.inspect(new Mark(temp.file).read());
    });
    const unknown: number[] = [];
    for (let cut = 0; cut <= newer.length; cut += 1) {
      for (const [head, tail] of [
        [newer, older],
        [older, newer],
        [newer, Buffer.alloc(newer.length)],
      ] as const) {
        writeFileSync(file, Buffer.concat([head.subarray(0, cut), tail.subarray(cut)]));
        const read = new Mark(temp.file).read();
        if (read !== null && !known.includes(Bun.inspect(read))) unknown.push(cut);
      }
    }
    expect(unknown).toEqual([]);
    expect(known[0]).not.toBe(known[1]);
  });

  test("that is missing, damaged or behind after a crash freezes nothing", async () => {
    await using running = await tempStore();
    await spend(running.store, 7);
    const older = readFileSync(`${running.file}.mark`);
    await spend(running.store, 8);
    for (const mark of [null, "no mark", older]) {
      using copy = tempDir();
      crashCopy(running.dir, copy.path);
      const file = join(copy.path, "tollgate.db.mark");
      if (mark === null) rmSync(file);
      else writeFileSync(file, mark);
      await using restarted = await openIn(copy.path);
      expect([mark, restarted.store.isFrozen()]).toEqual([mark, false]);
    }
  });
});

async function messageOf(from: string, to: string): Promise<string> {
  return String(await rejection(Promise.resolve().then(() => backupDatabase(from, to, NOW_MS))));
}

describe("a backup", () => {
  test("is made beside a running server, whole, private, and without anything beside it", async () => {
    await using running = await tempStore();
    await running.store.insert("tenants", tenantRow());
    await spend(running.store, 7);
    await running.store.ledger.hold(holdRecord());
    using dir = tempDir();
    const to = join(dir.path, "copy.db");
    backupDatabase(running.file, to, NOW_MS);
    expect(readdirSync(dir.path)).toEqual(["copy.db"]);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    const { attempts, postings, attemptsHead, postingsHead } = await running.store.ledgerState();
    expect(verifyLedger(to)).toEqual({
      attempts,
      postings,
      attemptsHead,
      postingsHead,
      open: 1,
      frozen: {
        detail: "This ledger was restored from a backup of 2026-05-20T10:07:00.000Z",
        sinceMs: NOW_MS,
      },
      differenceCount: 0,
      differences: [],
    });
    expect(readRows(to, "select name from tenants")).toEqual([{ name: "Acme" }]);
    expect(running.store.isFrozen()).toBe(false);
  });

  test("that somebody starts from is frozen, with what its pace makes of the time since", async () => {
    await using running = await tempStore();
    await spend(running.store, 3_000_000_000, NOW_MS - 2 * DAY_MS);
    await spend(running.store, 1_000_000_000);
    using dir = tempDir();
    const to = join(dir.path, "tollgate.db");
    backupDatabase(running.file, to, NOW_MS + HOUR_MS);
    const clock = clockAt(NOW_MS + 1_000 + 12 * HOUR_MS);
    const restored = await openIn(dir.path, { clock });
    expect((await restored.store.ledgerState()).frozen).toEqual({
      detail:
        "This ledger was restored from a backup of 2026-05-20T11:07:00.000Z. Its last entry is of " +
        "2026-05-20T10:07:01.000Z; at the pace of its busiest day up to USD 1.50 were spent since. " +
        "Look up at the providers what was spent since, lower the budgets it belongs to, then accept " +
        "the ledger",
      sinceMs: clock.nowMs(),
    });
    await restored.store.acceptLedger();
    await restored.store.close();
    await using accepted = await openIn(dir.path);
    expect(accepted.store.isFrozen()).toBe(false);
  });

  test("overwrites nothing, needs a database, and leaves nothing behind when it fails", async () => {
    await using running = await tempStore();
    using dir = tempDir();
    const taken = join(dir.path, "taken.db");
    writeFileSync(taken, "mine");
    expect(await messageOf(running.file, taken)).toContain(
      `${taken}: exists already; a backup overwrites nothing`,
    );
    expect(readFileSync(taken, "utf8")).toBe("mine");
    expect(await messageOf(join(dir.path, "none.db"), join(dir.path, "b.db"))).toContain(
      "none.db: there is no such database",
    );
    const shopping = join(dir.path, "list.db");
    writeFileSync(shopping, "milk, eggs, bread".repeat(1_000));
    expect(await messageOf(shopping, join(dir.path, "b.db"))).toContain(
      `${shopping}: the file is not an SQLite database`,
    );
    expect(existsSync(join(dir.path, "b.db.part"))).toBe(false);
    expect(readdirSync(dir.path).sort()).toEqual(["list.db", "taken.db"]);
  });
});
