/**
 * The money of batches: held for what all their lines can cost, followed to their end by ourselves, and
 * charged by the usage of each answer.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { verifyLedger } from "../../../src/store/verify.ts";
import { lastAttempts } from "../../conformance/ledger-rows.ts";
import type { Recorded, Seen } from "../../conformance/recorded-upstream.ts";
import { message, response } from "../../conformance/responses-answers.ts";
import { JobsStage, MODEL } from "./jobs-stage.ts";

const MINUTE_MS = 60_000;
const ID = "batch_1";
const INPUT = "file-input";
const OUTPUT = "file-output";
const ERRORS = "file-errors";

/** Half of a nano-dollar for each token, as one line, and a line's longest answer. */
const LIMIT = 100;

type Told = {
  readonly status: string;
  readonly output_file_id?: string;
  readonly error_file_id?: string;
  readonly usage?: object | null;
  readonly request_counts?: { readonly total: number; readonly completed: number };
};

let stage: JobsStage;
let told: Told;
let files: Map<string, Recorded>;
let created: Recorded | null;

function batch(more: Told): string {
  const stands = { output_file_id: null, error_file_id: null, ...more };
  const asked = {
    endpoint: "/v1/chat/completions",
    input_file_id: INPUT,
    completion_window: "24h",
  };
  return JSON.stringify({ id: ID, object: "batch", ...asked, ...stands });
}

function answered({ method, path }: Seen): Recorded {
  if (path === "/v1/files") return { pieces: [JSON.stringify({ id: INPUT, object: "file" })] };
  if (method === "POST" && path === "/v1/batches") {
    return created ?? { pieces: [batch({ status: "validating" })] };
  }
  if (path === `/v1/batches/${ID}`) return { pieces: [batch(told)] };
  const file = [...files].find(([id]) => path === `/v1/files/${id}/content`);
  return file?.[1] ?? { status: 404, pieces: ['{"error":{"message":"No such file"}}'] };
}

async function startStage(more: Parameters<typeof JobsStage.start>[0] = {}): Promise<void> {
  stage = await JobsStage.start({ batchPermille: 500, ...more });
  stage.upstream.answer(answered);
}

beforeEach(async () => {
  told = { status: "in_progress" };
  files = new Map();
  created = null;
  await startStage();
});
afterEach(() => stage.stop());

const LINES = ["one", "two", "three"].map((id) => {
  const body = { model: MODEL, max_tokens: LIMIT, messages: [{ role: "user", content: id }] };
  return { custom_id: id, method: "POST", url: "/v1/chat/completions", body };
});

const BYTES = LINES.map(({ body }) => JSON.stringify(body).length);
const ALL_BYTES = BYTES.reduce((sum, bytes) => sum + bytes, 0);
/** Every byte of a line's body may be a token, and each answer as long as its limit. */
const WORST_NANO_USD = Math.ceil((ALL_BYTES + LINES.length * LIMIT) / 2);

async function upload(lines: readonly object[] = LINES) {
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([lines.map((line) => JSON.stringify(line)).join("\n")], "in.jsonl"));
  const { tollgate, token } = stage;
  const reply = await fetch(`${tollgate.url}/v1/files`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  expect([reply.status, await reply.json()]).toMatchObject([200, { id: INPUT }]);
}

const ASKED = {
  input_file_id: INPUT,
  endpoint: "/v1/chat/completions",
  completion_window: "24h",
};

/** What is held for it. */
async function begin(): Promise<number> {
  await upload();
  const reply = await stage.ask("POST", "/v1/batches", ASKED);
  expect([reply.status, reply.text]).toEqual([200, batch({ status: "validating" })]);
  return (await lastAttempts(stage.tollgate))[0]?.heldNanoUsd ?? 0;
}

const usage = (input: number, output: number) => {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
};

function answer(id: string, body: object, status = 200): string {
  const line = { id: `batch_req_${id}`, custom_id: id, error: null };
  const what = { status_code: status, request_id: `req_${id}`, body };
  return `${JSON.stringify({ ...line, response: what })}\n`;
}

function completion(content: string, used: object | null): object {
  const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }];
  return { id: "chatcmpl-1", object: "chat.completion", model: MODEL, choices, usage: used };
}

const ANSWERS = [
  answer("one", completion("Hi", usage(11, 4))),
  answer("three", completion("Ho", usage(30, 8))),
];
const FAILURES = [answer("two", { error: { message: "no" } }, 400)];

function end(status = "completed", more: Partial<Told> = {}): void {
  files = new Map([
    [OUTPUT, { pieces: ANSWERS }],
    [ERRORS, { pieces: FAILURES }],
  ]);
  told = { status, output_file_id: OUTPUT, error_file_id: ERRORS, ...more };
}

