/**
 * Makes exchanges in the directory given, several at a time, and tells of each step on standard output
 * as one JSON line. A line on its standard input, `{ calls, error }`, breaks the disk for good.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../src/base/clock.ts";
import { openStore } from "../../../src/store/open.ts";
import { failCalls, type CallError, type FailingCall } from "../support/failing-calls.ts";
import { holdRecord, postingRecord } from "../support/records.ts";

const store = await openStore({ dataDir: process.argv[2] ?? "", clock: systemClock });

function tell(step: string, attemptId: string): void {
  writeSync(1, `${JSON.stringify({ step, attemptId })}\n`);
}

async function exchangeAfterExchange(): Promise<never> {
  for (;;) {
    const hold = holdRecord();
    try {
      await store.ledger.hold(hold);
      tell("held", hold.attemptId);
      store.ledger.post(postingRecord(hold.attemptId));
    } catch {
      // Refused is what it has to be while the disk is broken.
      tell("refused", hold.attemptId);
      await Bun.sleep(5);
    }
  }
}

async function obey(): Promise<void> {
  const order = JSON.parse(await Bun.stdin.text()) as {
    readonly calls: readonly FailingCall[];
    readonly error: CallError;
  };
  try {
    failCalls(order.calls, order.error);
    tell("broken", "");
  } catch (error) {
    tell("cannot be broken", String(error));
  }
}

void obey();
await Promise.all(Array.from({ length: 4 }, exchangeAfterExchange));
