/** What a body in Anthropic's dialect is refused for, in its words, and what is read from an accepted one. */
import { describe, expect, test } from "bun:test";
import { countTokensCodec } from "../../../src/dialects/anthropic/count-tokens.ts";
import { messagesCodec } from "../../../src/dialects/anthropic/messages.ts";
import type { ClientRequest } from "../../../src/dialects/contract.ts";
import { NOWHERE } from "../nowhere.ts";

const HI = [{ role: "user", content: "hi" }];
const PLAIN = { model: "m", max_tokens: 5, messages: HI };

function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function accepted(members: object, codec = messagesCodec): ClientRequest {
  const verdict = codec.accept(bytesOf({ ...PLAIN, ...members }), NOWHERE);
  if (!verdict.allowed) throw new Error(verdict.refusal.message);
  return verdict.value;
}

function withContent(...content: object[]): ClientRequest {
  return accepted({ messages: [{ role: "user", content }] });
}

function withTools(...tools: object[]): ClientRequest {
  return accepted({ tools });
}

function refused(body: unknown, codec = messagesCodec): unknown {
  const verdict = codec.accept(bytesOf(body), NOWHERE);
  return verdict.allowed ? null : verdict.refusal;
}

function invalid(message: string, param?: string): object {
  return { code: "invalid_request", message, ...(param === undefined ? {} : { param }) };
}

describe("a body is refused", () => {
  test.each([
    ["model: Field required", "model", { max_tokens: 5, messages: HI }],
    ["model: Input should be a valid string", "model", { ...PLAIN, model: null }],
    ["model: String should have at least 1 character", "model", { ...PLAIN, model: "" }],
    ["'model' must be well-formed text.", "model", { ...PLAIN, model: "a\ud800" }],
    ["max_tokens: Field required", "max_tokens", { model: "m", messages: HI }],
    ["max_tokens: Input should be a valid integer", "max_tokens", { ...PLAIN, max_tokens: null }],
    ["max_tokens: Input should be a valid integer", "max_tokens", { ...PLAIN, max_tokens: 1.5 }],
    [
      "max_tokens: Input should be greater than or equal to 0",
      "max_tokens",
      { ...PLAIN, max_tokens: -1 },
    ],
    [
      "max_tokens: Input should be less than or equal to 2147483647",
      "max_tokens",
      { ...PLAIN, max_tokens: 2 ** 31 },
    ],
    ["messages: Field required", "messages", { model: "m", max_tokens: 5 }],
    ["messages: Input should be a valid array", "messages", { ...PLAIN, messages: "hi" }],
    ["messages: at least one message is required", "messages", { ...PLAIN, messages: [] }],
    ["messages.1: Input should be an object", "messages.1", { ...PLAIN, messages: [...HI, 5] }],
    ["stream: Input should be a valid boolean", "stream", { ...PLAIN, stream: "yes" }],
  ])("%s", (message, param, body) => {
    expect(refused(body)).toEqual(invalid(message, param));
  });

  test("where a member that counts comes twice, whatever its spelling", () => {
    const twice = '{"model":"m","max_tokens":5,"max_t\\u006fkens":9,"messages":[{"role":"user"}]}';
    expect(refused(twice)).toEqual(invalid("'max_tokens' is given more than once.", "max_tokens"));
  });

  test("where it is no JSON, or no object", () => {
    expect(refused("{")).toEqual({
      code: "invalid_json",
      message: "The request body is not valid JSON.",
    });
    expect(refused("[]")).toEqual(invalid("The request body must be a JSON object."));
  });
});

test("what is only counted needs no output limit, and has no stream", () => {
  const counted = countTokensCodec.accept(bytesOf({ model: "m", messages: HI }), NOWHERE);
  expect(counted).toMatchObject({
    allowed: true,
    value: { surface: "count_tokens", outputTokensMax: null, generates: false, stream: false },
  });
  expect(refused({ model: "m" }, countTokensCodec)).toEqual(
    invalid("messages: Field required", "messages"),
  );
});

test("a body of text says what it asks for", () => {
  const body = { ...PLAIN, stream: true, metadata: { user_id: "u-1" } };
  const bytes = bytesOf(body);
  expect(accepted(body)).toEqual({
    surface: "messages",
    bytes,
    model: "m",
    stream: true,
    endUserId: "u-1",
    usageAsked: true,
    outputTokensMax: 5,
    choices: 1,
    generates: true,
    textBytes: bytes.length,
    images: 0,
    hasUnsized: false,
    modalities: ["text"],
    offersTools: false,
    without: ["audio_input", "audio_output", "image_output", "image_input", "cache_write_1h"],
    toolCallsMax: {},
  });
});

