/** What becomes of messages whose provider fails, whose client leaves, and whose money is used up. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import {
  blockDelta,
  blockStart,
  OVERLOADED,
  PLAIN_TEXT,
  sse,
  started,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
  upTo,
} from "./anthropic-answers.ts";
import { lastAttempts } from "./ledger-rows.ts";
import { readAll, readerOf, readUntil } from "./read-stream.ts";
import { startRecordedUpstream, type Recorded } from "./recorded-upstream.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

/** Nano-dollars of a token of input and of output. */
const INPUT = 3_000;
const OUTPUT = 15_000;
const price = { inputPicoUsd: 1_000 * INPUT, outputPicoUsd: 1_000 * OUTPUT };

const { direct, provider, tenantId, through, token, tollgate, upstream } =
  await conformanceStageForFile("anthropic", "/v1", price);
const spare = await startRecordedUpstream();
const second = await tollgate.addProvider({
  name: "second",
  dialect: "anthropic",
  baseUrl: `${spare.url}/v1`,
});
await tollgate.addPrice(second.id, UPSTREAM_MODEL, price);
const targets = [provider, second].map(({ id: providerId }, priority) => {
  return { providerId, model: UPSTREAM_MODEL, weight: 1, priority };
});
await tollgate.addRoute("both", targets);

beforeEach(async () => {
  spare.forget();
  await freshProvider(tollgate, provider);
});
afterAll(() => spare.stop());

const path = "/v1/messages";
const HEADERS = { "content-type": "text/event-stream; charset=utf-8" };

function bodyFor(model: string, members: object = { stream: true }): string {
  const messages = [{ role: "user", content: "hi" }];
  return JSON.stringify({ model, max_tokens: 1_024, messages, ...members });
}

function streamed(pieces: Recorded["pieces"], end: Recorded["end"] = "close"): Recorded {
  return { headers: HEADERS, pieces, end };
}

function ask(model: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers: { "x-api-key": token },
    body: bodyFor(model),
    signal: signal ?? null,
  });
}

const begun = upTo(TEXT_STREAM, "Grüße");

function refusal(type: string): string {
  return `{"type":"error",\n "error":{"type":"${type}","message":"roles must alternate"},"request_id":"req_011"}`;
}

describe("before content", () => {
  test.each([
    [400, "invalid_request_error"],
    [413, "request_too_large"],
    [404, "not_found_error"],
    [403, "permission_error"],
  ])("a refusal with %p is the provider's own, verbatim", async (status, type) => {
    upstream.answer({ status, headers: { "x-should-retry": "false" }, pieces: [refusal(type)] });
    const past = await direct({ path, body: bodyFor(UPSTREAM_MODEL) });
    upstream.forget();
    const relayed = await through({ path, body: bodyFor(PUBLIC_MODEL) });
    expect([relayed.status, relayed.text]).toEqual([past.status, past.text]);
    expect(relayed.headers.get("x-should-retry")).toBe("false");
    expect(upstream.seen.length).toBe(1);
  });

  test.each([
    ["an error event", streamed([sse([started(), OVERLOADED])])],
    ["a cut", streamed([sse([started()])], "cut")],
    ["an end without an answer", streamed([sse([started()])])],
    ["a refusal", { status: 529, pieces: [OVERLOADED] }],
    ["an error in place of an answer", { pieces: [OVERLOADED] }],
    ["a page of HTML", { headers: { "content-type": "text/html" }, pieces: ["<html>"] }],
  ] satisfies [string, Recorded][])(
    "%s is made good by another provider",
    async (_name, failed) => {
      upstream.answer(failed);
      spare.answer(streamed([THINKING_TOOLS_STREAM]));
      const reply = await through({ path, body: bodyFor("both") });
      expect([reply.status, reply.text]).toEqual([200, THINKING_TOOLS_STREAM]);
      expect(reply.headers.get("x-tollgate-provider")).toBe("second");
      expect([upstream.seen.length, spare.seen.length]).toEqual([1, 1]);
      expect(spare.seen[0]?.body).toEqual(upstream.seen[0]?.body ?? new Uint8Array());
      expect(await lastAttempts(tollgate)).toMatchObject([
        { postings: 1 },
        { outcome: "ok", amountNanoUsd: 2_472 * INPUT + 89 * OUTPUT, postings: 1 },
      ]);
    },
  );
});

