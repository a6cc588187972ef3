/** What the gateway refuses of a body for a response, what it reads from one, and what it changes in it. */
import { describe, expect, test } from "bun:test";
import { codecOf } from "../../../../src/dialects/catalogue.ts";
import type { ClientRequest, RequestEdits } from "../../../../src/dialects/contract.ts";
import { NOWHERE } from "../../nowhere.ts";

const codec = codecOf("responses");

function accept(body: string): unknown {
  const verdict = codec.accept(new TextEncoder().encode(body), NOWHERE);
  return verdict.allowed ? verdict.value : verdict.refusal;
}

function accepted(body: object): ClientRequest {
  const bytes = new TextEncoder().encode(JSON.stringify({ model: "m", ...body }));
  const verdict = codec.accept(bytes, NOWHERE);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  return verdict.value;
}

describe("a body is refused, and the member named", () => {
  const INTEGER = "'max_output_tokens' must be an integer from 1 to 2147483647.";
  test.each([
    ["{}", "model", "Missing required parameter: 'model'."],
    ['{"model":7}', "model", "'model' must be a string."],
    ['{"model":"m","input":7}', "input", "'input' must be a string or an array."],
    ['{"model":"m","input":{}}', "input", "'input' must be a string or an array."],
    ['{"model":"m","stream":"yes"}', "stream", "'stream' must be a boolean."],
    ['{"model":"m","background":1}', "background", "'background' must be a boolean."],
    ['{"model":"m","max_output_tokens":0}', "max_output_tokens", INTEGER],
    ['{"model":"m","max_output_tokens":1.5}', "max_output_tokens", INTEGER],
    [
      '{"model":"m","previous_response_id":7}',
      "previous_response_id",
      "'previous_response_id' must be a string.",
    ],
    [
      '{"model":"m","conversation":{"name":"x"}}',
      "conversation",
      "'conversation' must be a string or an object with an 'id'.",
    ],
    [
      '{"model":"m","previous_response_id":"a","previous_response_id":"b"}',
      "previous_response_id",
      "'previous_response_id' is given more than once.",
    ],
    [
      String.raw`{"model":"m","background":false,"b\u0061ckground":true}`,
      "background",
      "'background' is given more than once.",
    ],
  ])("%s", (body, param, message) => {
    expect(accept(body)).toEqual({ code: "invalid_request", message, param });
  });

  test("what is no JSON object", () => {
    expect(accept("[]")).toMatchObject({ code: "invalid_request" });
    expect(accept('{"model":"m"')).toMatchObject({ code: "invalid_json" });
  });
});

