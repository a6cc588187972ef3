/** Guarantee: memory is measured against what there is for us, and the ledger by the hold that waits longest. */
import { expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { createLoad, memoryBoundBytes } from "../../../src/gateway/load/read-load.ts";
import { holdRecord, postingRecord } from "../../store/support/records.ts";
import { tempStore } from "../../store/support/temp-store.ts";

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
  const { read, waitingHolds } = createLoad(store);
  expect(read(0)).toMatchObject({ loopDelayMs: 0, ledgerAgeMs: 0 });
  const oldest = holdRecord();
  const held = store.ledger.hold(oldest);
  aheadMs = 300;
  const younger = store.ledger.hold(holdRecord());
  expect(read(0).ledgerAgeMs).toBeGreaterThanOrEqual(300);
  expect(waitingHolds().count).toBe(2);
  await Promise.all([held, younger]);
  store.ledger.post(postingRecord(oldest.attemptId));
  // Postings keep nobody waiting.
  expect(waitingHolds()).toEqual({ count: 0, oldestMs: 0 });
  expect(read(0).ledgerAgeMs).toBe(0);
  const { memoryShare } = read(0);
  expect(memoryShare).toBeGreaterThan(0);
});

test("the loop is late by its own work alone, not by what others take of the machine", async () => {
  await using temp = await tempStore();
  const { read } = createLoad(temp.store);
  read(0);
  const { user, system } = process.cpuUsage();
  const beganMs = (user + system) / 1_000;
  const usedMs = (): number => {
    const now = process.cpuUsage();
    return (now.user + now.system) / 1_000 - beganMs;
  };
  while (usedMs() < 50) JSON.stringify(beganMs);
  // It was busy for 50 ms: of an hour that it came late no more was its own doing.
  const { loopDelayMs } = read(3_600_000);
  expect(loopDelayMs).toBeGreaterThanOrEqual(50);
  expect(loopDelayMs).toBeLessThan(3_600_000);
  while (usedMs() < 100) JSON.stringify(beganMs);
  expect(read(7).loopDelayMs).toBe(7);
});
