/**
 * Gemini's streams, as server-sent events and as JSON arrays: an end that tells a complete answer from one
 * that broke off, and what is said beside them in a form that their readers know.
 */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import {
  BLOCKED,
  FRAMINGS,
  type Framed,
  response,
  type Shape,
  STOP,
  STREAMED,
  TOOLS,
  UNAVAILABLE,
} from "./google-answers.ts";
import { lastAttempt } from "./ledger-rows.ts";
import type { Recorded } from "./recorded-upstream.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const PRICES = { inputPicoUsd: 1_000_000, outputPicoUsd: 1_000_000 };
const stage = await conformanceStageForFile("google", "/v1beta", PRICES);
const { provider, through, token, tollgate, upstream } = stage;
const KEEP_ALIVE_MS = 60;

beforeAll(async () => {
  const target = { providerId: provider.id, model: UPSTREAM_MODEL, weight: 1, priority: 0 };
  await tollgate.addRoute("kept", [target], { terms: { keepAliveMs: KEEP_ALIVE_MS } });
  await tollgate.addRoute("resumable", [target], { terms: { resumable: true } });
});
beforeEach(() => freshProvider(tollgate, provider));

const BODY = '{"contents" : [{"parts":[{"text":"hi"}]}],"x_unknown":1.50}';