describe("what a body holds", () => {
  test("nothing but text, from nobody, for the model's own length", () => {
    const body = { input: "hi", max_output_tokens: null, previous_response_id: null };
    expect(accepted(body)).toMatchObject({
      surface: "responses",
      model: "m",
      stream: false,
      endUserId: null,
      outputTokensMax: null,
      images: 0,
      hasUnsized: false,
      modalities: ["text"],
      offersTools: false,
      without: ["audio_input", "image_input", "cache_write_1h"],
      toolCallsMax: {},
    });
    expect(accepted(body).objects).toBeUndefined();
    expect(accepted(body).background).toBeUndefined();
  });

  test("pictures, whose bytes are no text, sound and files", () => {
    const image_url = `data:image/png;base64,${"A".repeat(5_000)}`;
    const parts = [
      { type: "input_text", text: "see" },
      { type: "input_image", image_url },
      { type: "input_image", file_id: "file-1" },
      { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
    ];
    const output = [{ type: "input_image", image_url: "https://a.example/b.png" }];
    const input = [
      { role: "user", content: parts },
      { type: "function_call_output", call_id: "c", output },
      { type: "computer_call_output", output: { type: "computer_screenshot", image_url } },
    ];
    const request = accepted({ input });
    expect(request).toMatchObject({ images: 4, hasUnsized: false });
    expect(new Set(request.modalities)).toEqual(new Set(["text", "image", "audio"]));
    expect(request.bytes.length - request.textBytes).toBe(2 * image_url.length);
    const file = [{ role: "user", content: [{ type: "input_file", file_id: "file-2" }] }];
    expect(accepted({ input: file })).toMatchObject({ hasUnsized: true, modalities: ["file"] });
  });

  test("for whom it is asked, by either member", () => {
    expect(accepted({ user: "u" }).endUserId).toBe("u");
    expect(accepted({ safety_identifier: "s" }).endUserId).toBe("s");
  });

  test.each([
    [{ prompt: { id: "pmpt_1" } }],
    [{ previous_response_id: "resp_1" }],
    [{ conversation: "conv_1" }],
    [{ tools: [{ type: "web_search" }] }],
    [{ context_management: [{ type: "compaction", compact_threshold: 1_000 }] }],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }],
  ])("%p makes its input as long as the model can read", (body) => {
    expect(accepted(body)).toMatchObject({ hasUnsized: true });
  });

  test("what it names that the provider keeps, each with the member that names it", () => {
    const input = [
      { role: "user", content: "x", id: "msg_own" },
      { type: "item_reference", id: "msg_1" },
      { id: "rs_1" },
      { type: null, id: "rs_2" },
      { type: "function_call", id: "fc_1", call_id: "c", name: "n", arguments: "{}" },
    ];
    const body = { input, previous_response_id: "resp_1", conversation: { id: "conv_1" } };
    expect(accepted(body).objects).toEqual([
      { kind: "response", id: "resp_1", param: "previous_response_id" },
      { kind: "conversation", id: "conv_1", param: "conversation" },
      { kind: "item", id: "msg_1", param: "input[1].id" },
      { kind: "item", id: "rs_1", param: "input[2].id" },
      { kind: "item", id: "rs_2", param: "input[3].id" },
    ]);
  });

  test("files, wherever they are named by their ids", () => {
    const content = [{ type: "input_file", file_id: "file-1" }];
    const output = { type: "computer_screenshot", file_id: "file-2" };
    const input = [
      { role: "user", content },
      { type: "computer_call_output", output },
    ];
    const container = { type: "auto", file_ids: ["file-3"] };
    const tools = [{ type: "code_interpreter", container }];
    expect(accepted({ input, tools }).objects).toEqual([
      { kind: "file", id: "file-1", param: "input[0].content[0].file_id" },
      { kind: "file", id: "file-2", param: "input[1].output.file_id" },
      { kind: "file", id: "file-3", param: "tools[0].container.file_ids" },
    ]);
  });

  test("the provider's own tools and how often they may be called; the client's own cost nothing", () => {
    const tools = [
      { type: "function", name: "f" },
      { type: "custom", name: "c" },
      { type: "local_shell" },
      { type: "web_search_preview_2025_03_11" },
      { type: "file_search", vector_store_ids: ["vs_1"] },
      { type: "code_interpreter", container: { type: "auto" } },
    ];
    expect(accepted({ tools }).toolCallsMax).toEqual({
      web_search: 10,
      file_search: 10,
      code_interpreter: 10,
    });
    expect(accepted({ tools, max_tool_calls: 2 }).toolCallsMax).toEqual({
      web_search: 2,
      file_search: 2,
      code_interpreter: 2,
    });
  });

  test("are all counted, however often one of them is offered", () => {
    const many = Array.from({ length: 40 }, () => ({ type: "file_search" }));
    const tools = [...many, { type: "web_search" }];
    expect(accepted({ tools }).toolCallsMax).toEqual({ file_search: 10, web_search: 10 });
  });
});

describe("the upstream's bytes", () => {
  const edits: RequestEdits = {
    model: "m",
    outputTokensCap: null,
    outputCapMember: "max_tokens",
    includeUsage: true,
  };
  const spliced = (body: string, more: Partial<RequestEdits>): string => {
    const bytes = new TextEncoder().encode(body);
    const verdict = codec.accept(bytes, NOWHERE);
    if (!verdict.allowed) throw new Error(verdict.refusal.message);
    return new TextDecoder().decode(codec.request(verdict.value, { ...edits, ...more }));
  };

  test.each([
    ["nothing, where nothing differs", '{ "model":"m", "x":1.0 }', {}, '{ "model":"m", "x":1.0 }'],
    ["the model", '{"x":1e3,"model" : "m"}', { model: "up" }, '{"x":1e3,"model" : "up"}'],
    [
      "a limit that was not there",
      '{"model":"m","x":[1.50]}',
      { outputTokensCap: 64 },
      '{"model":"m","x":[1.50],"max_output_tokens":64}',
    ],
    [
      "a limit of null",
      '{"model":"m","max_output_tokens":null,"x":1}',
      { outputTokensCap: 64 },
      '{"model":"m","max_output_tokens":64,"x":1}',
    ],
    [
      "a limit above the cap",
      '{"max_output_tokens":100,"model":"m"}',
      { outputTokensCap: 64 },
      '{"max_output_tokens":64,"model":"m"}',
    ],
    [
      "no limit below it",
      '{"max_output_tokens":10,"model":"m"}',
      { outputTokensCap: 64 },
      '{"max_output_tokens":10,"model":"m"}',
    ],
  ])("change %s", (_what, body, more, expected) => {
    expect(spliced(body, more)).toBe(expected);
  });
});
