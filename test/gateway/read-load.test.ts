/** Guarantee: memory is measured against what there is for us, and the ledger by the hold that waits longest. */
import { expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { createReadLoad, memoryBoundBytes } from "../../src/gateway/read-load.ts";
import { holdRecord, postingRecord } from "../store/support/records.ts";
import { tempStore } from "../store/support/temp-store.ts";

const MACHINE = 4_000_000_000;

test.each([
  ["version 2 of control groups", ["1000000000\n", null], 1_000_000_000],
  ["version 1", [null, "500000000"], 500_000_000],
  ["no bound in version 2", ["max\n", null], 3_000_000_000],
  ["no bound in version 1", [null, "9223372036854771712"], 3_000_000_000],
  ["no container", [null, null], 3_000_000_000],
  ["nonsense", ["", "-1"], 3_000_000_000],
])("with %s the bound is the container's, else a share of the machine", (_what, words, bound) => {
  expect(memoryBoundBytes(MACHINE, words)).toBe(bound);
});

test("the oldest hold that waits for the disk tells how old the ledger's queue is", async () => {
  let aheadMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
  await using temp = await tempStore({ clock });
  const { store } = temp;
  const read = createReadLoad(store);
  expect(read(7)).toMatchObject({ loopDelayMs: 7, ledgerAgeMs: 0 });
  const oldest = holdRecord();
  const held = store.ledger.hold(oldest);
  aheadMs = 300;
  const younger = store.ledger.hold(holdRecord());
  expect(read(0).ledgerAgeMs).toBeGreaterThanOrEqual(300);
  await Promise.all([held, younger]);
  store.ledger.post(postingRecord(oldest.attemptId));
  // Postings keep nobody waiting.
  expect(read(0).ledgerAgeMs).toBe(0);
  const { memoryShare } = read(0);
  expect(memoryShare).toBeGreaterThan(0);
});