describe.each(FRAMINGS.map((framed) => [framed.name, framed] as const))("%s", (_name, framed) => {
  const { query, contentType, open, closed, read } = framed;
  const pathOf = (model: string): string => `/v1beta/models/${model}:streamGenerateContent${query}`;
  const recorded = (pieces: Recorded["pieces"], end: Recorded["end"] = "close"): Recorded => ({
    headers: { "content-type": contentType },
    pieces,
    end,
  });
  const ask = (model = PUBLIC_MODEL) => through({ path: pathOf(model), body: BODY });

  const whole: readonly (readonly [string, readonly Shape[]])[] = [
    ["calls of tools", [TOOLS]],
    ["a blocked prompt", [BLOCKED]],
    ["an end by its limit", [response([{ text: "a" }], MAX)]],
    ["several candidates", [two(0, "a", null), two(1, "b", "STOP"), two(0, "c", "SAFETY")]],
    ["what comes behind the finish", [...STREAMED, response([], STOP)]],
  ];
  test.each(whole)("%s passes, and is a whole answer", async (_what, responses) => {
    upstream.answer(recorded([closed(responses)]));
    expect((await ask()).text).toBe(closed(responses));
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "ok", estimated: false });
  });

  test("the last usage counts, thoughts being output", async () => {
    upstream.answer(recorded([closed(STREAMED)]));
    await ask();
    expect(await lastAttempt(tollgate)).toMatchObject({
      inputTokens: 9,
      outputTokens: 11,
      reasoningTokens: 7,
      amountNanoUsd: 20_000,
      estimated: false,
      postings: 1,
    });
  });

  test("searches are counted once, however often a stream repeats them", async () => {
    const candidate = { finishReason: "STOP", groundingMetadata: { webSearchQueries: ["a", "b"] } };
    const repeated = [{ candidate: { ...candidate, finishReason: null } }, { candidate }];
    upstream.answer(recorded([closed(repeated.map((more) => response([{ text: "x" }], more)))]));
    await ask();
    expect((await lastAttempt(tollgate))?.["details"]).toMatchObject({
      toolCalls: { web_search: 2 },
    });
  });

  describe("a stream that ends before a candidate has finished", () => {
    const unfinished = STREAMED.slice(0, 3);

    test.each([
      ["by its end", recorded([open(unfinished)])],
      ["in the middle of a response", recorded([open(STREAMED).slice(0, -40)])],
      ["although it says that it is closed", recorded([closed(unfinished)])],
      ["but for another one", recorded([closed([...unfinished, two(1, "b", "STOP")])])],
    ] as const)("%s ends with an error that clients can read", async (_how, answer) => {
      upstream.answer(answer);
      const { status, text } = await ask();
      const responses = read(text);
      expect([status, responses.slice(0, 3)]).toEqual([200, [...unfinished]]);
      expect(responses.at(-1)).toEqual({ error: expect.objectContaining(CUT) });
      const { outcome, estimated, outputTokens } = (await lastAttempt(tollgate)) ?? {};
      // What its provider had reported when it broke off: a running count.
      expect([outcome, estimated]).toEqual(["cut", true]);
      expect(outputTokens).toBeOneOf([9, 11]);
    });
  });

  test("a connection that breaks off ends the stream with an error, and what came is paid", async () => {
    const ending = Promise.withResolvers<null>();
    const pieces = [open(STREAMED.slice(0, 2))];
    upstream.answer({ ...recorded(pieces, "cut"), endAfter: ending.promise });
    const answer = await post(pathOf(PUBLIC_MODEL));
    const { text, more } = await readUntil(answer, (so) => so.includes("Grü"));
    ending.resolve(null);
    const rest = await readUntil(more, (so) => so.includes("incomplete"));
    expect(read(text + rest.text).at(-1)).toEqual({ error: expect.objectContaining(CUT) });
    expect((await lastAttempt(tollgate))?.outcome).toBe("cut");
  });

  test("a stream that reaches its hold ends as by its own limit", async () => {
    const { row, token: bounded } = await tollgate.addToken(stage.tenantId);
    const scope = { scopeType: "token", scopeId: row.id, tenantId: stage.tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000, onHoldReached: "stop" });
    const said = Array.from({ length: 200 }, () => response([{ text: "lorem " }]));
    upstream.answer(recorded([open(said)], "hang"));
    const { text } = await through({
      path: pathOf(PUBLIC_MODEL),
      headers: { "x-goog-api-key": bounded },
      body: '{"contents":[],"generationConfig":{"maxOutputTokens":10}}',
    });
    const { usageMetadata, ...last } = read(text).at(-1) ?? {};
    expect(last).toEqual({
      candidates: [
        { content: { parts: [{ text: "" }], role: "model" }, finishReason: "MAX_TOKENS", index: 0 },
      ],
      modelVersion: UPSTREAM_MODEL,
      responseId: "AdVRaMmDCYekqtsPrb_-iAw",
    });
    expect(usageMetadata).toMatchObject({ candidatesTokenCount: expect.any(Number) });
    expect(text.includes(": x-tollgate-stopped: hold_reached")).toBe(query !== "");
    expect((await lastAttempt(tollgate))?.outcome).toBe("hold_reached");
  });

  const CUT = {
    code: 502,
    status: "UNAVAILABLE",
    message: expect.stringContaining("The answer is incomplete (request req_"),
  };

  test("an error of the provider within the stream passes as it is, and needs no second one", async () => {
    const responses = [...STREAMED.slice(0, 2), UNAVAILABLE];
    upstream.answer(recorded([closed(responses)]));
    expect((await ask()).text).toBe(closed(responses));
    expect((await lastAttempt(tollgate))?.outcome).toBe("error_event");
  });

  test("an error before any content is a failed attempt, and the next one answers", async () => {
    let calls = 0;
    upstream.answer(() => {
      calls += 1;
      return recorded([closed(calls === 1 ? [UNAVAILABLE] : STREAMED)]);
    });
    const { text, headers } = await ask();
    expect([text, headers.get("x-tollgate-attempts")]).toEqual([closed(STREAMED), "2"]);
  });

  test("a refusal before the stream comes back verbatim", async () => {
    const refused = `[${JSON.stringify({ error: { code: 400, message: "no", status: "INVALID_ARGUMENT" } })}]\n`;
    upstream.answer({ status: 400, pieces: [refused] });
    const { status, text } = await ask();
    expect([status, text, upstream.seen.length]).toEqual([400, refused, 1]);
  });

  test("a refusal of ours has the shape that clients of such a stream read", async () => {
    const { status, text, headers } = await through({ path: pathOf("unknown"), body: BODY });
    const told = JSON.parse(text) as Shape | readonly Shape[];
    const error = expect.objectContaining({ code: 404, status: "NOT_FOUND" });
    expect([status, told]).toEqual([404, query === "" ? [{ error }] : { error }]);
    expect(headers.get("x-tollgate-error")).toBe("model_not_found");
  });

  test("a client that leaves ends the provider's stream and pays for what came", async () => {
    upstream.answer(recorded([open(STREAMED.slice(0, 3))], "hang"));
    const leaving = new AbortController();
    const answer = await post(pathOf(PUBLIC_MODEL), leaving.signal);
    const reader = answer.body?.getReader();
    await reader?.read();
    leaving.abort();
    await upstream.quiet();
    const { outcome, estimated, postings } = (await lastAttempt(tollgate)) ?? {};
    expect([outcome, estimated, postings]).toEqual(["client_gone", true, 1]);
  });

  test("silence is filled with what readers pass over, before the answer and within it", async () => {
    upstream.answer(recorded([], "hang"));
    const answer = await post(pathOf("kept"));
    expect([answer.status, answer.headers.get("content-type")?.toLowerCase()]).toEqual([
      200,
      query === "" ? "application/json; charset=utf-8" : "text/event-stream; charset=utf-8",
    ]);
    const { text, more } = await readUntil(answer, (so) => so.length >= 2 * KEPT(framed).length);
    expect(text).toBe(KEPT(framed).repeat(text.length / KEPT(framed).length));
    await more.cancel();
    await upstream.quiet();
  });

  test("a failure after the stream was begun for its silence is its only part", async () => {
    const refused = { error: { code: 400, message: "no", status: "INVALID_ARGUMENT" } };
    const late = Promise.withResolvers<null>();
    upstream.answer(() => ({
      status: 400,
      pieces: [JSON.stringify(refused)],
      after: late.promise,
    }));
    const answer = await post(pathOf("kept"));
    late.resolve(null);
    expect([answer.status, read((await answer.text()).trimStart())]).toEqual([200, [refused]]);
  });

  test("an idempotency key gets the same stream again, and nothing is executed twice", async () => {
    upstream.answer(recorded([closed(STREAMED)]));
    const headers = { "idempotency-key": `key-of-${framed.name}` };
    const first = await through({ path: pathOf(PUBLIC_MODEL), headers, body: BODY });
    const again = await through({ path: pathOf(PUBLIC_MODEL), headers, body: BODY });
    expect([first.text, again.text]).toEqual([closed(STREAMED), closed(STREAMED)]);
    expect(again.headers.get("x-tollgate-idempotency")).toBe("replayed");
    expect(upstream.seen.length).toBe(1);
  });

  test("one who waits for another's stream and must go reads an error at its end", async () => {
    const ending = Promise.withResolvers<null>();
    const begun = recorded([open(STREAMED.slice(0, 2))]);
    upstream.answer({ ...begun, endAfter: ending.promise });
    const key = { "idempotency-key": `shared-${framed.name}` };
    const first = await post(pathOf(PUBLIC_MODEL), null, key);
    const { more } = await readUntil(first, (so) => so.includes("Grü"));
    const hurried = { ...key, "x-tollgate-timeout-ms": "200" };
    const second = await post(pathOf(PUBLIC_MODEL), null, hurried);
    const responses = read(await second.text());
    const late = expect.objectContaining({ code: 504, status: "DEADLINE_EXCEEDED" });
    expect(responses).toEqual([...STREAMED.slice(0, 2), { error: late }]);
    ending.resolve(null);
    await readUntil(more, (so) => so.includes("incomplete"));
  });

  test("only events are numbered, where a route can resume streams", async () => {
    upstream.answer(recorded([closed(STREAMED)]));
    const { text } = await ask("resumable");
    expect(text.includes("\nid: req_") || text.startsWith("id: req_")).toBe(query !== "");
    expect(read(text.replaceAll(/^id: .*\n/gmu, ""))).toEqual([...STREAMED]);
  });
});

