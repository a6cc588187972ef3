/**
 * Speech: how sound is passed on as it comes, how it breaks off, and what it and events of it cost. Requests and events are shaped as the types of openai-node 7.55 say (2026-11).
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

/** 15 USD per million characters, which is 15,000 nano-dollars each; tokens have no price. */
const PRICE = { inputPicoUsd: 0, outputPicoUsd: 0, characterPicoUsd: 15_000_000 };
const stage = await conformanceStageForFile("openai", "/v1", PRICE);
const { through, upstream, tollgate, provider, token, tenantId } = stage;
await tollgate.addPrice(provider.id, "by-tokens", {
  inputPicoUsd: 600_000,
  outputPicoUsd: 12_000_000,
});
const target = { providerId: provider.id, model: "by-tokens", weight: 1, priority: 0 };
await tollgate.addRoute("by-tokens", [target]);
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/audio/speech";
const SOUND = Uint8Array.from({ length: 40_000 }, (_, index) => (index * 31 + (index >> 8)) % 256);
const MPEG = { "content-type": "audio/mpeg" };
const SSE = { "content-type": "text/event-stream; charset=utf-8" };

/** 8 characters: an emoji of two code points counts as two. */
const body = (model: string, more = ""): string =>
  `{"model" : "${model}","input":"Grüße 👍🏽","voice":"alloy","x_unknown":1.50${more}}`;

const event = (told: object): string => `data: ${JSON.stringify(told)}\n\n`;
const EVENTS =
  event({ type: "speech.audio.delta", audio: "SUQz" }) +
  event({ type: "speech.audio.unknown", of: "🙂" }) +
  event({ type: "speech.audio.delta", audio: "AAAA" }) +
  event({
    type: "speech.audio.done",
    usage: { input_tokens: 14, output_tokens: 101, total_tokens: 115 },
  });

describe("sound", () => {
  test("is relayed before its provider has sent the rest", async () => {
    upstream.answer({ headers: MPEG, pieces: ["first"], end: "hang" });
    const reader = (await ask()).body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toBe("first");
    expect(upstream.inFlight()).toBe(1);
    await reader?.cancel();
  });

  test("is paid by the characters of the input, which is flagged: no provider reports them", async () => {
    upstream.answer({ headers: MPEG, pieces: [SOUND] });
    await through({ path, body: body(PUBLIC_MODEL) });
    expect(await lastAttempt(tollgate)).toMatchObject({
      heldNanoUsd: 120_000,
      kind: "settle",
      amountNanoUsd: 120_000,
      estimated: true,
      outcome: "ok",
      details: { units: { characters: 8 } },
      postings: 1,
    });
  });

  test("of a model that is paid by tokens is estimated by its characters", async () => {
    upstream.answer({ headers: MPEG, pieces: [SOUND] });
    await through({ path, body: body("by-tokens") });
    const attempt = await lastAttempt(tollgate);
    // 12 tokens of sound at 12 USD and a third of the body's bytes at 0.60 USD per million.
    expect(attempt).toMatchObject({ amountNanoUsd: 160_800, estimated: true, outputTokens: 12 });
    // 32 tokens a character, and of the input a token a byte.
    expect(attempt?.heldNanoUsd).toBe(8 * 32 * 12_000 + Buffer.byteLength(body("by-tokens")) * 600);
  });

  test("that breaks off breaks off for the client too, and is paid for", async () => {
    upstream.answer({ headers: MPEG, pieces: [SOUND.subarray(0, 900)], end: "hang" });
    const answer = await ask();
    expect(answer.status).toBe(200);
    upstream.cutOff();
    expect(await failureOf(answer.arrayBuffer())).toBe(true);
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 120_000,
      estimated: true,
      outcome: "cut",
    });
  });

  test("that breaks off has no end on the wire that a client could take for one", async () => {
    upstream.answer({ headers: MPEG, pieces: ["abc"], end: "hang" });
    const wire = await rawAnswer("abc", upstream.cutOff);
    expect([wire.startsWith("HTTP/1.1 200 "), wire.endsWith("3\r\nabc\r\n")]).toEqual([true, true]);
  });

  test("of nothing is an answer of nothing", async () => {
    upstream.answer({ headers: MPEG, pieces: [] });
    const { status, bytes } = await through({ path, body: body(PUBLIC_MODEL) });
    expect([status, bytes.length]).toEqual([200, 0]);
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "ok" });
  });

  test("nobody waits for any more is given up at the provider, and paid for", async () => {
    upstream.answer({ headers: MPEG, pieces: ["first"], end: "hang" });
    const leaving = new AbortController();
    const answer = await ask({ signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await upstream.quiet();
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 120_000,
      outcome: "client_gone",
    });
  });

  test("is repeated elsewhere only before its first byte, and a refusal comes in its own words", async () => {
    const refused = { error: { message: "bad voice", type: "invalid_request_error", code: null } };
    upstream.answer({ status: 400, pieces: [JSON.stringify(refused)] });
    const { status, text } = await through({ path, body: body(PUBLIC_MODEL) });
    expect([status, JSON.parse(text), upstream.seen.length]).toEqual([400, refused, 1]);
    expect(await lastAttempt(tollgate)).toMatchObject({ kind: "void" });
  });

  test("is had again by the key of its request, and a broken one breaks off for its client", async () => {
    upstream.answer({ headers: MPEG, pieces: [SOUND] });
    const headers = { "idempotency-key": crypto.randomUUID() };
    const first = await through({ path, headers, body: body(PUBLIC_MODEL) });
    const again = await through({ path, headers, body: body(PUBLIC_MODEL) });
    expect(again.bytes).toEqual(first.bytes);
    const told = [again.headers.get("x-tollgate-idempotency"), again.headers.get("content-type")];
    expect([...told, upstream.seen.length]).toEqual(["replayed", "audio/mpeg", 1]);
    upstream.answer({ headers: MPEG, pieces: ["abc"], end: "hang" });
    const broken = await ask({ headers: { "idempotency-key": crypto.randomUUID() } });
    upstream.cutOff();
    expect(await failureOf(broken.arrayBuffer())).toBe(true);
  });
});

