/**
 * Companies who wrap a language: what they are sent is the client's request but for the documented splices,
 * and what clients get is what the language's own company would have sent, to the byte.
 */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { ProviderRow } from "../../src/store/contract.ts";
import { startTestGateway } from "../support/gateway.ts";
import {
  CACHED_STREAM,
  PLAIN_TEXT,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
} from "./anthropic-answers.ts";
import { chunkFrame, dataOf, exceptionFrame, FRAMES_TYPE } from "./frames.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { type Recorded, startRecordedUpstream } from "./recorded-upstream.ts";

const tollgate = await startTestGateway();
const upstream = await startRecordedUpstream();
afterAll(async () => {
  await tollgate.stop();
  await upstream.stop();
});
beforeEach(() => upstream.forget());
const { token } = await tollgate.addToken((await tollgate.addTenant()).id);

const MODEL = "anthropic.claude-sonnet-4-20250514-v1:0";
/** An access key of AWS, and a Google token that needs no account here. */
const KEY = JSON.stringify({ access_key_id: "AKIDEXAMPLE", secret_access_key: "aws-secret" });

async function addProvider(name: string, row: Partial<ProviderRow>): Promise<void> {
  const provider = await tollgate.addProvider({ name, baseUrl: upstream.url, ...row });
  const target = { providerId: provider.id, model: MODEL, weight: 1, priority: 0 };
  await tollgate.addPrice(provider.id, MODEL);
  await tollgate.addRoute(`on-${name}`, [target]);
}

await addProvider("bedrock", {
  dialect: "anthropic",
  credentialSealed: KEY,
  terms: { company: "bedrock", parameters: { region: "us-east-1" } },
});
await addProvider("vertex", {
  dialect: "anthropic",
  credentialSealed: "ya29.token",
  terms: { company: "vertex-anthropic", authentication: { kind: "bearer" } },
});
await addProvider("azure", {
  credentialSealed: "azure-key",
  terms: { company: "azure-deployments" },
});

type Asked = {
  readonly path: string;
  readonly body: string;
  readonly headers?: Record<string, string>;
};

