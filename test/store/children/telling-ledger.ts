/**
 * A ledger made to be killed: opens the real store in a directory and makes exchanges there as fast
 * as it can, a few at once. It tells of each step on standard output, a line before what may have
 * happened and a line after what must have, so that whoever reads them knows what the file may hold
 * and what it has to hold. Arguments: directory, script of the writer thread, and a {@link Plan}.
 *
 *     opening                        the store is being opened, recovery included
 *     opened EXPIRED                 so many attempts of earlier lives were ended
 *     asks ID REQUEST TOKEN AMOUNT   a hold is about to be asked for
 *     held ID                        it is acknowledged
 *     posts ID KIND AMOUNT           a posting is about to be handed over
 *     posted ID                      it is durable
 */
import { writeSync } from "node:fs";
import { sleep, systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/error.ts";
import type { Store } from "../../../src/store/contract.ts";
import { openStore } from "../../../src/store/open.ts";
import { dice } from "../../process/load.ts";
import { attemptScopes, holdRecord, postingRecord, requestRecord } from "../support/records.ts";

/** Whose exchanges are made, and the chance that decides about them. */
export type Plan = {
  readonly seed: number;
  readonly tenantId: string;
  readonly projectId: string;
  readonly tokenIds: readonly [string, ...string[]];
};

const EXCHANGES_AT_ONCE = 6;

const [, , dataDir = "", threadUrl = "", planText = ""] = process.argv;
// Written by the test that started this process.
const plan = JSON.parse(planText) as Plan;
const chance = dice(plan.seed);

function say(...words: readonly (string | number)[]): void {
  writeSync(1, `${words.join(" ")}\n`);
}

async function exchange({ ledger, requestLog, flush }: Store): Promise<void> {
  const { tenantId, projectId } = plan;
  const tokenId = chance.oneOf(plan.tokenIds);
  const heldNanoUsd = 1 + chance.whole(10_000);
  const hold = holdRecord({ scopes: attemptScopes({ tokenId, projectId, tenantId }), heldNanoUsd });
  const { attemptId, requestId } = hold;
  say("asks", attemptId, requestId, tokenId, heldNanoUsd);
  try {
    await ledger.hold(hold);
  } catch (error) {
    // A disk that stands still for seconds takes no holds; what is there of this one, recovery ends.
    if (!(error instanceof GatewayError) || error.code !== "ledger_unavailable") throw error;
    await sleep(systemClock, 10);
    return;
  }
  say("held", attemptId);
  // Some stay open for the rest of this life, as calls that are under way when it ends.
  if (chance.whole(8) === 0) return;
  const kind = chance.whole(6) === 0 ? "void" : "settle";
  // What a provider reports may be more than what was held.
  const amountNanoUsd = kind === "void" ? 0 : chance.whole(heldNanoUsd + heldNanoUsd / 4);
  say("posts", attemptId, kind, amountNanoUsd);
  ledger.post(postingRecord(attemptId, { kind, amountNanoUsd }));
  // Twice the same attempt is once: the first one counts.
  if (chance.whole(4) === 0) ledger.post(postingRecord(attemptId, { amountNanoUsd: 77 }));
  requestLog.record(requestRecord({ id: requestId, tenantId, projectId, tokenId }));
  if (chance.whole(2) === 0) return;
  await flush();
  say("posted", attemptId);
}

async function exchangeAfterExchange(store: Store): Promise<never> {
  for (;;) await exchange(store);
}

async function main(): Promise<void> {
  say("opening");
  const store = await openStore({ dataDir, clock: systemClock, threadUrl });
  say("opened", store.recovery.expired);
  const exchanges = Array.from({ length: EXCHANGES_AT_ONCE }, () => exchangeAfterExchange(store));
  await Promise.all(exchanges);
}

// Not awaited here: bundled as bytecode, a script may not wait at its top level.
void main();
