/** Gemini's plain answers: whatever they hold arrives as it is and is counted, and no credential goes with it. */
import { beforeEach, describe, expect, test } from "bun:test";
import { freshProvider } from "../support/fresh-provider.ts";
import { BLOCKED, response, type Shape, STOP, TEXT, TOOLS, UNAVAILABLE } from "./google-answers.ts";
import { lastAttempt } from "./ledger-rows.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const PRICES = { inputPicoUsd: 300_000, outputPicoUsd: 2_500_000, cachedInputPicoUsd: 75_000 };
const stage = await conformanceStageForFile("google", "/v1beta", PRICES);
const { direct, provider, through, tollgate, upstream } = stage;

beforeEach(() => freshProvider(tollgate, provider));

const HI = '{"contents" : [{"parts":[{"text":"hi"}]}],"x_unknown":1.50}';
const DIRECT = `/v1beta/models/${UPSTREAM_MODEL}:generateContent`;
const PUBLIC = `/v1beta/models/${PUBLIC_MODEL}:generateContent`;

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** The same question both ways, and whether answers and requests are the same to the byte. */
async function bothWays(body: string, answer: Shape | string) {
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  upstream.answer({ pieces: [text] });
  const past = await direct({ path: DIRECT, body });
  const relayed = await through({ path: PUBLIC, body });
  expect([relayed.status, relayed.text]).toEqual([past.status, past.text]);
  expect(relayed.seen?.path).toBe(past.seen?.path ?? "");
  expect(textOf(relayed.seen?.body)).toBe(body);
  return relayed;
}

