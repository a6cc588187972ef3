/** The writer thread dies: what it was doing is answered, and a new one goes on. */
import { expect, test } from "bun:test";
import { holdRecord, postingRecord } from "./support/records.ts";
import { readRows, rejection, tempStore, until } from "./support/temp-store.ts";

const DYING_THREAD = new URL("./children/dying-thread.ts", import.meta.url).href;

test("a thread that dies after a commit nobody heard of: the hold is refused and voided", async () => {
  await using temp = await tempStore({ threadUrl: DYING_THREAD });
  const { store } = temp;
  const [first, fatal, next] = [holdRecord(), holdRecord({ model: "die-after" }), holdRecord()];
  await store.ledger.hold(first);
  store.ledger.post(postingRecord(first.attemptId));
  const state = store.ledger.hold(fatal);
  expect(await rejection(state)).toMatchObject({ code: "ledger_unavailable" });
  expect(store.health()).toEqual({
    ok: false,
    detail: `${temp.file}: the writer thread stopped (it ended) and is started again`,
  });
  expect(await rejection(store.get("tenants", "ten_1"))).toMatchObject({
    code: "ledger_unavailable",
  });

  await until(() => store.health().ok);
  await store.ledger.hold(next);
  await store.flush();
  expect(
    readRows(
      temp.file,
      "select attempts.id, kind, outcome from attempts left join postings on attempt_id = attempts.id order by attempts.seq",
    ),
  ).toEqual([
    { id: first.attemptId, kind: "settle", outcome: "ok" },
    { id: fatal.attemptId, kind: "void", outcome: "not_sent" },
    { id: next.attemptId, kind: null, outcome: null },
  ]);
});

test("calls that the thread was asked are refused when it dies", async () => {
  await using temp = await tempStore({ threadUrl: DYING_THREAD });
  const hold = rejection(temp.store.ledger.hold(holdRecord({ model: "die-after" })));
  const calls = [
    temp.store.ownerState({ type: "tenant", tenantId: "ten_1" }, []),
    temp.store.get("tenants", "ten_1"),
  ];
  const errors = await Promise.all([hold, ...calls.map(rejection)]);
  expect(errors).toMatchObject(errors.map(() => ({ code: "ledger_unavailable" })));
  await until(() => temp.store.health().ok);
  expect(await temp.store.ownerState({ type: "tenant", tenantId: "ten_1" }, [])).toEqual({
    postedNanoUsd: {},
    openHolds: [],
    reachesMs: null,
    requestCounts: {},
  });
});
