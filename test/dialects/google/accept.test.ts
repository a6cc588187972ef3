/** What the gateway reads of Gemini's bodies and addresses, and what it refuses. */
import { describe, expect, test } from "bun:test";
import { codecAt } from "../../../src/dialects/catalogue.ts";
import type { ClientRequest } from "../../../src/dialects/contract.ts";
import type { Surface } from "../../../src/dialects/surfaces.ts";

const MODEL = "gemini";
const contents = [{ parts: [{ text: "hi" }] }];

function accept(body: object | string, surface: Surface = "generate_content", at: object = {}) {
  const place = { model: MODEL, query: "", ...at };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return codecAt(surface, place).accept(new TextEncoder().encode(text), place);
}

function accepted(...asked: Parameters<typeof accept>): ClientRequest {
  const verdict = accept(...asked);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  return verdict.value;
}

function refused(...asked: Parameters<typeof accept>): unknown {
  const verdict = accept(...asked);
  return verdict.allowed ? null : [verdict.refusal.code, verdict.refusal.param];
}

const inline = (mimeType: string, data = "AAAA") => ({ inlineData: { mimeType, data } });

const made = (config: object) =>
  accepted({ contents, generationConfig: config }).without.filter((kind) =>
    kind.endsWith("output"),
  );

describe("a generation", () => {
  test("is read in full", () => {
    const body = {
      contents,
      systemInstruction: { parts: { text: "be kind" } },
      tools: [{ functionDeclarations: [{ name: "f" }] }],
      generationConfig: { maxOutputTokens: 5, candidateCount: 2, responseModalities: ["TEXT"] },
    };
    const { bytes, ...request } = accepted(body);
    expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual(body);
    expect(request).toEqual({
      surface: "generate_content",
      model: MODEL,
      stream: false,
      endUserId: null,
      usageAsked: true,
      outputTokensMax: 5,
      choices: 2,
      generates: true,
      textBytes: bytes.length,
      images: 0,
      hasUnsized: false,
      modalities: ["text"],
      offersTools: true,
      without: ["audio_input", "image_input", "audio_output", "image_output", "cache_write_1h"],
      toolCallsMax: {},
    });
  });

  test("is read the same in the spelling of the proto file, numbers as text included", () => {
    const snake = {
      contents: contents[0],
      system_instruction: { parts: [{ text: "x" }] },
      tools: { function_declarations: [{}] },
      generation_config: {
        max_output_tokens: "5",
        candidate_count: 2,
        response_modalities: ["AUDIO"],
      },
    };
    expect(accepted(snake)).toMatchObject({
      outputTokensMax: 5,
      choices: 2,
      offersTools: true,
      without: ["audio_input", "image_input", "image_output", "cache_write_1h"],
    });
  });

  test("is a stream by its path alone", () => {
    expect(accepted({ contents, stream: true }).stream).toBe(false);
    for (const query of ["", "?alt=sse"]) {
      expect(accepted({ contents }, "stream_generate_content", { query }).stream).toBe(true);
    }
  });

  test.each([
    ["a picture", [inline("image/png")], { images: 1, hasUnsized: false, modalities: ["image"] }],
    ["sound", [inline("audio/wav")], { images: 0, hasUnsized: false, modalities: ["audio"] }],
    ["a film", [inline("video/mp4")], { images: 0, hasUnsized: true, modalities: ["file"] }],
    ["a document", [inline("application/pdf")], { hasUnsized: true, modalities: ["file"] }],
    ["inline text", [inline("text/plain")], { hasUnsized: false, modalities: ["text"] }],
    [
      "a file by its address",
      [{ file_data: { mime_type: "image/png", file_uri: "x" } }],
      { images: 0, hasUnsized: true, modalities: ["image"] },
    ],
    [
      "a picture that a function returned",
      [{ functionResponse: { name: "f", response: {}, parts: [inline("image/jpeg")] } }],
      { images: 1, hasUnsized: false, modalities: ["text", "image"] },
    ],
    ["what nobody knows", [{ hologram: {} }], { hasUnsized: true, modalities: ["file"] }],
  ])("with %s has the input that it has", (_what, parts, expected) => {
    expect(accepted({ contents: [{ parts }] })).toMatchObject(expected);
  });

  test("does not count a picture's bytes as text", () => {
    const data = "A".repeat(1_000);
    const { bytes, textBytes } = accepted({ contents: [{ parts: [inline("image/png", data)] }] });
    expect(bytes.length - textBytes).toBe(1_000);
  });

  test.each([
    ["search", { googleSearch: {} }, { web_search: 10 }, false],
    ["maps", { google_maps: {} }, { google_maps: 10 }, false],
    ["pages by their address", { urlContext: {} }, {}, true],
    ["code", { code_execution: {} }, {}, true],
    ["a tool of tomorrow", { teleport: {} }, {}, true],
  ])("may call Google's own tools: %s", (_what, tool, toolCallsMax, hasUnsized) => {
    expect(accepted({ contents, tools: [tool] })).toMatchObject({
      toolCallsMax,
      hasUnsized,
      offersTools: true,
    });
  });

  test("out of a cache has an input whose size does not show", () => {
    expect(accepted({ contents, cachedContent: "cachedContents/1" }).hasUnsized).toBe(true);
    expect(accepted({ contents, cachedContent: null }).hasUnsized).toBe(false);
  });

  test("may make pictures and sound where it does not say what it makes", () => {
    expect(made({})).toEqual([]);
    expect(made({ responseModalities: [2] })).toEqual([]);
    expect(made({ responseModalities: ["TEXT", "IMAGE"] })).toEqual(["audio_output"]);
  });
});