describe("an answer arrives as it is", () => {
  const image = { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" } };
  const schema = { type: "OBJECT", properties: { city: { type: "STRING" } } };
  const config = { responseMimeType: "application/json", responseSchema: schema };
  const declared = [{ functionDeclarations: [{ name: "get_weather" }, { name: "get_time" }] }];
  const cases: readonly (readonly [string, object, Shape])[] = [
    ["parallel calls of tools", { tools: declared }, TOOLS],
    ["a blocked prompt", {}, BLOCKED],
    ["an answer that its limit ended", { generationConfig: { maxOutputTokens: 5 } }, MAX_TOKENS()],
    ["structured output", { generationConfig: config }, response([{ text: '{"city":"x"}' }], STOP)],
    ["an answer to a picture", { contents: [{ parts: [image] }] }, response([{ text: "A" }], STOP)],
    ["a picture", {}, response([{ inlineData: { mimeType: "image/png", data: "AAAA" } }], STOP)],
  ];
  test.each(cases)("%s", async (_name, members, answer) => {
    const body = JSON.stringify({ contents: [{ parts: [{ text: "hi" }] }], ...members });
    const { status } = await bothWays(body, answer);
    expect(status).toBe(200);
  });
});

function MAX_TOKENS(): Shape {
  return response([{ text: "one two" }], { candidate: { finishReason: "MAX_TOKENS" } });
}

describe("the ledger", () => {
  test("has the usage that was reported, thoughts being output, and its cost", async () => {
    const usageMetadata = {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      candidatesTokenCount: 10,
      thoughtsTokenCount: 30,
      totalTokenCount: 140,
    };
    const { headers } = await bothWays(HI, response([{ text: "x" }], { ...STOP, usageMetadata }));
    expect(await lastAttempt(tollgate)).toMatchObject({
      inputTokens: 100,
      cachedInputTokens: 40,
      outputTokens: 40,
      reasoningTokens: 30,
      outcome: "ok",
      estimated: false,
      // 60 × 0.3 + 40 × 0.075 + 40 × 2.5 dollars per million.
      amountNanoUsd: 121_000,
      postings: 1,
    });
    expect(headers.get("x-tollgate-cost-usd")).toBe("0.000121");
  });

  test("has a blocked prompt at its input", async () => {
    await bothWays(HI, BLOCKED);
    expect(await lastAttempt(tollgate)).toMatchObject({ inputTokens: 9, outputTokens: 0 });
  });

  test("has what was counted where no usage was reported", async () => {
    const { usageMetadata: _, ...silent } = response([{ text: "one two three" }], STOP);
    await bothWays(HI, silent);
    const { outputTokens, estimated } = (await lastAttempt(tollgate)) ?? {};
    expect([outputTokens, estimated]).toEqual([3, true]);
  });
});

const naming = (model: string): string => `{"model" : "models/${model}","contents":[]}`;

describe("what is spliced", () => {
  test("is the model's name where a body repeats it", async () => {
    upstream.answer({ pieces: [TEXT] });
    const { seen } = await through({ path: PUBLIC, body: naming(PUBLIC_MODEL) });
    expect(textOf(seen?.body)).toBe(naming(UPSTREAM_MODEL));
  });

  test("is the output limit where a budget needs one, next to what the client configured", async () => {
    const { row, token } = await tollgate.addToken(stage.tenantId);
    const scope = { scopeType: "token", scopeId: row.id, tenantId: stage.tenantId } as const;
    await tollgate.addBudget({ ...scope, amountNanoUsd: 20_000_000 });
    upstream.answer({ pieces: [TEXT] });
    const bodies = ["", '"generationConfig": { "topK" : 3 },', '"generation_config":null,'].map(
      (members) => `{${members}"contents":[]}`,
    );
    const seen: string[] = [];
    for (const body of bodies) {
      const headers = { "x-goog-api-key": token };
      const answer = await through({ path: PUBLIC, headers, body });
      expect(answer.headers.get("x-tollgate-output-capped")).toBe("1024");
      seen.push(textOf(answer.seen?.body));
    }
    expect(seen).toEqual([
      '{"contents":[],"generationConfig":{"maxOutputTokens":1024}}',
      '{"generationConfig": { "topK" : 3,"maxOutputTokens":1024 },"contents":[]}',
      '{"generation_config":{"maxOutputTokens":1024},"contents":[]}',
    ]);
  });
});

describe("a refusal of the provider", () => {
  const INVALID = `{
  "error": {
    "code": 400,
    "message": "Invalid JSON payload received. Unknown name \\"x\\": Cannot find field.",
    "status": "INVALID_ARGUMENT"
  }
}
`;

  test("that the request itself brought about comes back verbatim, after one call", async () => {
    upstream.answer({ status: 400, pieces: [INVALID] });
    const { status, text } = await through({ path: PUBLIC, body: HI });
    expect([status, text, upstream.seen.length]).toEqual([400, INVALID, 1]);
    expect(await lastAttempt(tollgate)).toMatchObject({ kind: "void", amountNanoUsd: 0 });
  });

  test("that may pass is repeated", async () => {
    let calls = 0;
    upstream.answer(() => {
      calls += 1;
      return calls === 1
        ? { status: 503, pieces: [JSON.stringify(UNAVAILABLE)] }
        : { pieces: [TEXT] };
    });
    const { status, text, headers } = await through({ path: PUBLIC, body: HI });
    expect([status, text, headers.get("x-tollgate-attempts")]).toEqual([200, TEXT, "2"]);
  });

  test("in place of an answer counts as the refusal that it says it is", async () => {
    upstream.answer({ pieces: [JSON.stringify(UNAVAILABLE)] });
    const { status, text } = await through({ path: PUBLIC, body: HI });
    expect([status, JSON.parse(text)]).toEqual([503, UNAVAILABLE]);
  });
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${tollgate.url}${path}`, { method: "POST", body: HI, ...init });

describe("the credential in the address", () => {
  test("opens the door, and reaches neither the provider nor the log", async () => {
    upstream.answer({ pieces: [TEXT] });
    const answer = await ask(`${PUBLIC}?x=1&key=${stage.token}`);
    expect([answer.status, await answer.text()]).toEqual([200, TEXT]);
    expect(upstream.seen.at(-1)?.path).toBe(`${DIRECT}?x=1`);
    expect(JSON.stringify(upstream.seen.at(-1)?.headers)).not.toContain(stage.token);
    expect(tollgate.logLines.join("")).not.toContain(stage.token);
  });

  test("is no more than one in a header, and none at all in another dialect", async () => {
    const wrong = { headers: { "x-goog-api-key": "wrong" } };
    const answers = await Promise.all([
      ask(`${PUBLIC}?key=${stage.token}`, wrong),
      ask(`${PUBLIC}?key=wr%20%C3%B6ng`),
      ask(`/v1/chat/completions?key=${stage.token}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(upstream.seen.length).toBe(0);
  });
});