async function ask({ path, body, headers }: Asked) {
  const answer = await fetch(`${tollgate.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body,
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const bodyFor = (name: string, members = ""): string =>
  `{"model" : "on-${name}", "max_tokens":64,\n${members}"messages":[{"role":"user","content":"Grüße"}],"x_unknown":1.50}`;

const sent = () => {
  const [seen] = upstream.seen;
  return { path: seen?.path, headers: seen?.headers, body: new TextDecoder().decode(seen?.body) };
};

const framed = (stream: string): Uint8Array<ArrayBuffer>[] => dataOf(stream).map(chunkFrame);

function inPieces(frames: readonly Uint8Array[], places: readonly number[]): Recorded {
  const bytes = new Uint8Array(Buffer.concat(frames));
  const cuts = [...new Set(places.map((place) => place % bytes.length))].toSorted((a, b) => a - b);
  const ends = [...cuts.filter((place) => place > 0), bytes.length];
  const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
  return { headers: FRAMES_TYPE, pieces };
}

describe("Claude on Bedrock", () => {
  test("is asked by InvokeModel: model in the path, version and betas in the body, signed", async () => {
    upstream.answer({ pieces: [PLAIN_TEXT] });
    const reply = await ask({
      path: "/v1/messages?beta=true",
      body: bodyFor("bedrock", '"stream":false,'),
      headers: {
        "anthropic-beta": "context-1m-2025-08-07, unknown-2027",
        "anthropic-version": "2023-06-01",
      },
    });
    expect([reply.status, reply.text]).toEqual([200, PLAIN_TEXT]);
    const { path, headers, body } = sent();
    expect(path).toBe(`/model/${encodeURIComponent(MODEL)}/invoke`);
    expect(body).toBe(
      '{ "max_tokens":64,\n"messages":[{"role":"user","content":"Grüße"}],"x_unknown":1.50,"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07","unknown-2027"]}',
    );
    expect(headers?.["authorization"]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/bedrock\/aws4_request, SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}$/,
    );
    expect(headers).not.toHaveProperty("anthropic-beta");
    expect(headers).not.toHaveProperty("anthropic-version");
    expect(await lastAttempt(tollgate)).toMatchObject({
      inputTokens: 25,
      outputTokens: 15,
      kind: "settle",
    });
  });

  test.each([
    ["text", TEXT_STREAM, [25, 15]],
    ["thinking and two tools", THINKING_TOOLS_STREAM, [2_472, 89]],
    ["a cache", CACHED_STREAM, [1_310, 3]],
  ] as const)(
    "streams %s as Anthropic's own events, whatever the chunks",
    async (_, stream, [input, output]) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(1_000_000), { maxLength: 30 }), async (places) => {
          upstream.forget();
          upstream.answer(inPieces(framed(stream), places));
          const reply = await ask({
            path: "/v1/messages",
            body: bodyFor("bedrock", '"stream":true,'),
          });
          expect([reply.status, reply.headers.get("content-type"), reply.text]).toEqual([
            200,
            "text/event-stream; charset=utf-8",
            stream,
          ]);
          expect(sent().path).toBe(
            `/model/${encodeURIComponent(MODEL)}/invoke-with-response-stream`,
          );
          expect(JSON.parse(sent().body)).not.toHaveProperty("stream");
        }),
        { numRuns: 12 },
      );
      expect(await lastAttempt(tollgate)).toMatchObject({
        inputTokens: input,
        outputTokens: output,
      });
    },
  );

  test("an exception after content is Anthropic's error event, and never a clean stop", async () => {
    const begun = framed(TEXT_STREAM).slice(0, 4);
    upstream.answer(
      inPieces([...begun, exceptionFrame("modelStreamErrorException", "Broke.")], []),
    );
    const { text } = await ask({
      path: "/v1/messages",
      body: bodyFor("bedrock", '"stream":true,'),
    });
    expect(dataOf(text).at(-1)).toBe(
      '{"type":"error","error":{"type":"api_error","message":"Broke."},"__type":"ModelStreamErrorException"}',
    );
    expect(text).not.toContain("message_stop");
  });

  test("an exception in place of content is told apart, and nothing is repeated for a bad request", async () => {
    upstream.answer(inPieces([exceptionFrame("validationException", "max_tokens: too large")], []));
    const asked = { path: "/v1/messages", body: bodyFor("bedrock", '"stream":true,') };
    const reply = await ask(asked);
    expect(reply.status).toBe(400);
    expect(reply.text).toContain("max_tokens: too large");
    expect(upstream.seen.length).toBe(1);
  });

  test.each([
    ["damaged", (bytes: Uint8Array) => bytes.with(40, (bytes[40] ?? 0) ^ 1)],
    ["cut off", (bytes: Uint8Array) => bytes.slice(0, -3)],
    ["of an endless length", () => new Uint8Array(16).fill(255)],
    ["around no event", () => chunkFrame("garbage")],
  ])("a stream with a frame that is %s breaks off, and is settled", async (_, spoil) => {
    const [first, second, third, fourth = new Uint8Array(0)] = framed(TEXT_STREAM);
    const frames = [first, second, third].flatMap((frame) => frame ?? []);
    upstream.answer(inPieces([...frames, framed(TEXT_STREAM)[3] ?? fourth, spoil(fourth)], []));
    const reply = await ask({ path: "/v1/messages", body: bodyFor("bedrock", '"stream":true,') });
    expect(reply.text).toContain('"type":"error"');
    expect(reply.text).not.toContain("message_stop");
    expect(await lastAttempt(tollgate)).toMatchObject({ postings: 1, estimated: true });
  });

  test("is not asked to count tokens, which InvokeModel cannot", async () => {
    const reply = await ask({ path: "/v1/messages/count_tokens", body: bodyFor("bedrock") });
    expect([reply.status, upstream.seen.length]).toEqual([404, 0]);
    expect(JSON.parse(reply.text)).toMatchObject({
      type: "error",
      error: { type: "not_found_error" },
    });
  });
});

describe("Claude on Vertex AI", () => {
  test("is asked by rawPredict, with the version where the model was", async () => {
    upstream.answer({ pieces: [PLAIN_TEXT] });
    const headers = { "anthropic-beta": "unknown-2027" };
    const reply = await ask({ path: "/v1/messages?beta=true", body: bodyFor("vertex"), headers });
    expect([reply.status, reply.text]).toEqual([200, PLAIN_TEXT]);
    expect(sent()).toMatchObject({
      path: `/models/${encodeURIComponent(MODEL)}:rawPredict`,
      headers: { authorization: "Bearer ya29.token", "anthropic-beta": "unknown-2027" },
      body: '{ "max_tokens":64,\n"messages":[{"role":"user","content":"Grüße"}],"x_unknown":1.50,"anthropic_version":"vertex-2023-10-16"}',
    });
  });

  test("streams by streamRawPredict, whose events are passed on as they are", async () => {
    upstream.answer({ headers: { "content-type": "text/event-stream" }, pieces: [TEXT_STREAM] });
    const reply = await ask({ path: "/v1/messages", body: bodyFor("vertex", '"stream":true,') });
    expect([reply.status, reply.text]).toEqual([200, TEXT_STREAM]);
    expect(sent().path).toBe(`/models/${encodeURIComponent(MODEL)}:streamRawPredict`);
    expect(JSON.parse(sent().body)).toMatchObject({ stream: true });
  });

  test("counts tokens by a model of that name, which is told the real one", async () => {
    upstream.answer({ pieces: ['{"input_tokens":14}'] });
    const body = '{"model":"on-vertex","messages":[{"role":"user","content":"hi"}]}';
    const reply = await ask({ path: "/v1/messages/count_tokens", body });
    expect([reply.status, reply.text]).toEqual([200, '{"input_tokens":14}']);
    expect(sent().path).toBe("/models/count-tokens:rawPredict");
    expect(JSON.parse(sent().body)).toEqual({
      model: MODEL,
      messages: [{ role: "user", content: "hi" }],
      anthropic_version: "vertex-2023-10-16",
    });
  });
});

test("Azure's deployments are in the path, with one version of the API whatever the client asks", async () => {
  const answer =
    '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
  upstream.answer({ pieces: [answer] });
  const reply = await ask({
    path: "/v1/chat/completions?api-version=2023-05-15&trace=1",
    body: bodyFor("azure"),
  });
  expect([reply.status, reply.text]).toEqual([200, answer]);
  expect(sent()).toMatchObject({
    path: `/deployments/${encodeURIComponent(MODEL)}/chat/completions?api-version=2024-10-21&trace=1`,
    headers: { "api-key": "azure-key" },
    body: bodyFor("azure").replace("on-azure", MODEL),
  });
  expect(sent().headers).not.toHaveProperty("authorization");
});

test("Gemini on Vertex AI is Google's own API below the project's address", async () => {
  const place = "/v1/projects/p/locations/l/publishers/google";
  await addProvider("gemini", {
    dialect: "google",
    baseUrl: `${upstream.url}${place}`,
    credentialSealed: "ya29.token",
    terms: { company: "vertex", authentication: { kind: "bearer" } },
  });
  const answer =
    '{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1,"totalTokenCount":4}}';
  upstream.answer({ pieces: [answer] });
  const body = '{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}';
  const reply = await ask({ path: "/v1beta/models/on-gemini:generateContent", body });
  expect([reply.status, reply.text]).toEqual([200, answer]);
  expect(sent()).toMatchObject({
    path: `${place}/models/${encodeURIComponent(MODEL)}:generateContent`,
    headers: { authorization: "Bearer ya29.token" },
    body,
  });
  const embedded = await ask({
    path: "/v1beta/models/on-gemini:embedContent",
    body: '{"content":{"parts":[]}}',
  });
  expect([embedded.status, upstream.seen.length]).toEqual([404, 1]);
});
