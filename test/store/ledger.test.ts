/** The ledger's two verbs on real files: durable before they resolve, written exactly once. */
import { describe, expect, test } from "bun:test";
import { AssertionError } from "../../src/base/assert.ts";
import type { Store } from "../../src/store/contract.ts";
import {
  attemptScopes,
  holdRecord,
  id,
  NOW_MS,
  postingRecord,
  tenantRow,
  tokenRow,
} from "./support/records.ts";
import { readRows, rejection, tempStore } from "./support/temp-store.ts";

const QUARTER_MS = 15 * 60_000;
const SLOT_MS = Math.floor(NOW_MS / QUARTER_MS) * QUARTER_MS;
const DAY_MS = 24 * 60 * 60_000;

async function settled(store: Store, hold = holdRecord(), more = {}): Promise<void> {
  await store.ledger.hold(hold);
  store.ledger.post(postingRecord(hold.attemptId, more));
}

describe("a hold", () => {
  test("is on the disk, visible to another program, before it resolves", async () => {
    await using temp = await tempStore();
    const hold = holdRecord({
      scopes: attemptScopes({ projectId: "prj_1", endUserId: "bob", routeId: "rte_1" }),
    });
    await temp.store.ledger.hold(hold);
    const [row] = readRows(temp.file, "select * from attempts");
    expect(row?.["chain"]).toHaveLength(32);
    expect([row]).toEqual([
      {
        chain: row?.["chain"],
        seq: 1,
        id: hold.attemptId,
        request_id: hold.requestId,
        number: 1,
        tenant_id: "ten_1",
        project_id: "prj_1",
        token_id: "tok_1",
        end_user_id: "bob",
        route_id: "rte_1",
        provider_id: "prv_1",
        model: "gpt-4o-mini",
        price_version: 1,
        held_nano_usd: 5_000,
        held_at_ms: NOW_MS,
        commit_number: 1,
      },
    ]);
    expect(readRows(temp.file, "select * from price_versions")).toEqual([
      { seq: 1, price: '{"input":150000}' },
    ]);
    expect(readRows(temp.file, "select * from open_attempts")).toEqual([
      { attempt_seq: 1, tenant_id: "ten_1", end_user_id: "bob" },
    ]);
  });

  test("shares a commit with those made in the same turn and gets a later number after it", async () => {
    await using temp = await tempStore();
    await Promise.all(Array.from({ length: 40 }, () => temp.store.ledger.hold(holdRecord())));
    await temp.store.ledger.hold(holdRecord());
    expect(
      readRows(
        temp.file,
        "select commit_number, count(*) as holds from attempts group by commit_number",
      ),
    ).toEqual([
      { commit_number: 1, holds: 40 },
      { commit_number: 2, holds: 1 },
    ]);
  });

  test("is followed by all it set off before the next commit is composed", async () => {
    await using temp = await tempStore();
    const { ledger } = temp.store;
    const first = ledger.hold(holdRecord({ model: "first" }));
    await new Promise((resolve) => setImmediate(resolve));
    // The second is waiting when the first is acknowledged; what follows that comes in between.
    const second = ledger.hold(holdRecord({ model: "second" }));
    await first;
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    await Promise.all([second, ledger.hold(holdRecord({ model: "set off" }))]);
    expect(readRows(temp.file, "select model, commit_number from attempts order by seq")).toEqual([
      { model: "first", commit_number: 1 },
      { model: "second", commit_number: 2 },
      { model: "set off", commit_number: 2 },
    ]);
  });

  test("with an id that exists is refused alone; the others of its batch commit", async () => {
    await using temp = await tempStore();
    const hold = holdRecord();
    const others = [holdRecord(), holdRecord()];
    await temp.store.ledger.hold(hold);
    const results = await Promise.allSettled(
      [others[0] ?? hold, hold, others[1] ?? hold].map((record) => temp.store.ledger.hold(record)),
    );
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: expect.any(AssertionError) });
    expect(readRows(temp.file, "select count(*) as n from attempts")).toEqual([{ n: 3 }]);
    expect(readRows(temp.file, "select count(*) as n from open_attempts")).toEqual([{ n: 3 }]);
    expect(temp.store.health()).toEqual({ ok: true });
  });

  test("of a negative amount is refused by the schema, and nothing of it stays", async () => {
    await using temp = await tempStore();
    const refused = temp.store.ledger.hold(holdRecord({ heldNanoUsd: -1 }));
    expect(String(await rejection(refused))).toContain("attempts_held");
    expect(readRows(temp.file, "select count(*) as n from open_attempts")).toEqual([{ n: 0 }]);
  });
});