const get = async (path: string, headers: Readonly<Record<string, string>> = {}) =>
  await (await fetch(`${tollgate.url}${path}`, { headers })).json();

describe("models", () => {
  test.each([
    ["by their path", `/v1beta/models/${PUBLIC_MODEL}`, { authorization: `Bearer ${stage.token}` }],
    ["by the header", `/v1/models/${PUBLIC_MODEL}`, { "x-goog-api-key": stage.token }],
    ["by the address", `/v1/models/${PUBLIC_MODEL}?key=${stage.token}`, {}],
  ])("are shown as Google's to its clients, known %s", async (_how, path, headers) => {
    expect(await get(path, headers)).toEqual({
      name: `models/${PUBLIC_MODEL}`,
      displayName: PUBLIC_MODEL,
      supportedGenerationMethods: [
        "generateContent",
        "streamGenerateContent",
        "countTokens",
        "embedContent",
        "batchEmbedContents",
      ],
    });
  });

  test("are listed in pages", async () => {
    const target = { providerId: provider.id, model: UPSTREAM_MODEL, weight: 1, priority: 0 };
    await tollgate.addRoute("a-model", [target]);
    const headers = { "x-goog-api-key": stage.token };
    const first = (await get("/v1beta/models?pageSize=1", headers)) as Shape;
    const token = String(first["nextPageToken"]);
    const second = (await get(`/v1beta/models?pageSize=1&pageToken=${token}`, headers)) as Shape;
    const names = [first, second].map(({ models }) =>
      (models as readonly Shape[]).map((m) => m["name"]),
    );
    expect([names, second["nextPageToken"]]).toEqual([
      [["models/a-model"], [`models/${PUBLIC_MODEL}`]],
      undefined,
    ]);
  });

  test.each(["/v1beta/nothing", "/v1/models/x:teleport", "/v1beta/models/x"])(
    "what is not there is told in Google's words: POST %s",
    async (path) => {
      const { status, text } = await through({ path, body: HI });
      const error = expect.objectContaining({ code: 404, status: "NOT_FOUND" });
      expect([status, JSON.parse(text)]).toEqual([404, { error }]);
    },
  );
});

test("which tier served reaches the client, and nothing else of the provider's account", async () => {
  const told = { "x-gemini-service-tier": "flex", "openai-version": "2020-10-01", "x-quota": "1" };
  upstream.answer({ headers: told, pieces: [TEXT] });
  const { headers } = await through({ path: PUBLIC, body: HI });
  expect(Object.keys(told).map((name) => headers.get(name))).toEqual(["flex", null, null]);
});

test("headers and query pass that are the provider's to read, and no credential does", async () => {
  upstream.answer({ pieces: [TEXT] });
  const headers = { "x-server-timeout": "30", "x-unknown": "1" };
  const path = `${PUBLIC}?$prettyPrint=false&key=stolen&x=%20y&$key=a&access_token=b&%6bey=c&KEY=d&%4Bey=e`;
  const { seen } = await through({ path, headers, body: HI });
  expect(seen?.path).toBe(`${DIRECT}?$prettyPrint=false&x=%20y`);
  expect([seen?.headers["x-server-timeout"], seen?.headers["x-unknown"]]).toEqual(["30", "1"]);
  expect(seen?.headers["x-goog-api-key"]).toBe("provider-secret");
});
