/** What a crash leaves is ended at the next start: nothing lost, nothing open, nothing twice. */
import { LIMITS } from "../../src/base/limits.ts";
import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import {
  attemptScopes,
  holdRecord,
  id,
  NOW_MS,
  postingRecord,
  providerRow,
  requestRecord,
  routeRow,
} from "./support/records.ts";
import { crashCopy, openIn, readRows, tempDir, tempStore } from "./support/temp-store.ts";

const HOLD_LOOP = fileURLToPath(new URL("./children/hold-loop.ts", import.meta.url));

const QUARTER_MS = 15 * 60_000;

describe("after a crash", () => {
  test("open attempts are posted at their hold, those of the last commit as perhaps unsent", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    const { ledger } = crashed.store;
    const [posted, lateA, lateB] = [holdRecord(), holdRecord(), holdRecord()];
    // Far enough back to have reached its provider.
    const sent = { ...holdRecord(), heldAtMs: lateA.heldAtMs - LIMITS.connectMs };
    await Promise.all([ledger.hold(posted), ledger.hold(sent)]);
    ledger.post(postingRecord(posted.attemptId));
    await Promise.all([ledger.hold(lateA), ledger.hold(lateB)]);
    crashCopy(crashed.dir, dir.path);

    await using restarted = await openIn(dir.path);
    expect(restarted.store.recovery).toEqual({ expired: 3, maybeUnsent: 2 });
    expect(
      readRows(
        restarted.file,
        "select attempt_id, kind, amount_nano_usd, estimated, status, outcome from postings order by seq",
      ),
    ).toEqual([
      {
        attempt_id: posted.attemptId,
        kind: "settle",
        amount_nano_usd: 3_000,
        estimated: 0,
        status: 200,
        outcome: "ok",
      },
      ...[
        [sent, "crash"] as const,
        [lateA, "maybe_unsent"] as const,
        [lateB, "maybe_unsent"] as const,
      ].map(([hold, outcome]) => ({
        attempt_id: hold.attemptId,
        kind: "expire",
        amount_nano_usd: 5_000,
        estimated: 1,
        status: null,
        outcome,
      })),
    ]);
    const scope = { type: "tenant", id: "ten_1" } as const;
    const window = { budgetId: "bud_1", scope, startMs: 0, endMs: null };
    expect(
      await restarted.store.ownerState({ type: "tenant", tenantId: "ten_1" }, [window]),
    ).toEqual({
      postedNanoUsd: { bud_1: 18_000 },
      openHolds: [],
      reachesMs: Math.floor(NOW_MS / QUARTER_MS) * QUARTER_MS,
      requestCounts: {},
    });
  });

  test("an exchange without a request row gets one from the ledger, others keep theirs", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    const provider = providerRow({ name: "openai" });
    await crashed.store.insert("providers", provider);
    const { ledger } = crashed.store;
    const requestId = id("request");
    const scopes = attemptScopes({ tokenId: "tok_1", projectId: "prj_1", tenantId: "ten_1" });
    const first = holdRecord({ requestId, scopes });
    await ledger.hold(first);
    ledger.post(postingRecord(first.attemptId, { amountNanoUsd: 700, outcome: "status_500" }));
    const second = {
      attemptNumber: 2,
      scopes: { ...scopes, providerId: provider.id, endUserId: "bob" },
      model: "gpt-4o",
      heldAtMs: NOW_MS + 5,
    };
    await ledger.hold(holdRecord({ requestId, ...second }));
    const known = requestRecord({ status: 502, errorCode: "upstream_error" });
    crashed.store.requestLog.record(known);
    await ledger.hold(holdRecord({ requestId: known.id }));
    await crashed.store.flush();
    crashCopy(crashed.dir, dir.path);

    await using restarted = await openIn(dir.path);
    const rows = await restarted.store.requestPage({}, { limit: 10, cursor: null });
    expect(rows).toEqual({
      rows: [
        known,
        {
          id: requestId,
          createdAtMs: NOW_MS,
          tenantId: "ten_1",
          projectId: "prj_1",
          tokenId: "tok_1",
          endUserId: null,
          route: null,
          provider: "openai",
          model: "gpt-4o",
          status: 500,
          errorCode: "internal_error",
          stream: false,
          inputTokens: 100,
          outputTokens: 20,
          cachedInputTokens: 10,
          reasoningTokens: 5,
          costNanoUsd: 5_700,
          estimated: true,
          attemptCount: 2,
          latencyMs: 0,
          firstTokenMs: null,
          clientGone: false,
          refusal: null,
          attemptNotes: null,
          answeredBy: null,
        },
      ],
      nextCursor: null,
    });
  });

  test("the row tells for which model was asked, as far as the ledger can", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    const { insert, ledger } = crashed.store;
    const provider = providerRow({ name: "openai" });
    await insert("providers", provider);
    const route = routeRow(provider.id, { model: "smart" });
    await insert("routes", route);
    const direct = { routeId: null, providerId: provider.id };
    const holds = [
      ["smart", { routeId: route.id }, {}],
      [null, { routeId: "rte_gone", providerId: provider.id }, {}],
      ["openai/gpt-4o", direct, {}],
      [null, { routeId: null, providerId: "prv_gone" }, {}],
      // Such as a request about a response, which holds nothing.
      [null, direct, { heldNanoUsd: 0 }],
      // Such as the batch of a file that is of no model.
      [null, direct, { model: "" }],
    ] as const;
    const expected = new Map<string, string | null>();
    for (const [told, scopes, members] of holds) {
      const hold = { scopes: attemptScopes(scopes), model: "gpt-4o", ...members };
      const record = holdRecord(hold);
      expected.set(record.requestId, told);
      await ledger.hold(record);
    }
    crashCopy(crashed.dir, dir.path);
    await using restarted = await openIn(dir.path);
    const { rows } = await restarted.store.requestPage({}, { limit: 10, cursor: null });
    expect(new Map(rows.map((row) => [row.id, row.route]))).toEqual(expected);
  });

  test("a second start finds nothing more to do", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    await crashed.store.ledger.hold(holdRecord());
    crashCopy(crashed.dir, dir.path);
    const first = await openIn(dir.path);
    await first.store.close();
    await using second = await openIn(dir.path);
    expect([first.store.recovery, second.store.recovery]).toEqual([
      { expired: 1, maybeUnsent: 1 },
      { expired: 0, maybeUnsent: 0 },
    ]);
    expect(readRows(second.file, "select count(*) as n from postings")).toEqual([{ n: 1 }]);
  });

  test("ten thousand open attempts are all ended", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    await Promise.all(
      Array.from({ length: 10_000 }, () => crashed.store.ledger.hold(holdRecord())),
    );
    crashCopy(crashed.dir, dir.path);
    await using restarted = await openIn(dir.path);
    expect(restarted.store.recovery.expired).toBe(10_000);
    expect(readRows(restarted.file, "select count(*) as n from requests")).toEqual([{ n: 10_000 }]);
  });
});

