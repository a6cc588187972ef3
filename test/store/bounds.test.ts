/** Every queue has a bound: holds past it are refused, request rows drop, postings never do. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { holdRecord, postingRecord, requestRecord } from "./support/records.ts";
import { openIn, readRows, rejection, tempDir, tempStore, until } from "./support/temp-store.ts";

test("request rows past their bound drop and are counted; the others are written", async () => {
  await using temp = await tempStore();
  const rows = Array.from({ length: LIMITS.requestRowQueueMax + 7 }, () => requestRecord());
  for (const row of rows) temp.store.requestLog.record(row);
  expect(temp.store.requestLog.droppedCount()).toBe(7);
  await temp.store.flush();
  expect(readRows(temp.file, "select count(*) as n from requests")).toEqual([
    { n: LIMITS.requestRowQueueMax },
  ]);
});

test("a request row is written soon although nobody asks for it", async () => {
  await using temp = await tempStore();
  const row = requestRecord();
  temp.store.requestLog.record(row);
  await until(() => readRows(temp.file, "select id from requests").length > 0);
  expect(readRows(temp.file, "select id from requests")).toEqual([{ id: row.id }]);
});

test("a request row that is recorded twice is written once", async () => {
  await using temp = await tempStore();
  const row = requestRecord();
  temp.store.requestLog.record(row);
  temp.store.requestLog.record({ ...row, status: 500 });
  await temp.store.ledger.hold(holdRecord());
  await temp.store.flush();
  expect(readRows(temp.file, "select id, status from requests")).toEqual([
    { id: row.id, status: 200 },
  ]);
});

test("holds past their bound are refused with a time to come back; postings are taken", async () => {
  await using temp = await tempStore();
  const first = holdRecord();
  await temp.store.ledger.hold(first);
  const holds = Array.from({ length: LIMITS.ledgerQueueMax }, () =>
    temp.store.ledger.hold(holdRecord()),
  );
  const refused = rejection(temp.store.ledger.hold(holdRecord()));
  temp.store.ledger.post(postingRecord(first.attemptId));
  expect(temp.store.ledger.queued()).toBe(LIMITS.ledgerQueueMax + 1);
  expect(await refused).toMatchObject({ code: "ledger_unavailable", retryAfterMs: 1_000 });
  await Promise.all(holds);
  await temp.store.flush();
  expect(readRows(temp.file, "select count(*) as n from attempts")).toEqual([
    { n: LIMITS.ledgerQueueMax + 1 },
  ]);
  expect(readRows(temp.file, "select count(*) as n from postings")).toEqual([{ n: 1 }]);
}, 20_000);

test("health tells of a disk that does not answer", async () => {
  let offsetMs = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + offsetMs,
  };
  await using temp = await tempStore({ clock });
  using other = new Database(temp.file);
  other.exec("begin immediate");
  const hold = temp.store.ledger.hold(holdRecord());
  await new Promise((resolve) => setImmediate(resolve));
  expect(temp.store.health()).toEqual({ ok: true });
  offsetMs = 7_000;
  expect(temp.store.health()).toEqual({
    ok: false,
    detail: `${temp.file}: a write has been under way for 7 s; the disk does not answer`,
  });
  other.exec("rollback");
  await hold;
  expect(temp.store.health()).toEqual({ ok: true });
});

test("closing gives up on a disk that stays broken, says what is unwritten, and frees the directory", async () => {
  using dir = tempDir();
  // Twenty times as hasty as life, so that nobody waits for the patience of a shutdown.
  const clock: Clock = {
    ...systemClock,
    after: (delayMs, callback) => systemClock.after(delayMs / 20, callback),
  };
  const temp = await openIn(dir.path, { clock });
  const hold = holdRecord();
  await temp.store.ledger.hold(hold);
  using other = new Database(temp.file);
  other.exec("begin immediate");
  temp.store.ledger.post(postingRecord(hold.attemptId));
  expect(String(await rejection(temp.store.close()))).toContain(
    `1 ledger entries could not be written to ${temp.file}`,
  );
  other.exec("rollback");
  await using next = await openIn(dir.path);
  // The thread was waiting for the lock; it may have got it before it was ended, or recovery posted.
  expect(next.store.recovery.expired).toBeLessThanOrEqual(1);
  expect(readRows(temp.file, "select attempt_id from postings")).toEqual([
    { attempt_id: hold.attemptId },
  ]);
});
