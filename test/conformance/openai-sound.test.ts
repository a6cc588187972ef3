/**
 * Transcriptions and translations: forms that lie in spools, what their answers cost, how streams end, and
 * what is refused. Answers are shaped as the types of openai-node 7.55 say (2026-11).
 */
import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { until } from "../support/until.ts";
import { BOUNDARY, cutAt, FORM_HEADERS, formBytes, inPieces, type Part } from "./multipart.ts";
import type { Recorded } from "./recorded-upstream.ts";
import { type Answered, conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

/** A nano-dollar a token. */
const PRICE = { inputPicoUsd: 1_000, outputPicoUsd: 1_000 };
const { direct, through, upstream, tollgate, tenantId, token, provider } =
  await conformanceStageForFile("openai", "/v1", PRICE);
await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/audio/transcriptions";

const sound = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 9)) % 256);

const form = (model: string, more: readonly Part[] = [], bytes = 3_000) =>
  formBytes([["file", sound(bytes)], ["x_unknown", "1.50 Grüße"], ["model", model], ...more]);

const NOTHING = new Uint8Array(0);

const TOKENS = { type: "tokens", input_tokens: 14, output_tokens: 45, total_tokens: 59 };
const JSON_ANSWER = JSON.stringify({
  text: "Grüße 🙂 …",
  x_unknown: [1, null],
  usage: { ...TOKENS, input_token_details: { text_tokens: 0, audio_tokens: 14 } },
});

const event = (told: object): string => `data: ${JSON.stringify(told)}\n\n`;
const STREAM =
  event({ type: "transcript.text.delta", delta: "Grüße ", logprobs: [] }) +
  event({ type: "x.unknown", of: "🙂" }) +
  event({ type: "transcript.text.segment", id: "seg_1", speaker: "A", text: "🙂" }) +
  event({ type: "transcript.text.delta", delta: "🙂" }) +
  event({ type: "transcript.text.done", text: "Grüße 🙂", usage: TOKENS });
const SSE = { "content-type": "text/event-stream; charset=utf-8" };

/** What the tenant's budget has posted, when nothing is held any more. */
async function postedNanoUsd(): Promise<number> {
  await until(async () => (await budgets())[0]?.heldNanoUsd === 0);
  return (await budgets())[0]?.postedNanoUsd ?? Number.NaN;
}

function budgets() {
  return tollgate.gateway.directory.budgetStates(tenantId);
}

/** What `run` cost. */
async function costOf(run: () => Promise<unknown>): Promise<number> {
  const before = await postedNanoUsd();
  await run();
  return (await postedNanoUsd()) - before;
}

describe("a form", () => {
  test("that lies in a spool is sent with its length, and again to the byte after a failure", async () => {
    const failures = [
      { status: 500, pieces: ["{}"] },
      { status: 503, pieces: ["{}"] },
    ];
    upstream.answer(() => failures.shift() ?? { pieces: [JSON_ANSWER] });
    const body = inPieces(cutAt(form(PUBLIC_MODEL, [], 2_000_000), [1_000_000]));
    const relayed = await through({ path, headers: FORM_HEADERS, body });
    const whole = form(UPSTREAM_MODEL, [], 2_000_000);
    expect(relayed.text).toBe(JSON_ANSWER);
    expect(upstream.seen).toHaveLength(3);
    for (const seen of upstream.seen) {
      expect(Buffer.compare(seen.body, whole)).toBe(0);
      expect(seen.headers["content-length"]).toBe(String(whole.length));
      expect(seen.headers["transfer-encoding"]).toBeUndefined();
    }
    expect(tollgate.gateway.spools.takenBytes).toBe(0);
  });

  test("has its model before the file as well as behind it", async () => {
    upstream.answer({ pieces: [JSON_ANSWER] });
    const file: Part = ["file", sound(2_000_000)];
    const body = formBytes([["model", PUBLIC_MODEL], file]);
    const relayed = await through({ path, headers: FORM_HEADERS, body });
    const sent = formBytes([["model", UPSTREAM_MODEL], file]);
    expect(Buffer.compare(relayed.seen?.body ?? NOTHING, sent)).toBe(0);
  });

  test("that goes to a refusing provider costs nothing, and the refusal comes back as it is", async () => {
    const refusal =
      '{"error":{"message":"Unsupported file format f.bin","type":"invalid_request_error"}}';
    upstream.answer({ status: 400, pieces: [refusal] });
    const cost = await costOf(async () => {
      const body = form(PUBLIC_MODEL, [], 2_000_000);
      const { status, text } = await through({ path, headers: FORM_HEADERS, body });
      expect([status, text, upstream.seen.length]).toEqual([400, refusal, 1]);
    });
    expect(cost).toBe(0);
  });
});

