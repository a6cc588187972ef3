/** Responses that fail, break off, are left by their client, or reach their hold. */
import { beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { lastAttempt } from "./ledger-rows.ts";
import {
  begun,
  called,
  completed,
  events,
  functionCall,
  message,
  RESPONSE_ID,
  response,
  TEXT_STREAM,
  usage,
  written,
} from "./responses-answers.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

const stage = await conformanceStageForFile("openai", "/v1", { outputPicoUsd: 1_000_000 });
const { provider, tenantId, through, token, tollgate, upstream } = stage;
const EVENT_STREAM = { "content-type": "text/event-stream" };
const PATH = "/v1/responses";
const bodyWith = (more: object): string =>
  JSON.stringify({ model: PUBLIC_MODEL, input: "hi", ...more });
const STREAMED = bodyWith({ stream: true });

beforeEach(() => freshProvider(tollgate, provider));

/** What a stream says, event by event; comments are left out. */
function told(text: string): Record<string, unknown>[] {
  return text
    .split("\n\n")
    .flatMap((event) => event.split("\n").filter((line) => line.startsWith("data: ")))
    .map((line): Record<string, unknown> => JSON.parse(line.slice("data: ".length)));
}

/** The first events of a message of which `pieces` came: numbers 0 to 3 come before them. */
function beginOf(...pieces: readonly string[]): string {
  return events([...begun(), ...written(pieces).slice(0, 2 + pieces.length)]);
}

/** The first answer is the first one's, every other the other's. */
function answerInTurn(first: string, then: string): void {
  let isFirst = true;
  upstream.answer(() => {
    const piece = isFirst ? first : then;
    isFirst = false;
    return { headers: EVENT_STREAM, pieces: [piece] };
  });
}

const NESTED = { type: "server_error", code: "server_error", message: "Oops.", param: null };
const FAILED = events([
  ...begun(),
  {
    type: "response.failed",
    response: response([], {
      status: "failed",
      error: { code: "server_error", message: "Oops." },
      usage: null,
    }),
  },
]);

/** As servers send it that follow streams of chat. */
const UNTYPED: readonly (readonly [what: string, event: string])[] = [
  ["nested", `data: ${JSON.stringify({ error: { ...NESTED, code: "500" } })}\n\n`],
  ["nested in a named event", `event: error\ndata: ${JSON.stringify({ error: NESTED })}\n\n`],
  ["as a named event", 'event: error\ndata: {"code":"server_error","message":"Oops."}\n\n'],
  ["as an object", 'data: {"object":"error","message":"Oops.","code":500}\n\n'],
  ["as a text", 'data: {"error":"Oops."}\n\n'],
];

describe("before anything was written", () => {
  test.each([
    [
      "an error event as OpenAI sends it",
      `${beginOf()}${events([{ type: "error", error: NESTED }], 3)}`,
    ],
    [
      "an error event as its reference has it",
      `${beginOf()}${events([{ type: "error", code: "server_error", message: "Oops.", param: null }], 3)}`,
    ],
    ...UNTYPED.map(([what, event]) => [`an error without a type, ${what}`, beginOf() + event]),
    ["a response that failed", FAILED],
    ["a stream that ends", beginOf()],
  ])(
    "%s is nobody's answer: another attempt is made, and only its events come",
    async (_n, first) => {
      answerInTurn(first, TEXT_STREAM);
      const answer = await through({ path: PATH, body: STREAMED });
      expect([answer.status, answer.text]).toEqual([200, TEXT_STREAM]);
      expect(upstream.seen.length).toBe(2);
    },
  );

  test("an error without a type tells the status that it would have had", async () => {
    const error = { message: "Too long.", type: "BadRequestError", code: 400 };
    const piece = `${beginOf()}data: ${JSON.stringify({ error })}\n\n`;
    upstream.answer({ headers: EVENT_STREAM, pieces: [piece] });
    const answer = await through({ path: PATH, body: STREAMED });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, { error }]);
    expect(upstream.seen.length).toBe(1);
  });

  test("what can only be the request's fault comes back as a refusal, and is not repeated", async () => {
    const error = { code: "invalid_prompt", message: "Flagged." };
    const failed = response([], { status: "failed", error, usage: null });
    const piece = events([...begun(), { type: "response.failed", response: failed }]);
    upstream.answer({ headers: EVENT_STREAM, pieces: [piece] });
    const answer = await through({ path: PATH, body: STREAMED });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([400, { error }]);
    expect(upstream.seen.length).toBe(1);
  });

  test("a plain response that failed is asked for again", async () => {
    const failed = response([], { status: "failed", error: NESTED, usage: null });
    const whole = JSON.stringify(response([message("Hi")]));
    let isFirst = true;
    upstream.answer(() => {
      const pieces = [isFirst ? JSON.stringify(failed) : whole];
      isFirst = false;
      return { pieces };
    });
    const answer = await through({ path: PATH, body: bodyWith({}) });
    expect([answer.status, answer.text, upstream.seen.length]).toEqual([200, whole, 2]);
  });
});

