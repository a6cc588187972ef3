/**
 * Text completions: how they are counted, how their streams end, and what of a body is refused. Answers are
 * shaped as the types of openai-node 7.55 say (2026-11).
 */
import { beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { freshProvider } from "../support/fresh-provider.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { cutAt, cutPlaces } from "./pieces.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

/** A nano-dollar a token in, two out. */
const PRICE = { inputPicoUsd: 1_000, outputPicoUsd: 2_000, outputTokensMax: 100 };
const stage = await conformanceStageForFile("openai", "/v1", PRICE);
const { through, upstream, tollgate, provider, tenantId } = stage;
beforeEach(() => freshProvider(tollgate, provider));

const path = "/v1/completions";
const SSE = { "content-type": "text/event-stream; charset=utf-8" };
const body = (model: string, more = ""): string =>
  `{"model" : "${model}","prompt":"def grüße(","suffix":"return x"${more},"x_unknown":1.50}`;

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const ANSWER = JSON.stringify({
  id: "cmpl-1",
  object: "text_completion",
  created: 1_763_631_000,
  model: UPSTREAM_MODEL,
  choices: [
    {
      text: "Grüße 🙂",
      index: 0,
      logprobs: { tokens: ["text", ":"], text_offset: [0, 4], token_logprobs: [-0.1, null] },
      finish_reason: "stop",
    },
  ],
  x_unknown: [1, null],
  usage: USAGE,
});

const chunk = (choices: readonly object[], more: object = {}): string =>
  `data: ${JSON.stringify({ id: "cmpl-1", object: "text_completion", choices, ...more })}\n\n`;
const text = (of: string, index = 0): string =>
  chunk([{ text: of, index, logprobs: null, finish_reason: null }]);
const finish = (index = 0, reason = "stop"): string =>
  chunk([{ text: "", index, logprobs: null, finish_reason: reason }]);
const usageChunk = chunk([], { usage: USAGE });
const DONE = "data: [DONE]\n\n";
const STREAM = text("Grüße ") + text("🙂") + ": comment\n\n" + finish();

describe("plain", () => {
  test("without usage is counted by its text alone, and flagged", async () => {
    const { usage: _, ...silent } = JSON.parse(ANSWER);
    upstream.answer({ pieces: [JSON.stringify(silent)] });
    await through({ path, body: body(PUBLIC_MODEL) });
    // "Grüße 🙂" in the tokens of o200k_base; neither of the tokens that log probabilities list.
    expect(await lastAttempt(tollgate)).toMatchObject({ estimated: true, outputTokens: 4 });
  });
});

describe("streamed", () => {
  const asked = ',"stream":true';

  test("comes without the usage that its client did not ask for, and the provider was", async () => {
    await fc.assert(
      fc.asyncProperty(cutPlaces, async (places) => {
        upstream.answer({ headers: SSE, pieces: cutAt(STREAM + usageChunk + DONE, places) });
        const { seen, text: told } = await through({ path, body: body(PUBLIC_MODEL, asked) });
        expect(told).toBe(STREAM + DONE);
        const { stream_options: options } = JSON.parse(new TextDecoder().decode(seen?.body));
        expect(options).toEqual({ include_usage: true });
      }),
      { numRuns: 10 },
    );
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 15, estimated: false });
  });

  test("that ends without its terminator ends with an error event, and costs what came", async () => {
    upstream.answer({ headers: SSE, pieces: [text("one"), text(" two")] });
    const relayed = await through({ path, body: body(PUBLIC_MODEL, asked) });
    expect(relayed.text.startsWith(text("one") + text(" two"))).toBe(true);
    expect(relayed.text).toContain('"code":"upstream_error"');
    const attempt = await lastAttempt(tollgate);
    expect(attempt).toMatchObject({ estimated: true, outcome: "cut", outputTokens: 2 });
  });

  test("that fails before its text is repeated or told, and never as an answer", async () => {
    const error = '{"error":{"message":"overloaded","type":"server_error"}}';
    upstream.answer({ headers: SSE, pieces: [`data: ${error}\n\n`] });
    const { status } = await through({ path, body: body(PUBLIC_MODEL, asked) });
    expect(status).toBeGreaterThanOrEqual(500);
  });

  test("that costs more than its hold is ended as by its own limit", async () => {
    const small = await tollgate.addToken(tenantId);
    const scope = { scopeType: "token", scopeId: small.row.id, tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000, onHoldReached: "stop" });
    const words = Array.from({ length: 60 }, (_, index) => text(` word${index}`));
    // Its end must not come in the same read: then it is complete, and costs what it costs.
    upstream.answer({ headers: SSE, pieces: words, end: "hang" });
    const relayed = await through({
      path,
      headers: { authorization: `Bearer ${small.token}` },
      body: body(PUBLIC_MODEL, `${asked},"max_tokens":10`),
    });
    expect(relayed.text).toContain(": x-tollgate-stopped: hold_reached\n\n");
    const last = relayed.text.split("\n\n").at(-3) ?? "";
    expect(JSON.parse(last.slice("data: ".length)).choices).toEqual([
      { index: 0, text: "", logprobs: null, finish_reason: "length" },
    ]);
    expect(relayed.text.endsWith(DONE)).toBe(true);
  });
});

/** What is held for a request of this body; its tokens in are its bytes at most. */
async function heldOutput(more: string, prompt = '"hi"'): Promise<number> {
  const asked = (model: string): string => `{"model":"${model}","prompt":${prompt}${more}}`;
  upstream.answer({ pieces: [ANSWER] });
  await through({ path, body: asked(PUBLIC_MODEL) });
  const attempt = await lastAttempt(tollgate);
  return (attempt?.heldNanoUsd ?? Number.NaN) - Buffer.byteLength(asked(PUBLIC_MODEL));
}

test.each<readonly [more: string, prompt: string, tokens: number]>([
  ["", '"hi"', 100],
  [',"max_tokens":7', '"hi"', 7],
  [',"max_tokens":7,"n":3', '"hi"', 21],
  [',"max_tokens":7,"n":2,"best_of":5', '"hi"', 35],
  [',"max_tokens":7,"n":2', '["a","b","c"]', 42],
  [',"max_tokens":7', "[1,2,3]", 7],
  [',"max_tokens":7', "[[1,2],[3]]", 14],
  [',"max_tokens":0,"echo":true,"logprobs":1', '"hi"', 0],
])("%s of %s is held for %d tokens", async (more, prompt, tokens) => {
  expect(await heldOutput(more, prompt)).toBe(2 * tokens);
});

test.each<readonly [body: string, message: string]>([
  [`{"model":"${PUBLIC_MODEL}"}`, "Missing required parameter: 'prompt'."],
  [body(PUBLIC_MODEL, ',"n":129'), "'n' must be an integer from 1 to 128."],
  [body(PUBLIC_MODEL, ',"best_of":0'), "'best_of' must be an integer from 1 to 128."],
  [body(PUBLIC_MODEL, ',"max_tokens":-1'), "'max_tokens' must be an integer from 0 to 2147483647."],
  [body(PUBLIC_MODEL, ',"best_of":1,"best_of":9'), "'best_of' is given more than once."],
  [
    `{"model":"${PUBLIC_MODEL}","prompt":${JSON.stringify(Array(2_049).fill("a"))}}`,
    "'prompt' must not hold more than 2048 prompts.",
  ],
])("a body that cannot be one is refused: %.60s", async (wrong, message) => {
  const { status, text: told } = await through({ path, body: wrong });
  expect([status, JSON.parse(told).error.message, upstream.seen.length]).toEqual([400, message, 0]);
});