function askWith(more: readonly Part[] = []): Promise<Answered> {
  return through({ path, headers: FORM_HEADERS, body: form(PUBLIC_MODEL, more) });
}

describe("what an answer cost", () => {
  test("is what its usage says, plain and streamed", async () => {
    upstream.answer({ pieces: [JSON_ANSWER] });
    expect(await costOf(() => askWith())).toBe(59);
    upstream.answer({ headers: SSE, pieces: [STREAM] });
    expect(await costOf(() => askWith([["stream", "true"]]))).toBe(59);
  });

  test("is a stream's also where the model cannot stream, and a client asked for it", async () => {
    upstream.answer({ pieces: [JSON_ANSWER] });
    expect(await costOf(() => askWith([["stream", "true"]]))).toBe(59);
  });

  test.each([
    ["text/plain", "Grüße 🙂\n"],
    ["application/x-subrip", "1\n00:00:00,000 --> 00:00:01,000\nGrüße\n"],
    ["text/vtt", "WEBVTT\n\n00:00.000 --> 00:01.000\n{Grüße}\n"],
  ])("of %s, which tells no usage, is estimated and never nothing", async (type, text) => {
    upstream.answer({ headers: { "content-type": type }, pieces: [text] });
    const cost = await costOf(async () => {
      const relayed = await askWith([["response_format", "text"]]);
      expect([relayed.text, relayed.headers.get("content-type")]).toEqual([text, type]);
    });
    expect(cost).toBeGreaterThan(0);
  });
});

function streamed(recorded: Recorded): Promise<Answered> {
  upstream.answer({ headers: SSE, ...recorded });
  return askWith([["stream", "true"]]);
}

describe("a stream", () => {
  const first = event({ type: "transcript.text.delta", delta: "Grüße " });

  test("that breaks off ends in an error, and is charged", async () => {
    const cost = await costOf(async () => {
      const { text } = await streamed({ pieces: [first], end: "cut" });
      expect(text).toContain('"code":"upstream_error"');
    });
    expect(cost).toBeGreaterThan(0);
  });

  test("that ends without its last event is no complete answer", async () => {
    const { text } = await streamed({ pieces: [first] });
    expect(text.slice(first.length)).toContain('"code":"upstream_error"');
  });

  test("whose provider fails within it has the provider's own error", async () => {
    const failure = event({ error: { message: "overloaded", type: "server_error" } });
    const { text } = await streamed({ pieces: [first, failure] });
    expect(text).toBe(first + failure);
  });

  test("whose client leaves is closed at the provider, and charged", async () => {
    upstream.answer({ headers: SSE, pieces: [first], end: "hang" });
    const cost = await costOf(async () => {
      const leaving = new AbortController();
      const answer = await fetch(`${tollgate.url}${path}`, {
        method: "POST",
        headers: { ...FORM_HEADERS, authorization: `Bearer ${token}` },
        body: form(PUBLIC_MODEL, [["stream", "true"]], 2_000_000),
        signal: leaving.signal,
      });
      await answer.body?.getReader().read();
      leaving.abort();
      await upstream.quiet();
    });
    expect(cost).toBeGreaterThan(0);
    expect(tollgate.gateway.spools.takenBytes).toBe(0);
  });
});

type Refused = [what: string, body: string | Uint8Array<ArrayBuffer>, error: object];

