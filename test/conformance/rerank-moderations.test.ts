/**
 * Reranking and moderations: where they are asked for, what they cost, and what is refused.
 * Answers are shaped as Cohere's, Jina's and OpenAI's references say (2026-11).
 */
import { beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

/** 2 USD per thousand searches, and no price per token. */
const PRICE = { outputPicoUsd: 0, searchUnitPicoUsd: 2_000_000_000 };
const { through, upstream, tollgate, provider } = await conformanceStageForFile(
  "openai",
  "/v1",
  PRICE,
);
/** 0.02 USD per million tokens. */
await tollgate.addPrice(provider.id, "by-tokens", { inputPicoUsd: 20_000, outputPicoUsd: 0 });
for (const model of ["by-tokens", "omni-moderation-latest"]) {
  const target = { providerId: provider.id, model, weight: 1, priority: 0 };
  await tollgate.addRoute(model, [target]);
}
beforeEach(() => freshProvider(tollgate, provider));

const COHERE = JSON.stringify({
  id: "07734bd2-2473-4f07-94e1-0d9f0e6843cf",
  results: [
    { index: 1, relevance_score: 0.999071 },
    { index: 0, relevance_score: 0.32713068 },
  ],
  x_unknown: "🙂",
  meta: { api_version: { version: "2" }, billed_units: { search_units: 1 } },
});
const JINA = JSON.stringify({
  model: "jina-reranker-v2-base-multilingual",
  usage: { total_tokens: 815, prompt_tokens: 815 },
  results: [{ index: 0, document: { text: "Grüße" }, relevance_score: 0.87 }],
});

const body = (model: string): string =>
  `{"model" : "${model}","query":"Grüße","documents":["a",{"text":"b"}],"top_n":2,"x_unknown":1.50}`;

describe("reranking", () => {
  test.each(["/v1/rerank", "/v2/rerank"])(
    "is asked for at %s, as Cohere's clients do",
    async (path) => {
      upstream.answer({ pieces: [COHERE] });
      const { seen, status, text } = await through({ path, body: body(PUBLIC_MODEL) });
      expect([status, text]).toEqual([200, COHERE]);
      // The provider's own address says which of its versions is asked.
      expect(seen?.path).toBe("/v1/rerank");
    },
  );

  test("is paid by the searches that Cohere bills", async () => {
    upstream.answer({ pieces: [COHERE.replace('"search_units":1', '"search_units":3')] });
    const { headers } = await through({ path: "/v1/rerank", body: body(PUBLIC_MODEL) });
    expect(headers.get("x-tollgate-cost-usd")).toBe("0.006");
    expect(await lastAttempt(tollgate)).toMatchObject({
      heldNanoUsd: 2_000_000,
      amountNanoUsd: 6_000_000,
      estimated: false,
      details: { units: { search_units: 3 } },
    });
  });

  test("is paid by the tokens that Jina counts", async () => {
    upstream.answer({ pieces: [JINA] });
    await through({ path: "/v1/rerank", body: body("by-tokens") });
    expect(await lastAttempt(tollgate)).toMatchObject({
      amountNanoUsd: 16_300,
      estimated: false,
      inputTokens: 815,
      outputTokens: 0,
    });
  });

  test.each<readonly [model: string, answer: string, nanoUsd: number]>([
    // A third of the bytes, of which the query's count with each of two documents.
    ["by-tokens", COHERE, 20 * Math.ceil((Buffer.byteLength(body("by-tokens")) + 2 * 7) / 3)],
    [PUBLIC_MODEL, JINA.replace(/"usage":.*?\},/, ""), 2_000_000],
  ])("of %s without a count that has a price is estimated", async (model, answer, nanoUsd) => {
    upstream.answer({ pieces: [answer] });
    await through({ path: "/v1/rerank", body: body(model) });
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: nanoUsd, estimated: true });
  });

  test.each<readonly [what: string, query: number, documents: readonly number[], units: number]>([
    ["100 short ones", 10, Array(100).fill(400), 1],
    ["101 short ones", 10, Array(101).fill(400), 2],
    ["100 that count twice", 10, Array(100).fill(600), 2],
    ["10 long ones and a long query", 5_000, Array(10).fill(24_400), 10],
    ["none", 10, [], 1],
  ])("of %s is held for its searches", async (_what, query, lengths, units) => {
    upstream.answer({ pieces: [COHERE] });
    const documents = lengths.map((length) => "d".repeat(length));
    const asked = { model: PUBLIC_MODEL, query: "q".repeat(query), documents };
    await through({ path: "/v1/rerank", body: JSON.stringify(asked) });
    expect(await lastAttempt(tollgate)).toMatchObject({ heldNanoUsd: units * 2_000_000 });
  });

  test.each<readonly [body: string, message: string]>([
    [`{"model":"${PUBLIC_MODEL}","documents":[]}`, "Missing required parameter: 'query'."],
    [`{"model":"${PUBLIC_MODEL}","query":"a"}`, "Missing required parameter: 'documents'."],
    [`{"model":"${PUBLIC_MODEL}","query":"a","documents":"b"}`, "'documents' must be an array."],
  ])("of a body that cannot be one is refused: %s", async (wrong, message) => {
    const { status, text } = await through({ path: "/v1/rerank", body: wrong });
    expect([status, JSON.parse(text).error.message, upstream.seen.length]).toEqual([
      400,
      message,
      0,
    ]);
  });

  test("by another method is nothing, in the dialect's words", async () => {
    const answer = await fetch(`${tollgate.url}/v2/rerank`);
    expect([answer.status, await answer.json()]).toMatchObject([
      404,
      { error: { code: "not_found", message: "There is nothing at GET /v2/rerank." } },
    ]);
  });

  test("of an answer that is an error is told in the provider's words", async () => {
    const refused = '{"message":"invalid api token"}';
    upstream.answer({ status: 401, pieces: [refused] });
    const { status, text } = await through({ path: "/v1/rerank", body: body(PUBLIC_MODEL) });
    expect([status, text]).toEqual([401, refused]);
    expect(await lastAttempt(tollgate)).toMatchObject({ kind: "void", amountNanoUsd: 0 });
  });
});

