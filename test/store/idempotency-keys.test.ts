/**
 * Idempotency keys on disk: a key is one request's until it is answered, freed, expired, or proven by
 * the ledger to have been sent nowhere; whatever is asked at once is answered in order, and lasts.
 */
import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { KeyClaim, KeyStep } from "../../src/store/idempotency-contract.ts";
import { holdRecord, NOW_MS, postingRecord } from "./support/records.ts";
import { openIn, readRows, tempDir, tempStore } from "./support/temp-store.ts";

const DAY_MS = 86_400_000;
const KEY = { tokenId: "tok_1", keyHash: "key-1" };

function claim(requestId: string, more: Partial<Extract<KeyStep, { do: "claim" }>> = {}): KeyStep {
  const times = { nowMs: NOW_MS, expiresAtMs: NOW_MS + DAY_MS };
  const asked = { requestId, bodyHash: "body-1", tenantId: "ten_1" };
  return { do: "claim", ...KEY, ...asked, ...times, ...more };
}

const ANSWER = {
  status: 200,
  headers: { "content-type": "application/json" },
  bodySealed: Buffer.from([0, 255, 7]).toString("base64"),
};

function complete(requestId: string): KeyStep {
  return { do: "complete", ...KEY, requestId, ...ANSWER };
}

/** An attempt of the request in the ledger, ended. */
async function attempted(store: Store, requestId: string): Promise<void> {
  const hold = holdRecord({ requestId });
  await store.ledger.hold(hold);
  store.ledger.post(postingRecord(hold.attemptId));
}

const pending = (requestId: string): KeyClaim[] => [
  { kind: "pending", requestId, bodyHash: "body-1" },
];
const answered = (requestId: string): KeyClaim[] => [
  { kind: "answered", requestId, bodyHash: "body-1", answer: ANSWER },
];
const CLAIMED: readonly KeyClaim[] = [{ kind: "claimed" }];

describe("a claimed key", () => {
  test("is the first request's, once an attempt of it is in the ledger", async () => {
    await using temp = await tempStore();
    expect(await temp.store.stepKeys([claim("req_1")])).toEqual(CLAIMED);
    await attempted(temp.store, "req_1");
    expect(await temp.store.stepKeys([claim("req_2")])).toEqual(pending("req_1"));
    expect(await temp.store.stepKeys([claim("req_2", { bodyHash: "b" })])).toEqual(
      pending("req_1"),
    );
  });

  test("goes to the next request where nothing was sent for the one before", async () => {
    await using temp = await tempStore();
    await temp.store.stepKeys([claim("req_1")]);
    expect(await temp.store.stepKeys([claim("req_2", { bodyHash: "body-2" })])).toEqual(CLAIMED);
    // The first one's end is nothing to it any more.
    await temp.store.stepKeys([{ do: "free", ...KEY, requestId: "req_1" }, complete("req_1")]);
    await attempted(temp.store, "req_2");
    expect(await temp.store.stepKeys([claim("req_3")])).toEqual([
      { kind: "pending", requestId: "req_2", bodyHash: "body-2" },
    ]);
  });

  test("stands for its answer, byte by byte, whatever else the ledger knows", async () => {
    await using temp = await tempStore();
    await temp.store.stepKeys([claim("req_1")]);
    await attempted(temp.store, "req_1");
    expect(await temp.store.stepKeys([complete("req_1"), claim("req_2")])).toEqual([
      null,
      ...answered("req_1"),
    ]);
  });

  test("says so where the answer was too large to be kept", async () => {
    await using temp = await tempStore();
    const tooLarge = { ...ANSWER, bodySealed: null };
    await temp.store.stepKeys([
      claim("req_1"),
      { do: "complete", ...KEY, requestId: "req_1", ...tooLarge },
    ]);
    expect(await temp.store.stepKeys([claim("req_2")])).toEqual([
      { kind: "answered", requestId: "req_1", bodyHash: "body-1", answer: tooLarge },
    ]);
  });

  test("is free again when its request frees it", async () => {
    await using temp = await tempStore();
    await temp.store.stepKeys([claim("req_1")]);
    await attempted(temp.store, "req_1");
    await temp.store.stepKeys([{ do: "free", ...KEY, requestId: "req_1" }]);
    expect(await temp.store.stepKeys([claim("req_2")])).toEqual(CLAIMED);
  });

  test("is another access token's and another key's own", async () => {
    await using temp = await tempStore();
    await temp.store.stepKeys([claim("req_1"), complete("req_1")]);
    const others = [claim("req_2", { tokenId: "tok_2" }), claim("req_3", { keyHash: "key-2" })];
    expect(await temp.store.stepKeys(others)).toEqual([...CLAIMED, ...CLAIMED]);
  });

  test("outlives the process", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    await first.store.stepKeys([claim("req_1"), complete("req_1")]);
    await first.store.close();
    await using second = await openIn(dir.path);
    expect(await second.store.stepKeys([claim("req_2")])).toEqual(answered("req_1"));
  });
});

describe("an expired key", () => {
  test("is free to the millisecond, even before it is deleted", async () => {
    await using temp = await tempStore();
    await temp.store.stepKeys([claim("req_1"), complete("req_1")]);
    const last = claim("req_2", { nowMs: NOW_MS + DAY_MS - 1 });
    expect(await temp.store.stepKeys([last])).toEqual(answered("req_1"));
    const late = claim("req_3", { nowMs: NOW_MS + DAY_MS, expiresAtMs: NOW_MS + 2 * DAY_MS });
    expect(await temp.store.stepKeys([late])).toEqual(CLAIMED);
  });

  test("is deleted in bounded batches, oldest first, and no other is", async () => {
    await using temp = await tempStore();
    const claims = Array.from({ length: 5 }, (_, place) =>
      claim(`req_${place}`, { keyHash: `key-${place}`, expiresAtMs: NOW_MS + place }),
    );
    await temp.store.stepKeys(claims);
    const deleted = [];
    for (let turn = 0; turn < 3; turn += 1) {
      deleted.push(await temp.store.expireKeys(NOW_MS + 3, 2));
    }
    expect(deleted).toEqual([2, 2, 0]);
    await temp.store.close();
    expect(readRows(temp.file, "select key_hash from idempotency_keys")).toEqual([
      { key_hash: "key-4" },
    ]);
  });
});
