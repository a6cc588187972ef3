/**
 * Responses that are made in the background: held for when they are begun, followed to their end whether or
 * not anybody asks for them, and charged what they cost.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { verifyLedger } from "../../../src/store/verify.ts";
import { lastAttempts } from "../../conformance/ledger-rows.ts";
import type { Recorded, Seen } from "../../conformance/recorded-upstream.ts";
import { begun, events, message, response } from "../../conformance/responses-answers.ts";
import { until } from "../../support/until.ts";
import { CREDENTIAL, JobsStage, MODEL } from "./jobs-stage.ts";

const PATH = "/v1/responses";
const ID = "resp_1";
const ASKED = { model: MODEL, input: "Hi", background: true };
const MINUTE_MS = 60_000;

const QUEUED = told("queued", { output: [], usage: null });
const DONE = told("completed", {
  usage: { input_tokens: 30, output_tokens: 12, total_tokens: 42 },
});

function told(status: string, more: object): string {
  return JSON.stringify(
    response([message("Hi", "msg_1")], { id: ID, status, background: true, ...more }),
  );
}

let stage: JobsStage;
let now: Recorded;

beforeEach(async () => {
  stage = await JobsStage.start();
  now = { pieces: [QUEUED] };
  stage.upstream.answer(({ method }) => (method === "POST" ? { pieces: [QUEUED] } : now));
});
afterEach(() => stage.stop());

async function createdHeld(): Promise<number> {
  const made = await stage.ask("POST", PATH, ASKED);
  expect([made.status, made.text]).toEqual([200, QUEUED]);
  expect(made.headers.get("x-tollgate-cost-usd")).toBeNull();
  return (await lastAttempts(stage.tollgate))[0]?.heldNanoUsd ?? 0;
}

const looks = (): Seen[] => stage.upstream.seen.filter(({ method }) => method === "GET");

async function rowOf() {
  const { rows } = await stage.tollgate.store.requestPage({}, { limit: 10, cursor: null });
  return rows.map(({ costNanoUsd, estimated, inputTokens, outputTokens }) => {
    return { costNanoUsd, estimated, inputTokens, outputTokens };
  });
}

describe("a background response", () => {
  test("is held in a hard budget until it has ended, and costs what it then tells", async () => {
    // One fits, two do not: the output alone may cost 1,000.
    await stage.addBudget(1_800);
    const heldNanoUsd = await createdHeld();
    expect(heldNanoUsd).toBeGreaterThan(1_000);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    const refused = await stage.ask("POST", PATH, { ...ASKED, max_output_tokens: 1_000 });
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([429, "budget_exceeded"]);

    await stage.pass(10_000);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    now = { pieces: [DONE] };
    await stage.pass(10 * MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
    expect(looks().map(({ path, headers }) => [path, headers["authorization"]])).toEqual([
      [`${PATH}/${ID}`, `Bearer ${CREDENTIAL}`],
      [`${PATH}/${ID}`, `Bearer ${CREDENTIAL}`],
    ]);
    await stage.pass(MINUTE_MS);
    expect(await stage.tollgate.store.knownJobs()).toEqual([]);
    const [, first] = await rowOf();
    expect(first).toEqual({ costNanoUsd: 42, estimated: false, inputTokens: 30, outputTokens: 12 });
    await stage.pass(60 * MINUTE_MS);
    expect(looks().length).toBe(2);
  });

  test("is settled as soon as its client is shown that it has ended", async () => {
    await stage.addBudget(1_000_000);
    await createdHeld();
    now = { pieces: [DONE] };
    const shown = await stage.ask("GET", `${PATH}/${ID}`);
    expect(shown.text).toBe(DONE);
    const { gateway } = stage.tollgate;
    await until(() => gateway.jobs.looks === 0 && looks().length === 2);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
  });

  test("is held and followed over a restart, and the ledger is in order before and after", async () => {
    await stage.addBudget(1_000_000);
    const heldNanoUsd = await createdHeld();
    await stage.restart();
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    now = { pieces: [DONE] };
    await stage.pass(0);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
    await stage.restart();
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
    expect(await stage.tollgate.store.knownJobs()).toEqual([]);
    await stage.tollgate.store.flush();
    const report = verifyLedger(`${stage.tollgate.dataDir}/tollgate.db`);
    expect(report).toMatchObject({ open: 0, differenceCount: 0 });
  });

  test.each([
    ["is cut off", { pieces: ['{"id":'], end: "cut" }],
    ["answers 503", { status: 503, pieces: ["{}"] }],
    ["says what nobody understands", { pieces: ['{"status":"dreaming"}'] }],
  ] satisfies [string, Recorded][])("waits while its provider %s", async (_, trouble) => {
    await stage.addBudget(1_000_000);
    const heldNanoUsd = await createdHeld();
    now = trouble;
    await stage.pass(MINUTE_MS);
    await stage.pass(MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    now = { pieces: [DONE] };
    await stage.pass(10 * MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
  });

  test("is charged what it tells though its provider knew nothing of it for a while", async () => {
    await stage.addBudget(1_000_000);
    const heldNanoUsd = await createdHeld();
    now = { status: 404, pieces: ['{"error":{"message":"not found"}}'] };
    for (let look = 0; look < 3 * LIMITS.jobUnknownLooksMax; look += 1) await stage.pass(MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    now = { pieces: [DONE] };
    await stage.pass(MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
  });

  test("costs all that is held for it once its provider knows nothing of it for long", async () => {
    await stage.addBudget(1_000_000);
    const heldNanoUsd = await createdHeld();
    now = { status: 404, pieces: ['{"error":{"message":"not found"}}'] };
    for (let look = 1; look < LIMITS.jobUnknownLooksMax; look += 1) {
      await stage.pass(10 * MINUTE_MS);
      expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    }
    await stage.pass(10 * MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: heldNanoUsd, heldNanoUsd: 0 });
    await stage.pass(MINUTE_MS);
    expect(await rowOf()).toMatchObject([{ costNanoUsd: heldNanoUsd, estimated: true }]);
  });

  test("costs all that is held for it where nobody hears of its end for 15 days", async () => {
    await stage.addBudget(1_000_000_000);
    const heldNanoUsd = await createdHeld();
    await stage.pass(LIMITS.jobFollowedMs - 10 * MINUTE_MS);
    const [open] = await stage.tollgate.store.knownJobs();
    expect(open?.heldNanoUsd).toBe(heldNanoUsd);
    await stage.pass(20 * MINUTE_MS);
    await stage.pass(MINUTE_MS);
    expect(await rowOf()).toMatchObject([{ costNanoUsd: heldNanoUsd, estimated: true }]);
    expect(await stage.tollgate.store.knownJobs()).toEqual([]);
  });

  test.each(["a/b", "", "..", "é"])(
    "with an id that cannot be asked for costs all that is held for it: %j",
    async (id) => {
      await stage.addBudget(1_000_000);
      stage.upstream.answer({ pieces: [QUEUED.replace(ID, id)] });
      expect((await stage.ask("POST", PATH, ASKED)).status).toBe(200);
      const [attempt] = await lastAttempts(stage.tollgate);
      const { heldNanoUsd = 0 } = attempt ?? {};
      expect(heldNanoUsd).toBeGreaterThan(0);
      expect(await stage.budget()).toEqual({ postedNanoUsd: heldNanoUsd, heldNanoUsd: 0 });
      expect(await stage.tollgate.store.knownJobs()).toEqual([]);
    },
  );

  test("that was cancelled and tells no usage costs its input and what is there of its output", async () => {
    await stage.addBudget(1_000_000);
    const heldNanoUsd = await createdHeld();
    now = { pieces: [told("cancelled", { usage: null })] };
    await stage.pass(MINUTE_MS);
    await stage.pass(MINUTE_MS);
    const [row] = await rowOf();
    expect(row).toMatchObject({ estimated: true, outputTokens: 1 });
    const { costNanoUsd = 0, inputTokens = 0 } = row ?? {};
    expect(costNanoUsd).toBe(inputTokens + 1);
    expect(costNanoUsd).toBeLessThan(heldNanoUsd);
  });

  test("whose answer was lost costs all that is held for it, because it may go on", async () => {
    await stage.addBudget(1_000_000);
    stage.upstream.answer({ pieces: ['{"id":'], end: "cut" });
    const lost = await stage.ask("POST", PATH, ASKED);
    expect(lost.status).toBe(502);
    const attempts = await lastAttempts(stage.tollgate);
    // Begun again it would be made twice.
    expect(attempts.length).toBe(1);
    const [lostOne] = attempts;
    expect(lostOne?.heldNanoUsd).toBeGreaterThan(0);
    expect(lostOne).toMatchObject({ amountNanoUsd: lostOne?.heldNanoUsd ?? 0, estimated: true });
  });

  test("streamed to a client that loses it is followed like every other", async () => {
    await stage.addBudget(1_000_000);
    const { promise: wasSeen, resolve: see } = Promise.withResolvers<void>();
    const headers = { "content-type": "text/event-stream" };
    const first = events(begun({ id: ID, status: "queued", background: true }));
    const broken: Recorded = { headers, pieces: [first], endAfter: wasSeen, end: "cut" };
    stage.upstream.answer(({ method }) => (method === "POST" ? broken : now));
    const reply = await fetch(`${stage.tollgate.url}${PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${stage.token}` },
      body: JSON.stringify({ ...ASKED, stream: true }),
    });
    const reader = reply.body?.getReader();
    const { value = new Uint8Array(0) } = (await reader?.read()) ?? {};
    expect(first).toStartWith(new TextDecoder().decode(value));
    see();
    while ((await reader?.read())?.done === false);
    const [held] = await lastAttempts(stage.tollgate);
    expect(held?.postings).toBe(0);
    now = { pieces: [DONE] };
    await stage.pass(MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 42, heldNanoUsd: 0 });
  });

  test("is begun once, however late its provider is, where the route asks others too", async () => {
    const { providerId, tollgate, upstream } = stage;
    const target = { providerId, model: MODEL, weight: 1, priority: 0 };
    const terms = { hedge: { percentile: 50, delayMsMin: 1, percentMax: 100 } };
    await tollgate.addRoute("hedged", [target, target], { terms });
    const { promise: later, resolve } = Promise.withResolvers<void>();
    upstream.answer(({ method }) => (method === "POST" ? { pieces: [QUEUED], after: later } : now));
    const asked = stage.ask("POST", PATH, { ...ASKED, model: "hedged" });
    await until(() => upstream.inFlight() > 0);
    const plain = { model: "hedged", input: "Hi" };
    // An ordinary request, asked later, has two attempts under way by now.
    const other = stage.ask("POST", PATH, plain);
    await until(() => upstream.seen.length === 3);
    resolve();
    await Promise.all([asked, other]);
    const begunOnes = upstream.seen.filter(({ body }) => Buffer.from(body).includes("background"));
    expect(begunOnes.length).toBe(1);
  });
});
