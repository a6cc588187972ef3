/**
 * Embeddings and models.
 */

import { describe, expect, test } from "bun:test";
import { at, jsonOf, post, upstreamForFile } from "./harness.ts";

const upstream = await upstreamForFile();

const embed = (body: object, script = ""): Promise<Response> =>
  post(
    upstream,
    "/v1/embeddings",
    { model: "sim-embed", input: "lorem", ...body },
    { "x-sim-script": script },
  );

function vectorOf(answer: unknown, index = 0): number[] {
  const embedding = at(answer, "data", index, "embedding");
  if (typeof embedding === "string") {
    const bytes = Uint8Array.from(Buffer.from(embedding, "base64"));
    return Array.from(new Float32Array(bytes.buffer));
  }
  return Array.isArray(embedding) ? embedding.map(Number) : [];
}

test("the answer is OpenAI's list, one embedding for each input", async () => {
  const answer = await jsonOf(embed({ input: ["lorem", "ipsum dolor"], dimensions: 3 }));
  expect(answer).toEqual({
    object: "list",
    data: [
      { object: "embedding", index: 0, embedding: vectorOf(answer, 0) },
      { object: "embedding", index: 1, embedding: vectorOf(answer, 1) },
    ],
    model: "sim-embed",
    usage: { prompt_tokens: 5, total_tokens: 5 },
  });
});

test("vectors are unit vectors, the same for the same text and different for others", async () => {
  const one = vectorOf(await jsonOf(embed({})));
  const same = vectorOf(await jsonOf(embed({})));
  const other = vectorOf(await jsonOf(embed({ input: "ipsum" })));
  expect(one).toEqual(same);
  expect(one).not.toEqual(other);
  expect(one.length).toBe(256);
  expect(Math.hypot(...one)).toBeCloseTo(1, 5);
});

test("base64 carries exactly the same values", async () => {
  const floats = vectorOf(await jsonOf(embed({ dimensions: 77 })));
  const packed = vectorOf(await jsonOf(embed({ dimensions: 77, encoding_format: "base64" })));
  expect(packed).toEqual(floats);
  expect(packed.length).toBe(77);
});

test("tokens count as themselves, as one input or several", async () => {
  const one = await jsonOf(embed({ input: [1, 2, 3], dimensions: 2 }));
  const many = await jsonOf(embed({ input: [[1, 2, 3], [4], "four char"], dimensions: 2 }));
  expect([at(one, "usage", "prompt_tokens"), at(many, "usage", "prompt_tokens")]).toEqual([3, 7]);
  expect(vectorOf(many, 0)).toEqual(vectorOf(one, 0));
});

test("usage can be scripted and omitted, and is reported as such", async () => {
  const scripted = await jsonOf(embed({}, "prompt_tokens=1000"));
  const omitted = await jsonOf(embed({}, "omit_usage=1"));
  expect([at(scripted, "usage"), at(omitted, "usage")]).toEqual([
    { prompt_tokens: 1_000, total_tokens: 1_000 },
    undefined,
  ]);
  const stats = await upstream.until(({ completed }) => completed === 2);
  expect([stats.promptTokensReported, stats.completionTokensReported]).toEqual([1_000, 0]);
});

test("faults work here as anywhere", async () => {
  expect((await embed({}, "status=429&retry_after=7")).headers.get("retry-after")).toBe("7");
  const cut = embed({}, "cut_at=50").then((response) => response.text());
  expect(await cut.catch((error: unknown) => at(error, "code"))).toBe("ECONNRESET");
});

describe("a request that OpenAI would refuse", () => {
  const cases: [name: string, body: object, param: string][] = [
    ["no input", { input: [] }, "input"],
    ["an input of the wrong kind", { input: 3 }, "input"],
    ["half a token", { input: [1.5] }, "input"],
    ["nothing among texts", { input: ["a", null] }, "input"],
    ["an empty list of tokens", { input: [[]] }, "input"],
    ["too many inputs", { input: Array.from({ length: 2_049 }, () => "a") }, "input"],
    ["no dimension", { dimensions: 0 }, "dimensions"],
    ["too many dimensions", { dimensions: 3_073 }, "dimensions"],
    ["an unknown encoding", { encoding_format: "hex" }, "encoding_format"],
    ["no model", { model: "" }, "model"],
  ];
  test.each(cases)("%s", async (_name, body, param) => {
    const response = await embed(body);
    expect([response.status, at(await response.json(), "error", "param")]).toEqual([400, param]);
  });
});

test("the models are listed, and each can be asked for", async () => {
  const list = await jsonOf(fetch(`${upstream.url}/v1/models`));
  const data = at(list, "data");
  const ids = Array.isArray(data) ? data.map((model) => at(model, "id")) : [];
  expect(ids).toEqual(["sim-small", "sim-large", "sim-slow", "sim-embed"]);
  for (const [index, id] of ids.entries()) {
    expect(await jsonOf(fetch(`${upstream.url}/v1/models/${String(id)}`))).toEqual(
      at(list, "data", index),
    );
  }
  expect(at(list, "data", 0)).toEqual({
    id: "sim-small",
    object: "model",
    created: 1_735_689_600,
    owned_by: "tollgate-simulator",
  });
});

test("a model that is not listed is not found", async () => {
  const response = await fetch(`${upstream.url}/v1/models/sim-none`);
  expect([response.status, at(await response.json(), "error", "code")]).toEqual([
    404,
    "model_not_found",
  ]);
});