test("a process that is killed at any point loses no acknowledged hold and posts none twice", async () => {
  using dir = tempDir();
  const acknowledged = new Set<string>();
  for (let cycle = 0; cycle < 20; cycle += 1) {
    const ids = await idsUntilKilled(dir.path, 1 + cycle * 17);
    expect(ids.length).toBeGreaterThan(cycle * 17);
    for (const attemptId of ids) acknowledged.add(attemptId);
  }
  await using restarted = await openIn(dir.path);
  const rows = readRows(restarted.file, "select id from attempts");
  const held = new Set(rows.map((row) => row["id"]));
  expect([...acknowledged].filter((attemptId) => !held.has(attemptId))).toEqual([]);
  expect(
    readRows(
      restarted.file,
      `select (select count(*) from attempts) - (select count(distinct attempt_id) from postings) as open,
           (select count(*) from postings) - (select count(distinct attempt_id) from postings) as twice,
           (select sum(amount_nano_usd) from postings)
             - (select sum(posted_nano_usd) from spend where scope_type = 'tenant') as unsummed,
           (select sum(amount_nano_usd) from postings) - (select sum(cost_nano_usd) from usage_days) as unused`,
    ),
  ).toEqual([{ open: 0, twice: 0, unsummed: 0, unused: 0 }]);
  expect(readRows(restarted.file, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
}, 60_000);

/** Runs the loop until it wrote `count` ids, kills it, and gives all it managed to write. */
async function idsUntilKilled(dir: string, count: number): Promise<string[]> {
  const child = Bun.spawn([process.execPath, HOLD_LOOP, dir], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  // The last line may be cut; what is before it was acknowledged.
  return text.split("\n").slice(0, -1);
}