describe("refused before any provider sees it is", () => {
  const file: Part = ["file", sound(100)];
  const cases: Refused[] = [
    ["no form at all", "{}", { code: "invalid_request", param: null }],
    ["a form without a model", formBytes([file]), { code: "invalid_request", param: "model" }],
    [
      "a model given twice",
      formBytes([["model", PUBLIC_MODEL], file, ["model", "dearer"]]),
      { code: "invalid_request", param: "model", message: "'model' is given more than once." },
    ],
    ...["model[]", "model[0]"].map((name): Refused => [
      `a model beside, named ${name}`,
      formBytes([["model", PUBLIC_MODEL], file, [name, "dearer"]]),
      { code: "invalid_request", param: "model", message: "'model' must not be a list." },
    ]),
    [
      "a form that breaks off",
      form(PUBLIC_MODEL).subarray(0, -4),
      { code: "invalid_request", param: null },
    ],
    [
      "an unknown model",
      formBytes([["model", "nobody's"], file]),
      { code: "model_not_found", param: "model" },
    ],
  ];

  test.each(cases)("%s", async (_what, body, error) => {
    const headers = typeof body === "string" ? {} : FORM_HEADERS;
    const { text, status } = await through({ path, headers, body });
    expect(JSON.parse(text)).toEqual({ error: expect.objectContaining(error) });
    expect([status >= 400, upstream.seen.length]).toEqual([true, 0]);
  });
});

function askOnce(bytes: Uint8Array<ArrayBuffer>, boundary: string): Promise<Answered> {
  const text = Buffer.from(bytes).toString("latin1").replaceAll(BOUNDARY, boundary);
  const headers = {
    "content-type": `multipart/form-data; boundary=${boundary}`,
    "idempotency-key": "one-form",
  };
  return through({ path, headers, body: new Uint8Array(Buffer.from(text, "latin1")) });
}

test("one idempotency key stands for one form, whatever its boundary, and not for another", async () => {
  upstream.answer({ pieces: [JSON_ANSWER] });
  const one = await askOnce(form(PUBLIC_MODEL), "first");
  const other = await askOnce(form(PUBLIC_MODEL), "second-boundary");
  expect([other.text, other.headers.get("x-tollgate-idempotency")]).toEqual([one.text, "replayed"]);
  const changed = await askOnce(form(PUBLIC_MODEL, [["language", "de"]]), "third");
  expect([changed.status, upstream.seen.length]).toEqual([422, 1]);
});

test("a translation is a form like a transcription, and is never streamed", async () => {
  upstream.answer({ pieces: ['{"text":"Hello."}'] });
  const asking = { path: "/v1/audio/translations", headers: FORM_HEADERS };
  const streams: Part[] = [["stream", "true"]];
  const past = await direct({ ...asking, body: form(UPSTREAM_MODEL, streams) });
  const relayed = await through({ ...asking, body: form(PUBLIC_MODEL, streams) });
  expect([relayed.text, relayed.seen?.path]).toEqual([past.text, "/v1/audio/translations"]);
  expect(Buffer.compare(relayed.seen?.body ?? NOTHING, past.seen?.body ?? NOTHING)).toBe(0);
});

