/** Attempts in the ledger as the gateway writes them, for tests of what is made of them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { AttemptScopes } from "../../src/base/scope.ts";
import { newId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { backupDatabase } from "../../src/store/backup.ts";
import { DATABASE_FILE, openStore } from "../../src/store/open.ts";
import type { HoldRecord, PostingRecord, Store } from "../../src/store/contract.ts";

export type Spent = {
  readonly scopes: Partial<AttemptScopes> & Pick<AttemptScopes, "tenantId" | "tokenId">;
  readonly atMs: number;
  readonly nanoUsd: number;
  readonly hold?: Partial<HoldRecord>;
  readonly posting?: Partial<PostingRecord>;
};

/** One attempt, held and settled; resolves with its id once it is durable. */
export async function spend(store: Store, spent: Spent): Promise<string> {
  const { atMs, nanoUsd } = spent;
  const attemptId = newId("attempt", systemRandom);
  await store.ledger.hold({
    attemptId,
    requestId: newId("request", systemRandom),
    attemptNumber: 1,
    scopes: {
      projectId: null,
      endUserId: null,
      routeId: null,
      providerId: "prv_0",
      ...spent.scopes,
    },
    model: "m",
    price: "{}",
    heldNanoUsd: nanoUsd,
    heldAtMs: atMs,
    ...spent.hold,
  });
  store.ledger.post({
    attemptId,
    kind: "settle",
    amountNanoUsd: nanoUsd,
    estimated: false,
    inputTokens: 1,
    outputTokens: 1,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: null,
    status: 200,
    outcome: "ok",
    latencyMs: 5,
    postedAtMs: atMs,
    ...spent.posting,
  });
  await store.flush();
  return attemptId;
}

/**
 * Puts a backup of 20 November 2026 into a data directory: made after one attempt, while another one
 * followed in the original.
 */
export async function restoreBackup(dataDir: string): Promise<void> {
  const original = mkdtempSync(join(tmpdir(), "tollgate-original-"));
  const store = await openStore({ dataDir: original, clock: systemClock });
  const one = { scopes: { tenantId: "ten_0", tokenId: "tok_0" }, nanoUsd: 5 };
  await spend(store, { ...one, atMs: systemClock.nowMs() });
  const atMs = Date.UTC(2026, 10, 20, 12);
  backupDatabase(join(original, DATABASE_FILE), join(dataDir, DATABASE_FILE), atMs);
  await spend(store, { ...one, atMs: systemClock.nowMs() });
  await store.close();
  rmSync(original, { recursive: true });
}
