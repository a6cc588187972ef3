/**
 * Room for the answers that idempotency keys stand for: each tenant's is bounded, the oldest make room
 * for new ones, and the sum that says so is exact whatever is done with the keys.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { LIMITS } from "../../src/base/limits.ts";
import { idempotencyCalls } from "../../src/store/idempotency-calls.ts";
import type { KeyClaim, KeyStep } from "../../src/store/idempotency-contract.ts";
import { NOW_MS } from "./support/records.ts";
import { tempDir, openIn } from "./support/temp-store.ts";

const LEAST = LIMITS.idempotencyCountedBytesMin;
const ROOM = 10 * LEAST;
const HEADERS = { "content-type": "application/json" };

type Keys = ReturnType<typeof idempotencyCalls>;

/** The calls of a store whose tenants have little room, on its file. */
async function withKeys(
  story: (open: () => { keys: Keys; sqlite: Database }) => void,
): Promise<void> {
  using dir = tempDir();
  const { store, file } = await openIn(dir.path);
  await store.close();
  const opened: Database[] = [];
  try {
    story(() => {
      const sqlite = new Database(file);
      opened.push(sqlite);
      const orm = drizzle({ client: sqlite });
      return { keys: idempotencyCalls({ file, sqlite, orm }, ROOM), sqlite };
    });
  } finally {
    for (const sqlite of opened) sqlite.close();
  }
}

const refOf = (number: number) => ({
  tokenId: "tok_1",
  keyHash: `key-${number}`,
  requestId: `req_${number}`,
});

function claim(number: number, tenantId = "ten_1", requestId = `req_${number}`): KeyStep {
  const times = { nowMs: NOW_MS + number, expiresAtMs: NOW_MS + 1_000 + number };
  return { do: "claim", ...refOf(number), requestId, bodyHash: "body", tenantId, ...times };
}

function complete(number: number, bytes: number | null): KeyStep {
  const body = bytes === null ? null : Buffer.alloc(bytes, number).toString("base64");
  return { do: "complete", ...refOf(number), status: 200, headers: HEADERS, bodySealed: body };
}

/** Keeps answers of these numbers, each of so many bytes. */
function keep(keys: Keys, numbers: readonly number[], bytes: number, tenantId?: string): void {
  for (const number of numbers) keys.stepKeys([claim(number, tenantId), complete(number, bytes)]);
}

const upTo = (count: number) => Array.from({ length: count }, (_, place) => place + 1);

/** Numbers of those keys whose answers are there, by what a request that comes again is told. */
function kept(keys: Keys, count: number): number[] {
  return upTo(count).filter(
    (number) => bodyOf(keys.stepKeys([claim(number, "x", "again")])) !== null,
  );
}

function bodyOf([known]: readonly (KeyClaim | null)[]): string | null {
  if (known?.kind !== "answered") throw new Error(`the key is ${known?.kind}`);
  return known.answer.bodySealed;
}

/** What the sum says, and what the rows say. */
function sums(sqlite: Database): readonly [unknown, unknown] {
  const sum = sqlite.query("select tenant_id, bytes from kept_answers order by tenant_id").values();
  const rows = sqlite
    .query(
      "select tenant_id, sum(kept_bytes) from idempotency_keys where body_sealed is not null group by tenant_id",
    )
    .values();
  return [sum, rows];
}