describe("sound that is paid by the second", () => {
  const WHISPER = "whisper-1";
  const model = `recorded/${WHISPER}`;

  beforeAll(async () => {
    // OpenAI's 0.006 dollars a minute.
    const prices = { inputPicoUsd: 0, outputPicoUsd: 0, audioSecondPicoUsd: 100_000_000 };
    await tollgate.addPrice(provider.id, WHISPER, prices);
  });

  test.each([
    ["its usage", { text: "a", usage: { type: "duration", seconds: 9 }, duration: 8.47 }, 9],
    ["the length of a verbose answer", { text: "a", task: "transcribe", duration: 8.47 }, 9],
    ["that length as a text", { text: "a", duration: "8.0" }, 8],
    ["500 bytes a second, where nothing is told", { text: "a" }, 12],
    ["the same where what is told can be no length", { text: "a", duration: -1 }, 12],
  ])("costs by %s", async (_what, answer, seconds) => {
    upstream.answer({ pieces: [JSON.stringify(answer)] });
    const body = form(model, [], 6_000);
    const cost = await costOf(() => through({ path, headers: FORM_HEADERS, body }));
    expect(cost).toBe(seconds * 100_000);
  });

  test("is held at its worst case, and refused by a budget that has not so much", async () => {
    const poor = await tollgate.addToken(tenantId);
    const scope = { scopeType: "token", scopeId: poor.row.id, tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 1_999_999 });
    upstream.answer({ pieces: ['{"text":"a"}'] });
    const headers = { ...FORM_HEADERS, authorization: `Bearer ${poor.token}` };
    const refused = await through({ path, headers, body: form(model, [], 10_000) });
    expect([refused.status, upstream.seen.length]).toEqual([429, 0]);
    const taken = await through({ path, headers, body: form(model, [], 6_000) });
    expect([taken.status, upstream.seen.length]).toEqual([200, 1]);
  });

  describe("at a company that bills ten seconds at least", () => {
    const groq = `groq/${WHISPER}`;

    beforeAll(async () => {
      const { baseUrl, credentialSealed } = provider;
      const row = { name: "groq", baseUrl, credentialSealed, terms: { company: "groq" } };
      const { id } = await tollgate.addProvider(row);
      const prices = { inputPicoUsd: 0, outputPicoUsd: 0, audioSecondPicoUsd: 100_000_000 };
      await tollgate.addPrice(id, WHISPER, prices);
    });

    test.each([
      ["a shorter length", { text: "a", duration: 2.31 }, 10],
      ["a longer one", { text: "a", duration: 12.5 }, 13],
      ["none, of a short file", { text: "a" }, 10],
    ])("is charged so where it tells %s", async (_what, answer, seconds) => {
      upstream.answer({ pieces: [JSON.stringify(answer)] });
      const body = form(groq, [], 1_000);
      const cost = await costOf(() => through({ path, headers: FORM_HEADERS, body }));
      expect(cost).toBe(seconds * 100_000);
    });

    test("is held so", async () => {
      const poor = await tollgate.addToken(tenantId);
      const scope = { scopeType: "token", scopeId: poor.row.id, tenantId } as const;
      await tollgate.addBudget({ ...scope, amountNanoUsd: 999_999 });
      const headers = { ...FORM_HEADERS, authorization: `Bearer ${poor.token}` };
      const refused = await through({ path, headers, body: form(groq, [], 1_000) });
      expect([refused.status, upstream.seen.length]).toEqual([429, 0]);
      upstream.answer({ pieces: ['{"text":"a"}'] });
      const elsewhere = await through({ path, headers, body: form(model, [], 1_000) });
      expect(elsewhere.status).toBe(200);
    });
  });

  /** Headers of files that claim to hold, or do hold, more time than anybody has. */
  const flac = Buffer.alloc(42, 0xff);
  flac.write("fLaC", "latin1");
  // One sample a second, and 2^36 - 1 of them.
  flac.writeUInt32BE(0x0000_1fff, 18);
  const wav = Buffer.from("RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0", "latin1");

  test.each([
    ["FLAC as long as can be said", "f.flac", flac],
    ["WAV whose rate is 0", "f.wav", Buffer.concat([wav, Buffer.alloc(1_000_000)])],
    ["WAV of nothing but ones", "f.wav", Buffer.concat([wav, Buffer.alloc(1_000_000, 0xff)])],
    ["WAV that is cut off in its format", "f.wav", wav],
  ])("is refused by no error of ours, and overdraws nothing: %s", async (_what, filename, head) => {
    const whole = formBytes([
      ["file", new Uint8Array(head)],
      ["model", model],
    ]);
    const named = Buffer.from(whole)
      .toString("latin1")
      .replace(/filename="[^"]*"/, `filename="${filename}"`);
    const body = new Uint8Array(Buffer.from(named, "latin1"));
    upstream.answer({ pieces: ['{"text":"a"}'] });
    const bounded = await tollgate.addToken(tenantId);
    const scope = { scopeType: "token", scopeId: bounded.row.id, tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 9_999 });
    const headers = { ...FORM_HEADERS, authorization: `Bearer ${bounded.token}` };
    const refused = await through({ path, headers, body });
    expect([refused.status, upstream.seen.length]).toEqual([429, 0]);
    expect(refused.text).toContain('"code":"budget_exceeded"');
  });
});
