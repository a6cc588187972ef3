/**
 * Makes one exchange after another in the directory given, on a disk that may fail, and tells of
 * each on standard output as one JSON line. Closes the store when its standard input ends.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/error.ts";
import { openStore } from "../../../src/store/open.ts";
import { holdRecord, postingRecord } from "../support/records.ts";

const store = await openStore({ dataDir: process.argv[2] ?? "", clock: systemClock });
const orders = new AbortController();
void closeWhenAsked();
while (!orders.signal.aborted) {
  const hold = holdRecord();
  let refusal: string | null = null;
  try {
    await store.ledger.hold(hold);
    store.ledger.post(postingRecord(hold.attemptId));
  } catch (error) {
    refusal = error instanceof GatewayError ? error.code : String(error);
    await Bun.sleep(5);
  }
  const line = { attemptId: hold.attemptId, refusal, health: store.health() };
  writeSync(1, `${JSON.stringify(line)}\n`);
}
await store.close();

async function closeWhenAsked(): Promise<void> {
  await Bun.stdin.text();
  orders.abort();
}