test("no limit of output is none, for 0 fills the cache alone", () => {
  expect(accepted({ max_tokens: 0 }).outputTokensMax).toBe(0);
});

describe("input beside text", () => {
  const data = "iVBORw0KGgo=".repeat(10);
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
  const link = { type: "image", source: { type: "url", url: "https://example.com/a.png" } };
  const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data } };
  const page = { type: "document", source: { type: "text", media_type: "text/plain", data: "hi" } };

  test("images are counted wherever they stand, and inline ones are no text", () => {
    const request = withContent(
      { type: "text", text: "What is it?" },
      image,
      { type: "tool_result", tool_use_id: "t", content: [link, image] },
      { type: "document", source: { type: "content", content: [image] } },
    );
    expect(request).toMatchObject({
      images: 4,
      hasUnsized: false,
      modalities: ["text", "image"],
      textBytes: request.bytes.length - 3 * data.length,
      without: ["audio_input", "audio_output", "image_output", "cache_write_1h"],
    });
  });

  test.each([
    ["a PDF", pdf],
    ["a file by its id", { type: "document", source: { type: "file", file_id: "file_1" } }],
    ["a file for a container", { type: "container_upload", file_id: "file_1" }],
    ["a block that nobody knows", { type: "aurora" }],
  ])("%s has a size that nobody sees", (_name, block) => {
    expect(withContent(block)).toMatchObject({ hasUnsized: true, modalities: ["text", "file"] });
  });

  test.each([
    ["a page of text", page],
    ["an earlier answer's thinking", { type: "redacted_thinking", data: "EmwKAhgB" }],
    ["a call of a tool", { type: "tool_use", id: "t", name: "f", input: {} }],
    ["what a search found", { type: "web_search_tool_result", tool_use_id: "t", content: [] }],
  ])("%s has no more tokens than bytes", (_name, block) => {
    expect(withContent(block)).toMatchObject({ hasUnsized: false, modalities: ["text"] });
  });
});

describe("tools", () => {
  test("the client's own are offered, and cost nothing", () => {
    const request = withTools(
      { name: "f", input_schema: {} },
      { type: "custom", name: "g", input_schema: {} },
      { type: "bash_20250124", name: "bash" },
      { type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
      { type: "computer_20251124", name: "computer" },
      { type: "memory_20250818", name: "memory" },
      { type: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25" },
    );
    expect(request).toMatchObject({ offersTools: true, hasUnsized: false, toolCallsMax: {} });
  });

  test("the provider's bring input that nobody sees, and some are paid per call", () => {
    const request = withTools(
      { type: "web_search_20260318", name: "web_search", max_uses: 3 },
      { type: "web_fetch_20260318", name: "web_fetch", max_uses: 5 },
      { type: "code_execution_20260521", name: "code_execution" },
      { type: "aurora_20310101", name: "aurora" },
    );
    expect(request).toMatchObject({
      offersTools: true,
      hasUnsized: true,
      toolCallsMax: { web_search: 3, aurora: 10 },
    });
  });

  test("servers of tools and threads that the provider keeps bring it, too", () => {
    const servers = accepted({ mcp_servers: [{ type: "url", name: "s", url: "https://x" }] });
    const thread = accepted({ thread: { type: "continue", previous_message_id: "msg_1" } });
    expect([servers, thread]).toMatchObject([
      { hasUnsized: true, offersTools: true },
      { hasUnsized: true, offersTools: false },
    ]);
  });
});

test("a context that the provider may make shorter itself is read once more than its body shows", () => {
  const [compacted, cleared] = ["compact_20260112", "clear_tool_uses_20250919"].map((type) => {
    return accepted({ context_management: { edits: [{ type }] } });
  });
  expect([compacted?.hasUnsized, cleared?.hasUnsized]).toEqual([true, false]);
});

test("only equal requests without chance in them are the same", () => {
  const sure = accepted({ temperature: 0 });
  const asked = [sure, accepted({}), accepted({ temperature: 1 })];
  expect(asked.map(messagesCodec.isDeterministic)).toEqual([true, false, false]);
});