describe("events", () => {
  const asked = ',"stream_format":"sse"';

  test("are paid by the tokens that the last one reports", async () => {
    upstream.answer({ headers: SSE, pieces: [EVENTS] });
    await through({ path, body: body("by-tokens", asked) });
    // 14 at 600 and 101 at 12,000 nano-dollars.
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 1_220_400,
      estimated: false,
      inputTokens: 14,
      outputTokens: 101,
    });
  });

  test("that end before the last one end with an error event", async () => {
    upstream.answer({ headers: SSE, pieces: [EVENTS.slice(0, 60)] });
    const { text } = await through({ path, body: body("by-tokens", asked) });
    expect(text).toContain('"code":"upstream_error"');
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "cut" });
  });

  test("may be left to a provider that answers with sound all the same", async () => {
    upstream.answer({ headers: MPEG, pieces: [SOUND] });
    const { bytes } = await through({ path, body: body("by-tokens", asked) });
    expect(bytes).toEqual(SOUND);
  });
});

test.each<readonly [body: string, message: string, param: string]>([
  [`{"model":"${PUBLIC_MODEL}"}`, "Missing required parameter: 'input'.", "input"],
  [`{"model":"${PUBLIC_MODEL}","input":["a"]}`, "'input' must be a string.", "input"],
  ['{"input":"a"}', "Missing required parameter: 'model'.", "model"],
])("a body that cannot be one is refused by the member: %s", async (wrong, message, param) => {
  const { status, text } = await through({ path, body: wrong });
  const told = { message, type: "invalid_request_error", param, code: "invalid_request" };
  expect([status, JSON.parse(text), upstream.seen.length]).toEqual([400, { error: told }, 0]);
});

test("the worst case counts against a budget, and one that is too small refuses", async () => {
  const small = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: small.row.id, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 119_999 });
  const answer = await ask({ headers: { authorization: `Bearer ${small.token}` } });
  expect(answer.headers.get("x-tollgate-error")).toBe("budget_exceeded");
  expect(upstream.seen.length).toBe(0);
});

type Asking = {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
};

function ask(init: Asking = {}): Promise<Response> {
  return fetch(`${tollgate.url}${path}`, {
    ...init,
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...init.headers,
    },
    body: body(PUBLIC_MODEL),
  });
}

function failureOf(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => false,
    () => true,
  );
}

/** Everything that comes until the connection is closed; `then` is called once `awaited` has come. */
function rawAnswer(awaited: string, then: () => void): Promise<string> {
  const text = body(PUBLIC_MODEL);
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: tollgate",
    `authorization: Bearer ${token}`,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  return new Promise((resolve) => {
    let wire = "";
    const socket = connect(tollgate.port, "127.0.0.1", () => {
      socket.write(`${head.join("\r\n")}\r\n\r\n${text}`);
    });
    socket.on("data", (bytes) => {
      const had = wire.includes(awaited);
      wire += bytes.toString("latin1");
      if (!had && wire.includes(awaited)) then();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(wire));
  });
}