describe("a posting", () => {
  test("ends its attempt and is written once, however often it is made", async () => {
    await using temp = await tempStore();
    const hold = holdRecord();
    await settled(temp.store, hold);
    temp.store.ledger.post(postingRecord(hold.attemptId, { amountNanoUsd: 9_000 }));
    await temp.store.flush();
    temp.store.ledger.post(postingRecord(hold.attemptId, { kind: "void", amountNanoUsd: 0 }));
    await temp.store.flush();
    expect(readRows(temp.file, "select kind, amount_nano_usd from postings")).toEqual([
      { kind: "settle", amount_nano_usd: 3_000 },
    ]);
    expect(readRows(temp.file, "select * from open_attempts")).toEqual([]);
    // The access token, the tenant, the provider, and everything.
    expect(readRows(temp.file, "select posted_nano_usd from spend")).toEqual(
      Array.from({ length: 4 }, () => ({ posted_nano_usd: 3_000 })),
    );
    expect(temp.log.map(({ level, event }) => [level, event])).toEqual([
      ["warn", "store.posting_repeated"],
      ["warn", "store.posting_repeated"],
    ]);
  });

  test("for an attempt that was never held is an alarm and stays out", async () => {
    await using temp = await tempStore();
    temp.store.ledger.post(postingRecord("att_nobody"));
    await settled(temp.store);
    await temp.store.flush();
    expect(readRows(temp.file, "select count(*) as n from postings")).toEqual([{ n: 1 }]);
    expect(temp.log).toEqual([
      {
        level: "error",
        event: "store.posting_unknown",
        fields: { id: "att_nobody", detail: "no such attempt was ever held" },
      },
    ]);
  });

  test("adds to the quarter of an hour of admission, for each scope of its chain", async () => {
    await using temp = await tempStore();
    const scopes = attemptScopes({ projectId: "prj_1", endUserId: "bob", routeId: "rte_1" });
    await settled(temp.store, holdRecord({ scopes, heldAtMs: SLOT_MS }));
    await settled(temp.store, holdRecord({ scopes, heldAtMs: SLOT_MS + QUARTER_MS - 1 }));
    await settled(temp.store, holdRecord({ scopes, heldAtMs: SLOT_MS + QUARTER_MS }), {
      amountNanoUsd: 500,
      postedAtMs: SLOT_MS + 10 * QUARTER_MS,
    });
    await temp.store.flush();
    const rows = readRows(temp.file, "select * from spend order by scope_type, slot_start_ms");
    const all = {
      end_user: "ten_1/bob",
      global: "*",
      project: "prj_1",
      provider: "prv_1",
      route: "rte_1",
      tenant: "ten_1",
      token: "tok_1",
    };
    expect(rows).toEqual(
      Object.entries(all).flatMap(([scope_type, scope_id]) => [
        { scope_type, scope_id, slot_start_ms: SLOT_MS, posted_nano_usd: 6_000 },
        { scope_type, scope_id, slot_start_ms: SLOT_MS + QUARTER_MS, posted_nano_usd: 500 },
      ]),
    );
  });

  test("adds to the usage of its day; an exchange counts with its first attempt", async () => {
    await using temp = await tempStore();
    const requestId = id("request");
    await settled(temp.store, holdRecord({ requestId }), {
      kind: "void",
      amountNanoUsd: 0,
      inputTokens: 0,
      outputTokens: 0,
      cachedInputTokens: 0,
      reasoningTokens: 0,
    });
    await settled(temp.store, holdRecord({ requestId, attemptNumber: 2 }));
    await temp.store.flush();
    expect(readRows(temp.file, "select * from usage_days")).toEqual([
      {
        day_start_ms: Math.floor(NOW_MS / DAY_MS) * DAY_MS,
        tenant_id: "ten_1",
        project_id: "",
        token_id: "tok_1",
        provider_id: "prv_1",
        model: "gpt-4o-mini",
        requests: 1,
        attempts: 2,
        input_tokens: 100,
        output_tokens: 20,
        cached_input_tokens: 10,
        reasoning_tokens: 5,
        cost_nano_usd: 3_000,
      },
    ]);
  });
});

