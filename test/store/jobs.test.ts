/** Attempts of jobs stay open for as long as their providers work, whatever becomes of the process. */
import { describe, expect, test } from "bun:test";
import type { JobRow } from "../../src/store/jobs-contract.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { holdRecord, postingRecord, requestRecord } from "./support/records.ts";
import {
  crashCopy,
  openIn,
  readRows,
  tempDir,
  tempStore,
  type TempStore,
} from "./support/temp-store.ts";

function jobOf(attemptId: string): JobRow {
  const keeper = { credentialPosition: 1, credentialHash: "c0ffee" };
  const asked = { route: "gpt-4o", bounds: "{}", inputTokensEstimate: 9 };
  return { attemptId, kind: "batch", objectId: "batch_1", ...asked, ...keeper };
}

const OPEN = "select id from attempts join open_attempts on seq = attempt_seq order by seq";
const ROW = "select input_tokens, output_tokens, cost_nano_usd, estimated from requests";

async function withJob({ store }: TempStore) {
  const hold = holdRecord();
  await store.ledger.hold(hold);
  const job = jobOf(hold.attemptId);
  await store.noteJob(job);
  const { scopes, model, price, heldNanoUsd, heldAtMs, requestId } = hold;
  const known = { ...job, isOpen: true, requestId, scopes, model, price, heldNanoUsd, heldAtMs };
  return { hold, known };
}

describe("a job", () => {
  test("keeps its attempt open through a crash that ends every other one", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    const { hold, known } = await withJob(crashed);
    await crashed.store.ledger.hold(holdRecord());
    crashCopy(crashed.dir, dir.path);

    await using restarted = await openIn(dir.path);
    expect(restarted.store.recovery).toEqual({ expired: 1, maybeUnsent: 1 });
    expect(readRows(restarted.file, OPEN)).toEqual([{ id: hold.attemptId }]);
    expect(await restarted.store.knownJobs()).toEqual([known]);
    expect(verifyLedger(restarted.file)).toMatchObject({ open: 1, differenceCount: 0 });
  });

  test("whose process died before its request's row was written gets that row, and what it costs", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    const { hold, known } = await withJob(crashed);
    // Of another job, whose row is there.
    const other = await withJob(crashed);
    const kept = requestRecord({ id: other.hold.requestId, status: 200, errorCode: null });
    crashed.store.requestLog.record(kept);
    await crashed.store.flush();
    crashCopy(crashed.dir, dir.path);

    await using restarted = await openIn(dir.path);
    const { store } = restarted;
    const rowsOf = async () => (await store.requestPage({}, { limit: 9, cursor: null })).rows;
    const [own, ...more] = (await rowsOf()).toSorted(
      (one, two) => Number(one.id !== known.requestId) - Number(two.id !== known.requestId),
    );
    expect(more).toEqual([kept]);
    expect(own).toMatchObject({
      id: hold.requestId,
      createdAtMs: hold.heldAtMs,
      tenantId: hold.scopes.tenantId,
      status: 500,
      errorCode: "internal_error",
      costNanoUsd: 0,
      estimated: true,
      attemptCount: 1,
    });
    store.ledger.post(postingRecord(hold.attemptId, { amountNanoUsd: 4_321, estimated: false }));
    expect(await store.endJob(hold.attemptId)).toBe(true);
    const ended = (await rowsOf()).find(({ id }) => id === hold.requestId);
    expect(ended).toMatchObject({ costNanoUsd: 4_321, estimated: false });
  });

  test("is held in its owner's budgets after a restart", async () => {
    await using first = await tempStore();
    const { hold } = await withJob(first);
    await first.store.close();
    await using restarted = await openIn(first.dir);
    const { tenantId } = hold.scopes;
    const { openHolds } = await restarted.store.ownerState({ type: "tenant", tenantId }, []);
    expect(openHolds.map(({ attemptId, heldNanoUsd }) => ({ attemptId, heldNanoUsd }))).toEqual([
      { attemptId: hold.attemptId, heldNanoUsd: hold.heldNanoUsd },
    ]);
  });

  test("is ended by its posting alone, and its request's row then says what it cost", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { hold } = await withJob(temp);
    const nothing = { inputTokens: 0, outputTokens: 0, costNanoUsd: 0, estimated: true };
    store.requestLog.record(requestRecord({ id: hold.requestId, ...nothing }));
    expect(await store.endJob(hold.attemptId)).toBe(false);
    const spent = { inputTokens: 70, outputTokens: 9, amountNanoUsd: 4_321, estimated: false };
    store.ledger.post(postingRecord(hold.attemptId, spent));
    expect(await store.endJob(hold.attemptId)).toBe(true);
    expect(await store.knownJobs()).toEqual([]);
    expect(readRows(temp.file, ROW)).toEqual([
      { input_tokens: 70, output_tokens: 9, cost_nano_usd: 4_321, estimated: 0 },
    ]);
    expect(await store.endJob(hold.attemptId)).toBe(true);
  });

  test("is known by its attempt once that was posted", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const { hold } = await withJob(temp);
    expect(await store.requestOfEnded(hold.attemptId)).toBeNull();
    expect(await store.requestOfEnded("att_none")).toBeNull();
    store.ledger.post(postingRecord(hold.attemptId));
    expect(await store.requestOfEnded(hold.attemptId)).toBe(hold.requestId);
  });

  test("that was posted just before a crash is known to be so", async () => {
    await using crashed = await tempStore();
    using dir = tempDir();
    const { hold, known } = await withJob(crashed);
    crashed.store.ledger.post(postingRecord(hold.attemptId));
    await crashed.store.flush();
    crashCopy(crashed.dir, dir.path);

    await using restarted = await openIn(dir.path);
    expect(restarted.store.recovery).toEqual({ expired: 0, maybeUnsent: 0 });
    expect(await restarted.store.knownJobs()).toEqual([{ ...known, isOpen: false }]);
    expect(await restarted.store.endJob(hold.attemptId)).toBe(true);
    expect(await restarted.store.knownJobs()).toEqual([]);
  });
});
