/** Gemini's embeddings and counts through Tollgate: the provider's answers, and what they cost. */
import { beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { freshProvider } from "../support/fresh-provider.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { cutAt, cutPlaces } from "./pieces.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const stage = await conformanceStageForFile("google", "/v1beta", { inputPicoUsd: 150_000 });
const { direct, provider, through, tollgate, upstream } = stage;

beforeEach(() => freshProvider(tollgate, provider));

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const content = '{"parts":[{"text":"one two three"}]}';

/** Answers as the API reference has them (ai.google.dev/api/embeddings and /tokens, 2026-11). */
const METHODS = {
  embedContent: {
    body: (model: string) => `{"model":"models/${model}", "content":${content},"x_unknown":1.50}`,
    answer: '{\n  "embedding": {"values": [0.013168523, -1.0e-2]},\n  "x_unknown": 1.0\n}\n',
  },
  batchEmbedContents: {
    body: (model: string) =>
      `{"requests" : [ {"model":"models/${model}","content":${content}} ,{"content":${content}}, {"model" : "${model}"}]}`,
    answer: '{"embeddings": [{"values": [0.10]}, {"values": [-0]}, {"values": []}]}',
  },
  countTokens: {
    body: (model: string) =>
      `{"generateContentRequest":{"model":"models/${model}","contents":[${content}]}}`,
    answer: '{"totalTokens": 4,"promptTokensDetails":[{"modality":"TEXT","tokenCount":4}]}',
  },
} as const;

const methods = Object.entries(METHODS);

const pathOf = (model: string, name: string): string => `/v1beta/models/${model}:${name}?x=1`;

test.each(methods)("%s: the same bytes in any pieces, with the model's name", async (name, how) => {
  await fc.assert(
    fc.asyncProperty(cutPlaces, async (places) => {
      upstream.answer({ pieces: cutAt(how.answer, places) });
      const past = await direct({
        path: pathOf(UPSTREAM_MODEL, name),
        body: how.body(UPSTREAM_MODEL),
      });
      const relayed = await through({
        path: pathOf(PUBLIC_MODEL, name),
        body: how.body(PUBLIC_MODEL),
      });
      expect([relayed.status, relayed.text]).toEqual([200, past.text]);
      expect(textOf(relayed.seen?.body)).toBe(textOf(past.seen?.body));
      expect(relayed.seen?.path).toBe(past.seen?.path ?? "");
    }),
    { numRuns: 10 },
  );
});

const ask = (name: keyof typeof METHODS, token = stage.token) =>
  through({
    path: `/v1/models/${PUBLIC_MODEL}:${name}`,
    headers: { "x-goog-api-key": token },
    body: METHODS[name].body(PUBLIC_MODEL),
  });

describe("what it costs", () => {
  test("an embedding costs the usage that was reported", async () => {
    const usageMetadata = { promptTokenCount: 100, promptTokensDetails: [] };
    upstream.answer({ pieces: [JSON.stringify({ embedding: { values: [1] }, usageMetadata })] });
    await ask("embedContent");
    expect(await lastAttempt(tollgate)).toMatchObject({
      inputTokens: 100,
      outputTokens: 0,
      amountNanoUsd: 15_000,
      estimated: false,
    });
  });

  test("one without usage costs the tokens of its contents, and of nothing beside them", async () => {
    upstream.answer({ pieces: [METHODS.batchEmbedContents.answer] });
    await ask("batchEmbedContents");
    const { inputTokens, outputTokens, estimated } = (await lastAttempt(tollgate)) ?? {};
    expect([inputTokens, outputTokens, estimated]).toEqual([6, 0, true]);
  });

  test("a count costs nothing, holds nothing and needs no price", async () => {
    const { row, token } = await tollgate.addToken(stage.tenantId);
    const scope = { scopeType: "token", scopeId: row.id, tenantId: stage.tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 1 });
    upstream.answer({ pieces: [METHODS.countTokens.answer] });
    const counted = await ask("countTokens", token);
    expect([counted.status, counted.headers.get("x-tollgate-cost-usd")]).toEqual([200, "0.00"]);
    const target = { providerId: provider.id, model: "unpriced", weight: 1, priority: 0 };
    await tollgate.addRoute("unpriced", [target]);
    const path = "/v1beta/models/unpriced:countTokens";
    expect((await through({ path, body: `{"contents":${content}}` })).status).toBe(200);
  });
});