describe("once something was written", () => {
  test("a stream that breaks off ends with an error in the surface's own shape and count", async () => {
    upstream.answer({ headers: EVENT_STREAM, pieces: [beginOf("On", "ce")] });
    const answer = await through({ path: PATH, body: STREAMED });
    expect(answer.text.startsWith(beginOf("On", "ce"))).toBe(true);
    const last = answer.text.slice(beginOf("On", "ce").length);
    expect(last).toMatch(/^event: error\ndata: \{.*\}\n\n$/);
    const error = {
      code: "upstream_error",
      message: expect.stringMatching(
        /^The provider failed\. The answer is incomplete \(request req_/,
      ),
      param: null,
    };
    expect(told(last)).toEqual([
      { type: "error", ...error, sequence_number: 6, error: { type: "server_error", ...error } },
    ]);
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "cut", estimated: true });
  });

  test("an error event of the provider's passes as it came, and nothing is added", async () => {
    const text = `${beginOf("Once")}${events([{ type: "error", error: NESTED }], 5)}`;
    upstream.answer({ headers: EVENT_STREAM, pieces: [text] });
    expect((await through({ path: PATH, body: STREAMED })).text).toBe(text);
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "error_event", estimated: true });
  });

  test.each(UNTYPED)("an error without a type, %s, passes as it came", async (_what, event) => {
    const text = beginOf("Once") + event;
    upstream.answer({ headers: EVENT_STREAM, pieces: [text] });
    expect((await through({ path: PATH, body: STREAMED })).text).toBe(text);
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "error_event",
      estimated: true,
    });
  });

  test("a response that fails then passes as it came, and costs what it says", async () => {
    const failed = response([], { status: "failed", error: NESTED, usage: usage(25, 4) });
    const end = events([{ type: "response.failed", response: failed }], 5);
    upstream.answer({ headers: EVENT_STREAM, pieces: [beginOf("Once"), end] });
    expect((await through({ path: PATH, body: STREAMED })).text).toBe(`${beginOf("Once")}${end}`);
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "error_event",
      amountNanoUsd: 4_000,
      estimated: false,
    });
  });

  test("a client that leaves closes the provider's stream, and is charged for what came", async () => {
    upstream.answer({ headers: EVENT_STREAM, pieces: [beginOf("Once", " upon")], end: "hang" });
    const leaving = new AbortController();
    const answer = await fetch(`${tollgate.url}${PATH}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: STREAMED,
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    await upstream.quiet();
    expect(await lastAttempt(tollgate)).toMatchObject({
      outcome: "client_gone",
      amountNanoUsd: 2_000,
      estimated: true,
    });
  });
});

/** With a budget that ends streams, of an access token of its own. */
async function overrun(text: string) {
  const owner = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: owner.row.id, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000, onHoldReached: "stop" });
  upstream.answer({ headers: EVENT_STREAM, pieces: [text], end: "hang" });
  const answer = await fetch(`${tollgate.url}${PATH}`, {
    method: "POST",
    headers: { authorization: `Bearer ${owner.token}` },
    body: bodyWith({ stream: true, max_output_tokens: 16 }),
  });
  const whole = await answer.text();
  await until(() => upstream.inFlight() === 0);
  expect(whole.startsWith(text)).toBe(true);
  return { added: whole.slice(text.length), attempt: await lastAttempt(tollgate) };
}

describe("a stream that reaches its hold", () => {
  const pieces = Array.from({ length: 40 }, (_, place) => ` word${place}`);

  test("within a message ends like one that reached max_output_tokens, with all that was written", async () => {
    const { added, attempt } = await overrun(beginOf(...pieces));
    expect(added.startsWith(": x-tollgate-stopped: hold_reached\n\n")).toBe(true);
    const text = pieces.join("");
    const part = { type: "output_text", annotations: [], logprobs: [], text };
    const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
    const item = { ...message(text), status: "incomplete" };
    const first = 4 + pieces.length;
    const ended = told(added);
    expect(ended.slice(0, 3)).toEqual([
      { type: "response.output_text.done", ...at, text, sequence_number: first },
      { type: "response.content_part.done", ...at, part, sequence_number: first + 1 },
      { type: "response.output_item.done", output_index: 0, item, sequence_number: first + 2 },
    ]);
    expect(ended[3]).toMatchObject({
      type: "response.incomplete",
      sequence_number: first + 3,
      response: {
        id: RESPONSE_ID,
        status: "incomplete",
        incomplete_details: { reason: "max_output_tokens" },
        output: [item],
        usage: { output_tokens: expect.any(Number) },
      },
    });
    expect(ended.length).toBe(4);
    expect(attempt).toMatchObject({ outcome: "hold_reached", estimated: true });
  });

  test("within a call keeps the items before it, and gives the arguments as far as they came", async () => {
    const call = functionCall("fc_1", "get_weather", "");
    const args = pieces.map((piece) => `"${piece}",`);
    const before = written(["Well."]);
    const text = events([
      ...begun(),
      ...before,
      ...called(call, args, 1).slice(0, 1 + args.length),
    ]);
    const { added } = await overrun(text);
    const ended = told(added);
    const cut = { ...call, status: "incomplete", arguments: args.join("") };
    expect(ended.map(({ type }) => type)).toEqual([
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.incomplete",
    ]);
    expect(ended[1]).toMatchObject({ output_index: 1, item: cut });
    expect(ended[2]).toMatchObject({ response: { output: [message("Well."), cut] } });
  });
});

test("an answer without usage is counted in what it holds", async () => {
  const pieces = ["One", " two", " three"];
  const text = events([...begun(), ...written(pieces), completed([message("x")], { usage: null })]);
  upstream.answer({ headers: EVENT_STREAM, pieces: [text] });
  expect((await through({ path: PATH, body: STREAMED })).text).toBe(text);
  expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 3_000, estimated: true });
  upstream.answer({
    pieces: [JSON.stringify(response([message("One two three")], { usage: null }))],
  });
  await through({ path: PATH, body: bodyWith({}) });
  expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 3_000, estimated: true });
});