const config = (members: string) => `{"contents":[],"generationConfig":{${members}}}`;

describe("is refused", () => {
  test.each([
    ["what is no JSON", "{", ["invalid_json", undefined]],
    ["what is no object", "[]", ["invalid_request", undefined]],
    ["a limit of nothing", config('"maxOutputTokens":0'), "generationConfig.maxOutputTokens"],
    [
      "a limit that is no number",
      config('"max_output_tokens":"1e3"'),
      "generationConfig.maxOutputTokens",
    ],
    ["half a candidate", config('"candidateCount":0.5'), "generationConfig.candidateCount"],
    ["a configuration that is none", '{"generationConfig":5}', "generationConfig"],
    ["a member twice", '{"contents":[],"contents":[]}', "contents"],
    [
      "a member in two spellings",
      '{"generationConfig":{},"generation_config":{}}',
      "generationConfig",
    ],
    [
      "a limit twice",
      config('"maxOutputTokens":1,"maxOutputTokens":9'),
      "generationConfig.maxOutputTokens",
    ],
    [
      "a limit in two spellings",
      config('"maxOutputTokens":1,"max_output_tokens":9'),
      "generationConfig.maxOutputTokens",
    ],
    ["another model in the body", '{"model":"models/dear","contents":[]}', "model"],
  ])("%s", (_what, body, expected) => {
    const told = typeof expected === "string" ? ["invalid_request", expected] : expected;
    expect(refused(body)).toEqual(told);
  });

  test.each(["", ".", "..", "a/../b", "a//b", "/a", "x".repeat(300), "\ud800"])(
    "the model %p, which would be another path",
    (model) => {
      expect(refused({ contents }, "generate_content", { model })).toEqual([
        "invalid_request",
        "model",
      ]);
    },
  );

  test.each([
    ["?fields=candidates", "fields"],
    ["?%24fields=x", "$fields"],
    ["?callback=f", "callback"],
    ["?alt=proto", "alt"],
    ["?alt=json&alt=sse", "alt"],
    ["?alt=sse", "alt"],
  ])("the query %s, whose answer could not be metered", (query, param) => {
    expect(refused({ contents }, "generate_content", { query })).toEqual([
      "invalid_request",
      param,
    ]);
  });

  test("another model within a batch, or within what is counted", () => {
    const requests = [{ model: "models/gemini" }, { model: "models/dear" }];
    expect(refused({ requests }, "batch_embed_contents")).toEqual([
      "invalid_request",
      "requests[1].model",
    ]);
    const counted = { generateContentRequest: { model: "models/dear", contents } };
    expect(refused(counted, "count_content_tokens")).toEqual([
      "invalid_request",
      "generateContentRequest.model",
    ]);
  });
});

test("embeddings and counts generate nothing", () => {
  const asked = [
    accepted({ content: contents[0] }, "embed_content"),
    accepted(
      { requests: [{ model: "models/gemini", content: contents[0] }] },
      "batch_embed_contents",
    ),
    accepted({ contents }, "count_content_tokens"),
  ];
  for (const request of asked) {
    expect(request).toMatchObject({ generates: false, stream: false, toolCallsMax: {} });
  }
});

test("a request without chance in it is answered like its equals", () => {
  const codec = codecAt("generate_content", { model: MODEL });
  const isDeterministic = (generationConfig: object) =>
    codec.isDeterministic(accepted({ contents, generationConfig }));
  expect([{ temperature: 0 }, { seed: 3 }, { temperature: 0.1 }, {}].map(isDeterministic)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