describe("moderations", () => {
  const path = "/v1/moderations";
  const ANSWER = JSON.stringify({
    id: "modr-1",
    model: "omni-moderation-latest",
    results: [{ flagged: false, categories: { violence: false }, x_unknown: 1.5 }],
  });

  test("cost nothing and need no price", async () => {
    upstream.answer({ pieces: [ANSWER] });
    const asked = '{"input":[{"type":"text","text":"🙂"}],"model":"omni-moderation-latest"}';
    const { headers, status } = await through({ path, body: asked });
    expect([status, headers.get("x-tollgate-cost-usd")]).toEqual([200, "0.00"]);
    const attempt = await lastAttempt(tollgate);
    expect(attempt).toMatchObject({ heldNanoUsd: 0, amountNanoUsd: 0, postings: 1 });
    expect(JSON.parse(attempt?.price ?? "{}").source).toBe("free");
  });

  test("may leave the model out: then it is OpenAI's, by that name", async () => {
    upstream.answer({ pieces: [ANSWER] });
    const asked = '{ "input" : "hi" }';
    const { status, seen } = await through({ path, body: asked });
    expect([status, new TextDecoder().decode(seen?.body)]).toEqual([200, asked]);
    const target = { providerId: provider.id, model: "mine", weight: 1, priority: 0 };
    const other = await tollgate.addTenant();
    await tollgate.addRoute("omni-moderation-latest", [target], { tenantId: other.id });
    const { token } = await tollgate.addToken(other.id);
    const headers = { authorization: `Bearer ${token}` };
    const mine = await through({ path, headers, body: asked });
    expect(new TextDecoder().decode(mine.seen?.body)).toBe('{ "input" : "hi","model":"mine" }');
  });

  test("cost what their model's tokens cost, where those have a price", async () => {
    // As Mistral answers (API reference, 2026-11).
    const usage = { prompt_tokens: 101, completion_tokens: 0, total_tokens: 101 };
    upstream.answer({ pieces: [JSON.stringify({ id: "1", results: [], usage })] });
    await through({ path, body: '{"model":"by-tokens","input":"hi"}' });
    expect(await lastAttempt(tollgate)).toMatchObject({ amountNanoUsd: 2_020, estimated: false });
  });

  test("without an input are refused", async () => {
    const { status, text } = await through({ path, body: '{"model":"omni-moderation-latest"}' });
    expect([status, JSON.parse(text).error.param]).toEqual([400, "input"]);
  });
});
