/** How batches are cut from what waits: in order, bounded, and with nothing between them lost. */
import { expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { WriteQueue, type Batch, type CallEntry } from "../../src/store/queue.ts";
import { holdRecord, postingRecord, requestRecord } from "./support/records.ts";

function hold(attemptId: string): Parameters<WriteQueue["add"]>[0] {
  return {
    kind: "hold",
    record: holdRecord({ attemptId }),
    sinceMs: 0,
    resolve: () => undefined,
    reject: () => undefined,
  };
}

function post(attemptId: string): { kind: "post"; record: ReturnType<typeof postingRecord> } {
  return { kind: "post", record: postingRecord(attemptId) };
}

function call(id: number, name: CallEntry["message"]["name"]): CallEntry {
  const message = { id, name, args: [] };
  return { kind: "call", message, resolve: () => undefined, reject: () => undefined };
}

function queueOf(...entries: readonly Parameters<WriteQueue["add"]>[0][]): WriteQueue {
  const queue = new WriteQueue();
  for (const entry of entries) queue.add(entry);
  return queue;
}

function shape(batch: Batch): string {
  return [
    ...batch.holds.map((entry) => `hold ${entry.record.attemptId}`),
    ...batch.posts.map((entry) => `post ${entry.record.attemptId}`),
    ...batch.rows.map((row) => `row ${row.id}`),
    ...batch.calls.map((entry) => `call ${entry.message.id}`),
  ].join(", ");
}

test("calls about the ledger see what came before and nothing that came after", () => {
  const queue = queueOf(
    hold("a"),
    post("b"),
    call(1, "ownerState"),
    call(2, "ownerState"),
    hold("c"),
    call(3, "ownerState"),
  );
  expect([queue.take(), queue.take(), queue.take()].map(shape)).toEqual([
    "hold a, post b, call 1, call 2",
    "hold c, call 3",
    "",
  ]);
});

test("holds and postings pass by other calls, of which one leaves with each batch, oldest first", () => {
  const queue = queueOf(call(1, "get"), call(2, "update"), call(3, "get"), hold("a"), post("b"));
  expect(shape(queue.take())).toBe("hold a, post b, call 1");
  queue.add(call(4, "ownerState"));
  queue.add(hold("c"));
  expect([queue.take(), queue.take(), queue.take()].map(shape)).toEqual([
    "call 4, call 2",
    "hold c, call 3",
    "",
  ]);
});

test("any call waits for the holds and postings that were made before it", () => {
  const queue = new WriteQueue();
  for (let place = 0; place < LIMITS.writerBatchMax; place += 1) queue.add(post(`${place}`));
  queue.add(post("last"));
  queue.add(call(1, "get"));
  queue.add(post("younger"));
  const { calls, posts } = queue.take();
  expect([calls.length, posts.length]).toEqual([0, LIMITS.writerBatchMax]);
  queue.putBack(posts, []);
  expect(queue.take().calls).toEqual([]);
  expect(shape(queue.take())).toBe("post last, post younger, call 1");
});

test("a hold made while reads and request rows wait leaves with the next batch", () => {
  const queue = new WriteQueue();
  for (let place = 0; place < 10_000; place += 1) queue.addRow(requestRecord());
  for (let id = 0; id < 200; id += 1) queue.add(call(id, id % 2 === 0 ? "requestPage" : "get"));
  queue.take();
  queue.add(hold("a"));
  const { holds, rows, calls } = queue.take();
  expect([holds.length, rows.length]).toEqual([1, LIMITS.requestRowBatchMax]);
  expect(calls.map((entry) => entry.message.id)).toEqual([3]);
});

test("a batch is bounded, and what did not fit comes with the next", () => {
  const queue = new WriteQueue();
  for (let place = 0; place < LIMITS.writerBatchMax + 2; place += 1) queue.add(post(`${place}`));
  for (let place = 0; place < LIMITS.requestRowBatchMax + 1; place += 1)
    queue.addRow(requestRecord());
  const batches = [queue.take(), queue.take()];
  expect(batches.map(({ posts, rows }) => [posts.length, rows.length])).toEqual([
    [LIMITS.writerBatchMax, LIMITS.requestRowBatchMax],
    [2, 1],
  ]);
});

test("a call about the request log waits for the rows that were recorded before it", () => {
  const queue = new WriteQueue();
  const rows = Array.from({ length: LIMITS.requestRowBatchMax + 1 }, () => requestRecord());
  for (const row of rows) queue.addRow(row);
  queue.add(call(1, "requestDetail"));
  queue.addRow(requestRecord());
  const batches = [queue.take(), queue.take()];
  expect(batches.map(({ rows: taken, calls }) => [taken.length, calls.length])).toEqual([
    [LIMITS.requestRowBatchMax, 0],
    [2, 1],
  ]);
});

test("what a failed batch had in it comes back in front of what is younger", () => {
  const queue = new WriteQueue();
  queue.add(post("a"));
  queue.addRow(requestRecord({ id: "req_a" }));
  const { posts, rows } = queue.take();
  queue.add(post("b"));
  queue.addRow(requestRecord({ id: "req_b" }));
  const taken = queue.taken;
  queue.putBack(posts, rows);
  expect(queue.taken).toEqual(taken);
  expect([queue.left, queue.ledgerCount]).toEqual([{ ledger: 0, rows: 0 }, 2]);
  expect(shape(queue.take())).toBe("post a, post b, row req_a, row req_b");
});

test("rows that come back to a full queue push out the youngest, counted", () => {
  const queue = new WriteQueue();
  queue.addRow(requestRecord({ id: "req_oldest" }));
  const { rows } = queue.take();
  for (let place = 0; place < LIMITS.requestRowQueueMax; place += 1) queue.addRow(requestRecord());
  queue.putBack([], rows);
  expect(queue.droppedRows).toBe(1);
  expect(queue.take().rows[0]?.id).toBe("req_oldest");
});

test("while nothing can be written only calls go, and those about the ledger can be taken out", () => {
  const queue = new WriteQueue();
  queue.addRow(requestRecord({ id: "req_a" }));
  for (const entry of [hold("a"), post("b"), call(1, "requestPage"), call(2, "ownerState")])
    queue.add(entry);
  queue.add(call(3, "get"));
  expect(queue.takeLedgerCalls().map((entry) => entry.message.id)).toEqual([2]);
  expect(queue.takeHolds().map((entry) => entry.record.attemptId)).toEqual(["a"]);
  expect(shape(queue.takeCall())).toBe("call 1");
  expect(queue.takeCalls().map((entry) => entry.message.id)).toEqual([3]);
  expect([queue.isUrgent, queue.isEmpty, queue.ledgerCount]).toEqual([false, false, 1]);
});
