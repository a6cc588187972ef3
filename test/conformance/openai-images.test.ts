/**
 * Pictures, plain and streamed: what they cost, how they end, and what is refused. Answers are shaped as
 * the types of openai-node 7.55 say (2026-11), dall-e-3's as of 2024.
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

/** gpt-image-1.5's: 5 USD per million for text in, 8 for pictures in, 10 for text out, 32 for pictures out. */
const BY_TOKENS = {
  inputPicoUsd: 5_000_000,
  outputPicoUsd: 10_000_000,
  imageInputPicoUsd: 8_000_000,
  imageOutputPicoUsd: 32_000_000,
};
const stage = await conformanceStageForFile("openai", "/v1", BY_TOKENS);
const { through, upstream, tollgate, provider } = stage;
/** 0.04 USD a picture. */
const PER_IMAGE = "per-image";
await tollgate.addPrice(provider.id, PER_IMAGE, {
  outputPicoUsd: 0,
  imagePicoUsd: 40_000_000_000,
});
await tollgate.addRoute(PER_IMAGE, [
  { providerId: provider.id, model: PER_IMAGE, weight: 1, priority: 0 },
]);
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/images/generations";
const SSE = { "content-type": "text/event-stream; charset=utf-8" };
const body = (model: string, more = ""): string =>
  `{"model" : "${model}","prompt":"Ein Leuchtturm im Nebel 🙂"${more},"x_unknown":1.50}`;

const USAGE = {
  total_tokens: 1_100,
  input_tokens: 44,
  output_tokens: 1_056,
  input_tokens_details: { text_tokens: 40, image_tokens: 4 },
};
const PICTURE = Buffer.alloc(90_000, "picture").toString("base64");
const ANSWER = JSON.stringify({
  created: 1_763_631_000,
  x_unknown: [1, null],
  data: [
    { b64_json: PICTURE, revised_prompt: 'a {"b64_json": [lighthouse]}' },
    { b64_json: "AA==" },
  ],
  usage: USAGE,
});
const URLS = JSON.stringify({
  created: 1_763_631_000,
  data: [{ url: "https://images.example/1.png", revised_prompt: "x" }, { url: "https://y" }],
});

const event = (told: { readonly type: string }): string =>
  `event: ${told.type}\ndata: ${JSON.stringify(told)}\n\n`;
const partial = {
  type: "image_generation.partial_image",
  b64_json: PICTURE,
  partial_image_index: 0,
};
const completed = { type: "image_generation.completed", b64_json: PICTURE, usage: USAGE };
const STREAM = event(partial) + event({ type: "image_generation.unknown" }) + event(completed);

/** 40 × 5,000 + 4 × 8,000 + 1,056 × 32,000 nano-dollars. */
const COST = 34_024_000;

describe("plain", () => {
  test("is paid by the tokens that are reported, where they have a price", async () => {
    upstream.answer({ pieces: [ANSWER] });
    const { headers } = await through({ path, body: body(PUBLIC_MODEL, ',"n":2') });
    expect(headers.get("x-tollgate-cost-usd")).toBe("0.034024");
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: COST,
      estimated: false,
      inputTokens: 44,
      outputTokens: 1_056,
      details: { imageInputTokens: 4, imageOutputTokens: 1_056, units: { images: 2 } },
    });
  });

  test("is paid by the pictures that came, where those have a price", async () => {
    upstream.answer({ pieces: [URLS] });
    await through({ path, body: body(PER_IMAGE, ',"n":3') });
    expect(await lastAttempt(tollgate)).toMatchObject({
      heldNanoUsd: 120_000_000,
      amountNanoUsd: 80_000_000,
      estimated: false,
      details: { units: { images: 2 } },
    });
  });

  test.each([
    [
      "by those that were asked for, where none of them can be told",
      '[{"image":"aGk="}]',
      120_000_000,
    ],
    ["by nothing, where there is none", "[ ]", 0],
  ])("is paid %s", async (_how, data, amountNanoUsd) => {
    upstream.answer({ pieces: [`{"created":1,"data":${data}}`] });
    await through({ path, body: body(PER_IMAGE, ',"n":3') });
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd, outcome: "ok" });
  });

  test("is estimated where it has a price by tokens and reports none", async () => {
    upstream.answer({ pieces: [URLS] });
    await through({ path, body: body(PUBLIC_MODEL, ',"n":2') });
    // 2 × 6,240 tokens of pictures are taken for output, and a third of the body's bytes for input.
    expect(await lastAttempt(tollgate)).toMatchObject({ estimated: true, outputTokens: 12_480 });
  });

  test("an error in place of an answer, and one before it, come in the provider's words", async () => {
    const error = { message: "Your request was rejected.", type: "image_generation_user_error" };
    const refused = JSON.stringify({
      error: { ...error, code: "moderation_blocked", param: null },
    });
    upstream.answer({ status: 400, pieces: [refused] });
    const { status, text } = await through({ path, body: body(PER_IMAGE) });
    expect([status, text, upstream.seen.length]).toEqual([400, refused, 1]);
    // Nobody bills a picture that was not made.
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 0,
      outcome: "content_filtered",
    });
  });
});