describe("a tenant's answers", () => {
  test("are kept up to its room, then the oldest are dropped, and as if they had been too large", async () => {
    await withKeys((open) => {
      const { keys, sqlite } = open();
      keep(keys, upTo(10), LEAST);
      expect(kept(keys, 10)).toEqual(upTo(10));
      keep(keys, [11, 12], LEAST);
      expect(kept(keys, 12)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      keys.stepKeys([claim(13), complete(13, null)]);
      const [dropped] = keys.stepKeys([claim(1, "x", "again")]);
      const [tooLarge] = keys.stepKeys([claim(13, "x", "again")]);
      expect(dropped).toEqual({ ...tooLarge, requestId: "req_1" } as KeyClaim);
      expect(sums(sqlite)).toEqual([[["ten_1", ROOM]], [["ten_1", ROOM]]]);
    });
  });

  test("make room for a large one together, and no more of them than it needs", async () => {
    await withKeys((open) => {
      const { keys, sqlite } = open();
      keep(keys, upTo(10), 1);
      keep(keys, [11], 3 * LEAST + 1);
      expect(kept(keys, 11)).toEqual([5, 6, 7, 8, 9, 10, 11]);
      const bytes = 6 * LEAST + 3 * LEAST + 1;
      expect(sums(sqlite)).toEqual([[["ten_1", bytes]], [["ten_1", bytes]]]);
    });
  });

  test("take nothing of another tenant's room", async () => {
    await withKeys((open) => {
      const { keys, sqlite } = open();
      keep(keys, [1, 2], LEAST, "ten_2");
      keep(
        keys,
        upTo(30).map((number) => number + 2),
        LEAST,
      );
      expect(kept(keys, 32)).toEqual([1, 2, ...upTo(10).map((number) => number + 22)]);
      const all = [
        ["ten_1", ROOM],
        ["ten_2", 2 * LEAST],
      ];
      expect(sums(sqlite)).toEqual([all, all]);
    });
  });

  test("are counted once, also where their end is told twice", async () => {
    await withKeys((open) => {
      const { keys, sqlite } = open();
      keep(keys, [1], 2 * LEAST);
      keys.stepKeys([complete(1, 2 * LEAST)]);
      expect(sums(sqlite)).toEqual([[["ten_1", 2 * LEAST]], [["ten_1", 2 * LEAST]]]);
    });
  });
});

describe("room is given back", () => {
  test("by answers that expire and keys that are claimed anew, to the last byte", async () => {
    await withKeys((open) => {
      const { keys, sqlite } = open();
      keep(keys, upTo(4), LEAST + 7);
      expect(keys.expireKeys(NOW_MS + 1_002, 10)).toBe(2);
      // Expired, and not yet deleted, when its key comes again.
      const late = { nowMs: NOW_MS + 1_003, expiresAtMs: NOW_MS + 5_000 };
      expect(keys.stepKeys([{ ...claim(3, "ten_2", "again"), ...late }])).toEqual([
        { kind: "claimed" },
      ]);
      expect(sums(sqlite)).toEqual([[["ten_1", LEAST + 7]], [["ten_1", LEAST + 7]]]);
      expect(keys.expireKeys(NOW_MS + 9_000, 10)).toBe(2);
      expect(sums(sqlite)).toEqual([[], []]);
    });
  });

  test("and the sum outlives the process", async () => {
    await withKeys((open) => {
      keep(open().keys, upTo(10), LEAST);
      const { keys, sqlite } = open();
      keep(keys, [11], LEAST);
      expect(kept(keys, 11)).toEqual(upTo(10).map((number) => number + 1));
      expect(sums(sqlite)).toEqual([[["ten_1", ROOM]], [["ten_1", ROOM]]]);
    });
  });
});

test("the oldest are found by an index, in which nothing else is", async () => {
  await withKeys((open) => {
    const { sqlite } = open();
    const steps = sqlite
      .query<{ detail: string }, []>(
        "explain query plan select token_id from idempotency_keys where tenant_id = 't' and kept_bytes > 0 order by created_at_ms limit 5",
      )
      .all();
    expect(steps.map(({ detail }) => detail)).toEqual([
      "SEARCH idempotency_keys USING INDEX idempotency_keys_kept (tenant_id=?)",
    ]);
  });
});

test("answers that were kept before there was a bound are counted when the file is migrated", async () => {
  const migration = await Bun.file("drizzle/0002_kept_answers.sql").text();
  const [update = "", insert = ""] = migration.split("--> statement-breakpoint").slice(-2);
  await withKeys((open) => {
    const { keys, sqlite } = open();
    keep(keys, [1, 2], LEAST + 1);
    keys.stepKeys([claim(3)]);
    addToken(sqlite, "tok_1", "ten_1");
    sqlite.exec("delete from kept_answers");
    sqlite.exec("update idempotency_keys set tenant_id = '', kept_bytes = 0");
    sqlite.exec(update);
    sqlite.exec(insert);
    const all = [["ten_1", 2 * LEAST + 2]];
    expect(sums(sqlite)).toEqual([all, all]);
  });
});

/** A row of which nothing matters but whose it is. */
function addToken(sqlite: Database, id: string, tenantId: string): void {
  const known: Readonly<Record<string, string>> = { id, tenant_id: tenantId };
  const columns = sqlite
    .query<{ name: string; notnull: number; dflt_value: unknown }, []>("pragma table_info(tokens)")
    .all()
    .filter(({ notnull, dflt_value: given }) => notnull === 1 && given === null);
  const names = columns.map(({ name }) => name);
  sqlite.exec("pragma foreign_keys = off");
  sqlite
    .query(`insert into tokens (${names.join()}) values (${names.map(() => "?").join()})`)
    .run(...names.map((name) => known[name] ?? ""));
}