describe("the requests of an access token", () => {
  test("are counted with the hold of the first attempt, without touching its version", async () => {
    await using temp = await tempStore();
    const tenant = tenantRow();
    const token = tokenRow(tenant.id);
    await temp.store.insert("tenants", tenant);
    await temp.store.insert("tokens", token);
    const scopes = attemptScopes({ tokenId: token.id, projectId: null, tenantId: tenant.id });
    await Promise.all([
      temp.store.ledger.hold(holdRecord({ scopes, heldAtMs: NOW_MS + 2 })),
      temp.store.ledger.hold(holdRecord({ scopes, heldAtMs: NOW_MS + 1 })),
      temp.store.ledger.hold(holdRecord({ scopes, attemptNumber: 2, heldAtMs: NOW_MS + 9 })),
    ]);
    expect(await temp.store.get("tokens", token.id)).toEqual({
      ...token,
      requestCount: 2,
      lastUsedAtMs: NOW_MS + 2,
    });
    expect(
      (await temp.store.ownerState({ type: "tenant", tenantId: tenant.id }, [])).requestCounts,
    ).toEqual({ [token.id]: 2 });
  });
});

describe("the state of a tenant", () => {
  test("has the sums of the asked windows and the holds that are open", async () => {
    await using temp = await tempStore();
    const scope = { type: "tenant", id: "ten_1" } as const;
    await settled(temp.store, holdRecord({ heldAtMs: SLOT_MS - 1 }));
    await settled(temp.store, holdRecord({ heldAtMs: SLOT_MS }));
    await settled(temp.store, holdRecord({ heldAtMs: SLOT_MS + QUARTER_MS }));
    const open = holdRecord({
      scopes: attemptScopes({ tokenId: "tok_1", projectId: "prj_1", tenantId: "ten_1" }),
    });
    await temp.store.ledger.hold(open);
    await temp.store.ledger.hold(
      holdRecord({
        scopes: attemptScopes({ tokenId: "tok_2", projectId: null, tenantId: "ten_2" }),
      }),
    );
    expect(
      await temp.store.ownerState({ type: "tenant", tenantId: "ten_1" }, [
        { budgetId: "bud_slot", scope, startMs: SLOT_MS, endMs: SLOT_MS + QUARTER_MS },
        { budgetId: "bud_total", scope, startMs: 0, endMs: null },
        { budgetId: "bud_none", scope: { type: "token", id: "tok_9" }, startMs: 0, endMs: null },
      ]),
    ).toEqual({
      postedNanoUsd: { bud_slot: 3_000, bud_total: 9_000, bud_none: 0 },
      openHolds: [
        {
          attemptId: open.attemptId,
          requestId: open.requestId,
          scopes: open.scopes,
          heldNanoUsd: 5_000,
          heldAtMs: NOW_MS,
        },
      ],
      reachesMs: SLOT_MS + QUARTER_MS,
      requestCounts: {},
    });
  });

  test("is as of everything that was made before it and nothing that came after", async () => {
    await using temp = await tempStore();
    const { ledger } = temp.store;
    const window = {
      budgetId: "b",
      scope: { type: "tenant", id: "ten_1" },
      startMs: 0,
      endMs: null,
    } as const;
    const [first, second] = [holdRecord(), holdRecord()];
    await Promise.all([ledger.hold(first), ledger.hold(second)]);
    ledger.post(postingRecord(first.attemptId));
    const before = temp.store.ownerState({ type: "tenant", tenantId: "ten_1" }, [window]);
    ledger.post(postingRecord(second.attemptId));
    const after = temp.store.ownerState({ type: "tenant", tenantId: "ten_1" }, [window]);
    const seen = [await before, await after].map(({ postedNanoUsd, openHolds }) => [
      postedNanoUsd["b"],
      openHolds.map((hold) => hold.attemptId),
    ]);
    expect(seen).toEqual([
      [3_000, [second.attemptId]],
      [6_000, []],
    ]);
  });
});

test("closing writes what is waiting, and the same file goes on afterwards", async () => {
  await using temp = await tempStore();
  const hold = holdRecord();
  await temp.store.ledger.hold(hold);
  temp.store.ledger.post(postingRecord(hold.attemptId));
  expect(temp.store.ledger.queued()).toBe(1);
  await temp.store.close();
  expect(temp.store.ledger.queued()).toBe(0);
  expect(readRows(temp.file, "select attempt_id from postings")).toEqual([
    { attempt_id: hold.attemptId },
  ]);
  expect(await rejection(temp.store.ledger.hold(holdRecord()))).toMatchObject({
    code: "ledger_unavailable",
  });
});