test("an error without an event around it passes as it came, and is one", async () => {
  const events = FRAMINGS[0].closed(STREAMED.slice(0, 2));
  const bare = JSON.stringify(UNAVAILABLE, null, 2);
  upstream.answer({ headers: { "content-type": "text/event-stream" }, pieces: [events, bare] });
  const path = `/v1beta/models/${PUBLIC_MODEL}:streamGenerateContent?alt=sse`;
  expect((await through({ path, body: BODY })).text).toBe(events + bare);
  expect((await lastAttempt(tollgate))?.outcome).toBe("error_event");
});

const MAX: Shape = { candidate: { finishReason: "MAX_TOKENS" } };

function two(index: number, text: string, finishReason: string | null): Shape {
  return response([{ text }], { candidate: { index, finishReason } });
}

function KEPT({ query }: Framed): string {
  return query === "" ? "\n" : ": keep-alive\n\n";
}

function post(
  path: string,
  signal: AbortSignal | null = null,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const headers = { "x-goog-api-key": token, ...more };
  return fetch(`${tollgate.url}${path}`, { method: "POST", headers, body: BODY, signal });
}

type Reader = {
  readonly read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  readonly cancel: () => Promise<void>;
};

async function readUntil(from: Response | Reader, isEnough: (text: string) => boolean) {
  const more: Reader | undefined = from instanceof Response ? from.body?.getReader() : from;
  if (more === undefined) throw new Error("there is no body");
  let text = "";
  while (!isEnough(text)) {
    const { done, value } = await more.read();
    if (done) throw new Error(`the body has ended: ${text}`);
    text += new TextDecoder().decode(value);
  }
  return { text, more };
}
