/** The request log read back: filters, order, pages, and the indexes that keep it quick. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { LIMITS } from "../../src/base/limits.ts";
import { openDatabase } from "../../src/store/database.ts";
import {
  olderThan,
  requestPage,
  restOf,
  stepEnd,
  walkOf,
  walkStep,
} from "../../src/store/request-queries.ts";
import { requests } from "../../drizzle/schema.ts";
import type { RequestRecord } from "../../src/store/contract.ts";
import type { RequestFilter } from "../../src/store/history-contract.ts";
import { holdRecord, NOW_MS, postingRecord, requestRecord } from "./support/records.ts";
import { tempDir, tempStore } from "./support/temp-store.ts";

function numbered(count: number, more: (place: number) => Partial<RequestRecord>): RequestRecord[] {
  return Array.from({ length: count }, (_, place) =>
    requestRecord({ id: `req_${String(place).padStart(4, "0")}`, ...more(place) }),
  );
}

describe("a page of requests", () => {
  test("is newest first, holds what was recorded just before, and goes on where it ended", async () => {
    await using temp = await tempStore();
    const count = 2 * LIMITS.requestRowBatchMax;
    const rows = numbered(count, () => ({}));
    for (const row of rows.slice(0, -1)) temp.store.requestLog.record(row);
    const first = await temp.store.requestPage({}, { limit: 100, cursor: null });
    for (const row of rows.slice(-1)) temp.store.requestLog.record(row);
    const second = await temp.store.requestPage({}, { limit: 100, cursor: first.nextCursor });
    const found: readonly RequestRecord[] = [...first.rows, ...second.rows];
    expect(found).toEqual(rows.slice(0, -1).toReversed());
    expect([first.rows.length, second.rows.length]).toEqual([100, count - 101]);
    expect(second.nextCursor).toBeNull();
  });

  test("keeps why a request was refused", async () => {
    await using temp = await tempStore();
    const row = requestRecord({
      status: 429,
      errorCode: "budget_exceeded",
      provider: null,
      model: null,
      refusal: {
        kind: "budget",
        scope: { type: "tenant", id: "ten_1" },
        ruleId: "bud_1",
        limit: 10,
        posted: 4,
        held: 5,
        asked: 3,
        freesAtMs: NOW_MS,
      },
    });
    temp.store.requestLog.record(row);
    expect(await temp.store.requestDetail(row.id)).toEqual({ request: row, attempts: [] });
  });

  const cases: readonly (readonly [name: string, filter: RequestFilter, places: number[]])[] = [
    ["tenant", { tenantId: "ten_2" }, [1]],
    ["project", { projectId: "prj_2" }, [2]],
    ["token", { tokenId: "tok_2" }, [3]],
    ["token and its tenant", { tokenId: "tok_2", tenantId: "ten_1" }, [3]],
    ["token and another tenant", { tokenId: "tok_2", tenantId: "ten_2" }, []],
    ["route", { route: "other" }, [4]],
    ["provider", { provider: "local" }, [5]],
    ["model", { model: "llama" }, [6]],
    ["status", { status: 429 }, [7]],
    ["error code", { errorCode: "budget_exceeded" }, [7]],
    ["from a time on", { fromMs: NOW_MS + 8 }, [8]],
    ["before a time", { toMs: NOW_MS }, [0]],
    ["several at once", { tenantId: "ten_1", status: 429, toMs: NOW_MS + 8 }, [7]],
    ["nothing that matches", { model: "none" }, []],
  ];
  test.each(cases)("filtered by %s", async (_, filter, places) => {
    await using temp = await tempStore();
    const rows = numbered(9, (place) => ({
      createdAtMs: place === 0 ? NOW_MS - 1 : NOW_MS + place,
      tenantId: place === 1 ? "ten_2" : "ten_1",
      projectId: place === 2 ? "prj_2" : null,
      tokenId: place === 3 ? "tok_2" : "tok_1",
      route: place === 4 ? "other" : "gpt-small",
      provider: place === 5 ? "local" : "openai",
      model: place === 6 ? "llama" : "gpt-4o-mini",
      ...(place === 7 ? { status: 429, errorCode: "budget_exceeded" } : {}),
    }));
    for (const row of rows) temp.store.requestLog.record(row);
    const page = await temp.store.requestPage(filter, { limit: 50, cursor: null });
    expect(page.rows.map((row) => row.id)).toEqual(places.map((place) => rows[place]?.id ?? ""));
  });

  test("is found in steps of any size, over matches, gaps and the end", () => {
    using dir = tempDir();
    const { orm, sqlite } = openDatabase(join(dir.path, "tollgate.db"));
    const rows = numbered(40, (place) => ({ status: place % 7 === 0 || place > 36 ? 500 : 200 }));
    orm.insert(requests).values(rows).run();
    const wanted = rows
      .filter((row) => row.status === 500)
      .map((row) => row.id)
      .toReversed();
    const wrong: string[] = [];
    for (const stepRows of [1, 2, 3, 7, 39, 40, 41]) {
      for (const limit of [1, 2, 5, 50]) {
        const found: string[] = [];
        let beyondId: string | null = null;
        do {
          const steps = requestPage(orm, { status: 500 }, { limit, beyondId }, stepRows);
          let step = steps.next();
          while (step.done !== true) step = steps.next();
          found.push(...step.value.rows.map((row) => row.id));
          beyondId = step.value.nextCursor === null ? null : (found.at(-1) ?? null);
        } while (beyondId !== null);
        if (found.join() !== wanted.join()) wrong.push(`steps of ${stepRows}, pages of ${limit}`);
      }
    }
    sqlite.close();
    expect(wrong).toEqual([]);
  });

  const plans: readonly (readonly [name: string, filter: RequestFilter, index: string])[] = [
    ["no filter", {}, "sqlite_autoindex_requests_1"],
    ["a tenant", { tenantId: "t" }, "requests_by_tenant"],
    ["an access token", { tokenId: "t" }, "requests_by_token"],
    [
      "an access token, its tenant and a status",
      { tokenId: "t", tenantId: "t", status: 200 },
      "requests_by_token",
    ],
    ["a model and a time", { model: "m", fromMs: 1, toMs: 2 }, "sqlite_autoindex_requests_1"],
  ];
  test.each(plans)("for %s walks an index in order, without sorting", (_, filter, index) => {
    using dir = tempDir();
    const { orm, sqlite } = openDatabase(join(dir.path, "tollgate.db"));
    const conditions = [...walkOf(filter), olderThan("req_5")];
    const queries = [
      walkStep(orm, [...conditions, ...restOf(filter)], 51),
      stepEnd(orm, conditions, 5_000),
    ];
    const plan = queries.flatMap((query) => {
      const { sql } = query.toSQL();
      return sqlite.prepare<{ detail: string }, []>(`explain query plan ${sql}`).all();
    });
    sqlite.close();
    const bad = plan.filter(
      ({ detail }) => !detail.startsWith("SEARCH requests") || !detail.includes(index),
    );
    expect(bad).toEqual([]);
    expect(plan).toHaveLength(2);
  });
});

describe("one request", () => {
  test("comes with its attempts in order and their ledger entries", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const row = requestRecord({ attemptCount: 2 });
    const [first, second] = [
      holdRecord({ requestId: row.id }),
      holdRecord({ requestId: row.id, attemptNumber: 2 }),
    ];
    await store.ledger.hold(first);
    store.ledger.post(
      postingRecord(first.attemptId, { kind: "void", amountNanoUsd: 0, status: 503 }),
    );
    await store.ledger.hold(second);
    store.ledger.post(postingRecord(second.attemptId));
    store.requestLog.record(row);
    const detail = await store.requestDetail(row.id);
    expect(detail?.request).toEqual(row);
    expect(
      detail?.attempts.map(({ attempt, postings }) => [
        attempt.id,
        attempt.number,
        attempt.heldNanoUsd,
        ...postings.map(({ kind, amountNanoUsd, status }) => ({ kind, amountNanoUsd, status })),
      ]),
    ).toEqual([
      [first.attemptId, 1, 5_000, { kind: "void", amountNanoUsd: 0, status: 503 }],
      [second.attemptId, 2, 5_000, { kind: "settle", amountNanoUsd: 3_000, status: 200 }],
    ]);
  });

  test("that is unknown is null, and one that only the ledger knows has no row", async () => {
    await using temp = await tempStore();
    const hold = holdRecord();
    await temp.store.ledger.hold(hold);
    expect(await temp.store.requestDetail("req_none")).toBeNull();
    const detail = await temp.store.requestDetail(hold.requestId);
    expect([detail?.request, detail?.attempts.length]).toEqual([null, 1]);
  });
});
