/** The ledger as a whole: its length, its heads, and accepting one that is frozen. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { restoreBackup, spend } from "../../support/ledger.ts";
import { refusalOf } from "../../support/refusal.ts";

let api: TestAdmin;
beforeAll(async () => {
  api = await startTestAdmin();
});
afterAll(() => api.stop());

test("the ledger shows how long it is and the ends of its chains", async () => {
  const hex = expect.stringMatching(/^[0-9a-f]{64}$/);
  const empty = await api.call("GET", "/ledger");
  expect([empty.status, empty.body]).toEqual([
    200,
    { attempts: 0, postings: 0, attempts_head: hex, postings_head: hex, frozen: null },
  ]);
  const scopes = { tenantId: "ten_0", tokenId: "tok_0" };
  await spend(api.store, { scopes, atMs: Date.now(), nanoUsd: 5 });
  const one = await api.call("GET", "/ledger");
  expect(one.body).toMatchObject({ attempts: 1, postings: 1, frozen: null });
  expect(one.member("attempts_head")).not.toBe(empty.member("attempts_head"));
  expect(one.member("postings_head")).not.toBe(empty.member("postings_head"));
});

test("a ledger that is not frozen has nothing to accept", async () => {
  expect(refusalOf(await api.call("POST", "/ledger/accept"))).toEqual([
    409,
    "conflict",
    null,
    "The ledger is not frozen: there is nothing to accept.",
  ]);
});

test("a ledger that was restored from a backup says so, and is accepted once", async () => {
  const restored = await startTestAdmin({ prepare: restoreBackup });
  const frozen = await restored.call("GET", "/ledger");
  expect(frozen.body).toMatchObject({
    attempts: 1,
    postings: 1,
    frozen: {
      since: expect.stringMatching(/Z$/),
      detail: expect.stringMatching(/backup.*2026-11-20T12:00:00\.000Z/),
    },
  });
  const accepted = await restored.call("POST", "/ledger/accept");
  expect([accepted.status, accepted.body]).toEqual([200, { ...Object(frozen.body), frozen: null }]);
  expect((await restored.call("GET", "/ledger")).body).toEqual(accepted.body);
  expect((await restored.call("POST", "/ledger/accept")).status).toBe(409);
  await restored.stop();
});