describe("streamed", () => {
  const asked = ',"stream":true,"partial_images":1';

  test("is paid by the tokens that its last event reports", async () => {
    upstream.answer({ headers: SSE, pieces: [STREAM] });
    await through({ path, body: body(PUBLIC_MODEL, asked) });
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: COST,
      estimated: false,
      outcome: "ok",
      details: { units: { images: 1 } },
    });
  });

  test("passes on a picture that is longer than an event of any other surface", async () => {
    const large = { ...completed, b64_json: "A".repeat(6 * 1024 * 1024) };
    upstream.answer({ headers: SSE, pieces: [event(large)] });
    const { text } = await through({ path, body: body(PER_IMAGE, asked) });
    expect(text).toBe(event(large));
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 40_000_000, outcome: "ok" });
  });

  test("that ends before its picture is told ends with an error event", async () => {
    upstream.answer({ headers: SSE, pieces: [event(partial)] });
    const { text } = await through({ path, body: body(PER_IMAGE, asked) });
    expect(text.startsWith(event(partial))).toBe(true);
    expect(text).toContain('"code":"upstream_error"');
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 40_000_000,
      estimated: true,
      outcome: "cut",
    });
  });

  test("an error event within it is the provider's own, and the last", async () => {
    const failed = 'event: error\ndata: {"type":"error","error":{"message":"no"}}\n\n';
    upstream.answer({ headers: SSE, pieces: [event(partial), failed] });
    const { text } = await through({ path, body: body(PER_IMAGE, asked) });
    expect(text).toBe(event(partial) + failed);
    expect(await lastAttempt(tollgate)).toMatchObject({ outcome: "error_event", estimated: true });
  });
});

test.each<readonly [more: string, tokens: number]>([
  ["", 32_768 + 300],
  [',"quality":"low"', 16_384 + 300],
  [',"n":10,"quality":"high"', 10 * (16_384 + 300)],
  [',"quality":"max","output_format":"gif","frame_count":3', 3 * 32_768 + 300],
])("what is held grows with number and fineness: %s is %d tokens", async (more, tokens) => {
  upstream.answer({ pieces: [URLS] });
  await through({ path, body: body(PUBLIC_MODEL, more) });
  const input = Buffer.byteLength(body(PUBLIC_MODEL, more)) * 5_000;
  expect((await lastAttempt(tollgate))?.heldNanoUsd).toBe(tokens * 32_000 + input);
});

test.each<readonly [body: string, message: string]>([
  [`{"model":"${PUBLIC_MODEL}"}`, "Missing required parameter: 'prompt'."],
  [body(PUBLIC_MODEL, ',"n":0'), "'n' must be an integer from 1 to 128."],
  [body(PUBLIC_MODEL, ',"n":"2"'), "'n' must be an integer from 1 to 128."],
  [body(PUBLIC_MODEL, ',"n":1,"n":9'), "'n' is given more than once."],
  [body(PUBLIC_MODEL, ',"stream":1'), "'stream' must be a boolean."],
  [body(PUBLIC_MODEL, ',"partial_images":4'), "'partial_images' must be an integer from 0 to 3."],
])("a body that cannot be one is refused: %s", async (wrong, message) => {
  const { status, text } = await through({ path, body: wrong });
  expect([status, JSON.parse(text).error.message, upstream.seen.length]).toEqual([400, message, 0]);
});