async function startDearAbove(aboveInputTokens: number): Promise<void> {
  await stage.stop();
  const dear = { inputPicoUsd: 10_000, outputPicoUsd: 10_000 };
  const rest = { cachedInputPicoUsd: null, cacheWritePicoUsd: null };
  await startStage({ tiers: [{ aboveInputTokens, ...dear, ...rest }] });
}

/** How often the provider was asked to begin one. */
function begins(): number {
  return stage.upstream.seen.filter(
    ({ method, path }) => method === "POST" && path === "/v1/batches",
  ).length;
}

async function lastCost() {
  const [last] = await lastAttempts(stage.tollgate);
  const { amountNanoUsd, estimated, inputTokens, outputTokens, outcome } = last ?? {};
  return { amountNanoUsd, estimated, inputTokens, outputTokens, outcome };
}

describe("a batch", () => {
  test("is held for what all its lines can cost at the batch's price, and none more is begun than fits", async () => {
    // One fits, two do not.
    await stage.addBudget(400);
    const heldNanoUsd = await begin();
    expect(heldNanoUsd).toBe(WORST_NANO_USD);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    const refused = await stage.ask("POST", "/v1/batches", ASKED);
    expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([429, "budget_exceeded"]);
    expect(begins()).toBe(1);
  });

  test("costs what each of its answers used, at half the price, rounded up once, though nobody asks", async () => {
    await stage.addBudget(1_000);
    await begin();
    await stage.pass(MINUTE_MS);
    end();
    await stage.pass(20 * MINUTE_MS);
    // (11 + 4 + 30 + 8) tokens at half a nano-dollar.
    expect(await stage.budget()).toEqual({ postedNanoUsd: 27, heldNanoUsd: 0 });
    expect(await lastCost()).toEqual({
      amountNanoUsd: 27,
      estimated: false,
      inputTokens: 41,
      outputTokens: 12,
      outcome: "ok",
    });
    await stage.pass(MINUTE_MS);
    const { rows } = await stage.tollgate.store.requestPage({}, { limit: 1, cursor: null });
    expect(rows[0]).toMatchObject({ costNanoUsd: 27, estimated: false, inputTokens: 41 });
    const metrics = await stage.tollgate.gateway.metrics.render();
    const ended = 'tollgate_jobs_ended_total{provider="recorded",kind="batch",outcome="ok"} 1';
    expect(metrics.split("\n")).toContain(ended);
    expect(await stage.tollgate.store.knownJobs()).toEqual([]);
  });

  test("gives each answer the tier of its own input", async () => {
    await startDearAbove(20);
    await begin();
    end();
    await stage.pass(MINUTE_MS);
    // 15 tokens at half of one nano-dollar, 38 at half of ten.
    expect((await lastCost()).amountNanoUsd).toBe(Math.ceil((15 + 38 * 10) / 2));
  });

  test("is held in no tier that none of its lines can reach alone", async () => {
    await startDearAbove(Math.max(...BYTES));
    expect(await begin()).toBe(WORST_NANO_USD);
    await startDearAbove(Math.max(...BYTES) - 1);
    expect(await begin()).toBeGreaterThan(5 * WORST_NANO_USD);
  });

  test("takes none of the tokens of a minute: it is worked off in hours", async () => {
    const { tenantId, tollgate } = stage;
    const limit = { scopeType: "tenant", scopeId: tenantId, tokensPerMinute: 1_000 } as const;
    await tollgate.addLimit({ ...limit, tenantId });
    await upload();
    const { headers } = await stage.ask("POST", "/v1/batches", ASKED);
    expect(headers.get("x-ratelimit-remaining-tokens")).toBe("1000");
  });

  test("is held over restarts, and settled by the process that finds it ended", async () => {
    await stage.addBudget(1_000);
    const heldNanoUsd = await begin();
    await stage.restart();
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    await stage.pass(0);
    await stage.restart();
    end();
    await stage.pass(0);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 27, heldNanoUsd: 0 });
    await stage.tollgate.store.flush();
    const report = verifyLedger(`${stage.tollgate.dataDir}/tollgate.db`);
    expect(report).toMatchObject({ open: 0, differenceCount: 0 });
  });

  test("that was given a week for it is charged by its answers after that week", async () => {
    await begin();
    await stage.pass(7 * 24 * 60 * MINUTE_MS);
    const open = await stage.tollgate.store.knownJobs();
    expect(open.map(({ isOpen }) => isOpen)).toEqual([true]);
    end();
    await stage.pass(20 * MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 27, estimated: false, outcome: "ok" });
  });

  test("whose answers break off is read again from the begin, and nothing is counted twice", async () => {
    await stage.addBudget(1_000);
    const heldNanoUsd = await begin();
    end();
    files.set(OUTPUT, { pieces: ANSWERS.slice(0, 1), end: "cut" });
    await stage.pass(MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    end();
    await stage.pass(20 * MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 27, heldNanoUsd: 0 });
  });

  test("that has expired or was cancelled costs what was answered of it", async () => {
    await begin();
    end("expired");
    await stage.pass(MINUTE_MS);
    expect((await lastCost()).amountNanoUsd).toBe(27);
  });

  test("that was never begun, because its file is wrong, costs nothing", async () => {
    await begin();
    told = { status: "failed" };
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 0, estimated: false });
  });

  test("whose answers are gone costs what it tells of itself, flagged", async () => {
    await begin();
    end("completed", { usage: { input_tokens: 41, output_tokens: 12, total_tokens: 53 } });
    files.clear();
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 27, estimated: true });
  });

  test("whose answers are gone and that tells nothing costs all that is held for it", async () => {
    const heldNanoUsd = await begin();
    end();
    files.clear();
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: heldNanoUsd, estimated: true });
  });

  test("with an answer that tells no usage is charged an estimate for that one, flagged", async () => {
    const heldNanoUsd = await begin();
    end();
    const silent = answer("two", completion("four words of answer", null));
    files.set(OUTPUT, { pieces: [...ANSWERS, silent] });
    await stage.pass(MINUTE_MS);
    const { amountNanoUsd, estimated } = await lastCost();
    expect(estimated).toBe(true);
    expect(amountNanoUsd).toBeGreaterThan(27);
    expect(amountNanoUsd).toBeLessThan(heldNanoUsd);
  });

  test("with an answer that tells no usage costs no less than the others tell", async () => {
    const heldNanoUsd = await begin();
    end();
    const used = usage(3 * heldNanoUsd, 0);
    const lines = [completion("Hi", used), completion("Ho", null)];
    files.set(OUTPUT, { pieces: lines.map((one, place) => answer(String(place), one)) });
    await stage.pass(MINUTE_MS);
    const costNanoUsd = Math.ceil((3 * heldNanoUsd) / 2);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: costNanoUsd, estimated: true });
  });

  test("that has ended before its files are there is looked at again, and costs what they tell", async () => {
    await stage.addBudget(1_000);
    const heldNanoUsd = await begin();
    told = { status: "completed", request_counts: { total: 3, completed: 2 } };
    await stage.pass(MINUTE_MS);
    end();
    files.set(OUTPUT, { pieces: [] });
    told = { ...told, request_counts: { total: 3, completed: 2 } };
    await stage.pass(20 * MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd });
    end();
    await stage.pass(20 * MINUTE_MS);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 27, heldNanoUsd: 0 });
  });

  test.each([
    ["says that some were answered", { request_counts: { total: 3, completed: 2 } }],
    ["does not say how many", {}],
  ])("without any answers is never free where it %s", async (_, more) => {
    const heldNanoUsd = await begin();
    told = { status: "completed", ...more };
    for (let look = 0; look < LIMITS.jobUnknownLooksMax; look += 1)
      await stage.pass(20 * MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: heldNanoUsd, estimated: true });
  });

  test("that was cancelled before anything was answered costs nothing", async () => {
    await begin();
    told = { status: "cancelled", request_counts: { total: 3, completed: 0 } };
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 0, estimated: false });
  });

  test("that names a file of errors that is not there costs what its answers tell", async () => {
    await begin();
    end("completed", { request_counts: { total: 2, completed: 2 } });
    files.delete(ERRORS);
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 27, estimated: false });
  });

  test("whose one file is named twice is charged once", async () => {
    await begin();
    end("completed", { error_file_id: OUTPUT });
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 27, estimated: false });
  });

  test("with more answers than it has lines costs no more than was held", async () => {
    const heldNanoUsd = await begin();
    end();
    const used = answer("one", completion("Hi", usage(heldNanoUsd, 0)));
    files.set(OUTPUT, { pieces: Array.from({ length: LINES.length }, () => used) });
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: heldNanoUsd, estimated: true });
  });

  test("that its provider refuses holds nothing and costs nothing", async () => {
    await stage.addBudget(1_000);
    await upload();
    created = { status: 500, pieces: ['{"error":{"message":"broken"}}'] };
    const refused = await stage.ask("POST", "/v1/batches", ASKED);
    expect([refused.status, refused.text]).toEqual([500, '{"error":{"message":"broken"}}']);
    expect(begins()).toBe(1);
    expect(await stage.budget()).toEqual({ postedNanoUsd: 0, heldNanoUsd: 0 });
  });

  test("whose begin was sent and never answered is asked for once, and costs what was held", async () => {
    await stage.addBudget(1_000);
    await upload();
    created = { pieces: ['{"id":'], end: "cut" };
    const lost = await stage.ask("POST", "/v1/batches", ASKED);
    expect(lost.status).toBe(502);
    const attempts = await lastAttempts(stage.tollgate);
    expect(attempts.length).toBe(1);
    expect(attempts[0]?.amountNanoUsd).toBe(attempts[0]?.heldNanoUsd ?? 0);
    expect(begins()).toBe(1);
  });

  test.each([
    ["without an id", '{"object":"batch","status":"validating"}'],
    ["with an id that cannot be asked for", '{"id":"../x","object":"batch","usage":null}'],
    ["with something else", "{}"],
  ])("whose begin is answered %s costs what was held, because it may go on", async (_, text) => {
    await stage.addBudget(1_000);
    await upload();
    created = { pieces: [text] };
    const reply = await stage.ask("POST", "/v1/batches", ASKED);
    expect([reply.status, reply.text]).toEqual([200, text]);
    const [attempt] = await lastAttempts(stage.tollgate);
    expect(attempt?.heldNanoUsd).toBeGreaterThan(0);
    expect(attempt).toMatchObject({ amountNanoUsd: attempt?.heldNanoUsd ?? 0, estimated: true });
    expect((await stage.budget()).heldNanoUsd).toBe(0);
  });

  test.each([502, 504, 524])(
    "whose begin somebody in between answers with %i costs what was held",
    async (status) => {
      await stage.addBudget(1_000);
      await upload();
      created = { status, pieces: ["<html>gateway</html>"] };
      expect((await stage.ask("POST", "/v1/batches", ASKED)).status).toBe(status);
      expect(begins()).toBe(1);
      const [lost] = await lastAttempts(stage.tollgate);
      expect(lost).toMatchObject({ amountNanoUsd: lost?.heldNanoUsd ?? 0, estimated: true });
      expect(lost?.heldNanoUsd).toBeGreaterThan(0);
    },
  );

  test("counts in the budget of the end user that all its lines are for", async () => {
    const { tenantId, tollgate } = stage;
    const scope = { scopeType: "end_user", scopeId: "ann", tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 400 });
    await upload(LINES.map((line) => ({ ...line, body: { ...line.body, user: "ann" } })));
    const replies = [
      await stage.ask("POST", "/v1/batches", ASKED),
      await stage.ask("POST", "/v1/batches", ASKED),
    ];
    expect(replies.map(({ status }) => status)).toEqual([200, 429]);
  });

  test("is for one end user at a time where end users have budgets", async () => {
    const { tenantId, tollgate, upstream } = stage;
    const mixed = LINES.map((line, place) => {
      return { ...line, body: { ...line.body, user: `user-${place}` } };
    });
    await upload(mixed);
    expect((await stage.ask("POST", "/v1/batches", ASKED)).status).toBe(200);
    await tollgate.addBudget({ scopeType: "end_user", scopeId: "*", tenantId, amountNanoUsd: 1 });
    const before = upstream.seen.length;
    const refused = await stage.ask("POST", "/v1/batches", ASKED);
    expect([refused.status, JSON.parse(refused.text).error]).toMatchObject([
      400,
      { code: "invalid_request", param: "input_file_id" },
    ]);
    expect(upstream.seen.length).toBe(before);
  });

  test("gives its tenant, and nobody else, the responses that were made in it", async () => {
    const line = { model: MODEL, input: "Hi", max_output_tokens: LIMIT };
    await upload([{ custom_id: "one", method: "POST", url: "/v1/responses", body: line }]);
    await stage.ask("POST", "/v1/batches", { ...ASKED, endpoint: "/v1/responses" });
    const used = { input_tokens: 6, output_tokens: 4, total_tokens: 10 };
    const made = response([message("Hi", "msg_1")], { id: "resp_of_batch", usage: used });
    told = { status: "completed", output_file_id: OUTPUT };
    files.set(OUTPUT, { pieces: [answer("one", made)] });
    await stage.pass(MINUTE_MS);
    expect(await lastCost()).toMatchObject({ amountNanoUsd: 5, estimated: false });
    const { tollgate, upstream } = stage;
    const stranger = await tollgate.addToken((await tollgate.addTenant()).id);
    const ask = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${tollgate.url}/v1/responses/resp_of_batch`, { headers })).status;
    };
    upstream.forget();
    expect([await ask(stranger.token), upstream.seen.length]).toEqual([404, 0]);
    upstream.answer({ pieces: [JSON.stringify(made)] });
    expect([await ask(stage.token), upstream.seen.length]).toEqual([200, 1]);
  });
});
