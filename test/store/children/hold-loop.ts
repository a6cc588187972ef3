/**
 * Holds and posts as fast as it can in the directory given, and writes the id of each attempt to
 * standard output once its hold is acknowledged. Made to be killed.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { openStore } from "../../../src/store/open.ts";
import { holdRecord, postingRecord, requestRecord } from "../support/records.ts";

const store = await openStore({ dataDir: process.argv[2] ?? "", clock: systemClock });

async function exchangeAfterExchange(): Promise<never> {
  for (;;) {
    const hold = holdRecord();
    await store.ledger.hold(hold);
    writeSync(1, `${hold.attemptId}\n`);
    store.ledger.post(postingRecord(hold.attemptId));
    store.requestLog.record(requestRecord({ id: hold.requestId }));
  }
}

await Promise.all(Array.from({ length: 8 }, exchangeAfterExchange));