describe("after content", () => {
  test("the provider's error event is the last that the client sees, as it came", async () => {
    const answer = begun + sse([OVERLOADED]);
    upstream.answer(streamed([answer]));
    const past = await direct({ path, body: bodyFor(UPSTREAM_MODEL) });
    const relayed = await through({ path, body: bodyFor("both") });
    expect([relayed.text, past.text]).toEqual([answer, answer]);
    expect(spare.seen.length).toBe(0);
    // "Grüße" has three tokens; the input is the one that the start of the message told.
    expect(await lastAttempts(tollgate)).toMatchObject([
      { outcome: "error_event", estimated: true, amountNanoUsd: 25 * INPUT + 3 * OUTPUT },
    ]);
  });

  test("a cut ends in an error event, and what came is paid", async () => {
    const come = Promise.withResolvers<void>();
    upstream.answer(streamed([begun, come.promise], "cut"));
    const reply = await ask("both");
    const reader = readerOf(reply);
    const seen = await readUntil(reader, "Grüße");
    come.resolve();
    const id = reply.headers.get("request-id");
    const message = `The provider failed. The answer is incomplete (request ${id}).`;
    const error = { type: "error", error: { type: "api_error", message }, request_id: id };
    const last = `event: error\ndata: ${JSON.stringify(error)}\n\n`;
    expect(seen + (await readAll(reader))).toBe(begun + last);
    expect(spare.seen.length).toBe(0);
    expect(await lastAttempts(tollgate)).toMatchObject([
      { outcome: "cut", estimated: true, inputTokens: 25, outputTokens: 3, postings: 1 },
    ]);
  });

  test("a client that leaves closes the provider's connection, and pays what came", async () => {
    upstream.answer(streamed([begun], "hang"));
    const controller = new AbortController();
    const reply = await ask(PUBLIC_MODEL, controller.signal);
    await readUntil(readerOf(reply), "Grüße");
    expect(upstream.inFlight()).toBe(1);
    controller.abort();
    await upstream.quiet();
    expect(await lastAttempts(tollgate)).toMatchObject([
      { outcome: "client_gone", estimated: true, amountNanoUsd: 25 * INPUT + 3 * OUTPUT },
    ]);
  });
});

test("a stream that reaches its hold is ended as by its own limit", async () => {
  const text = "one two three four five six seven eight nine ten ".repeat(6);
  const begunWith = [started(), blockStart(0, { type: "text", text: "" })];
  const stream = sse([...begunWith, blockDelta(0, "text_delta", { text })]);
  const spender = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: spender.row.id, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 10_000_000, onHoldReached: "stop" });
  upstream.answer(streamed([stream], "hang"));
  const reply = await fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers: { "x-api-key": spender.token },
    body: bodyFor(PUBLIC_MODEL, { stream: true, max_tokens: 20 }),
  });
  const told = await reply.text();
  await until(() => upstream.inFlight() === 0);
  const [attempt] = await lastAttempts(tollgate);
  const usage = {
    input_tokens: 25,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: attempt?.outputTokens,
  };
  const delta = { stop_reason: "max_tokens", stop_sequence: null };
  const ending = [
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta, usage },
    { type: "message_stop" },
  ];
  expect(told).toBe(`${stream}: x-tollgate-stopped: hold_reached\n\n${sse(ending)}`);
  expect(attempt).toMatchObject({ outcome: "hold_reached", estimated: true, inputTokens: 25 });
  expect(attempt?.outputTokens).toBeGreaterThanOrEqual(60);
  expect(attempt?.amountNanoUsd).toBe(attempt?.heldNanoUsd);
});

test("an answer without usage is counted", async () => {
  const answer = PLAIN_TEXT.replace(/,"usage":.*/, "}");
  upstream.answer({ pieces: [answer] });
  const reply = await through({ path, body: bodyFor(PUBLIC_MODEL, {}) });
  expect([reply.status, reply.text]).toEqual([200, answer]);
  // "Grüße 🙂" has four tokens; of "hi" and "user" are two, and the template has six.
  expect(await lastAttempts(tollgate)).toMatchObject([
    { outcome: "ok", estimated: true, inputTokens: 8, outputTokens: 4 },
  ]);
});
