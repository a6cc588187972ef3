/**
 * Answers in Anthropic's shapes, plain and as streams: members, order and padding as in the API
 * reference ("Streaming messages", "Web search tool", "Extended thinking") and in recorded answers of
 * vercel/ai (packages/anthropic/src/__fixtures__), all read 2026-11. Ids, texts and signatures are
 * invented. Each stream ends with the usage that `usage` tells.
 */
import { UPSTREAM_MODEL } from "./stage.ts";

/** Events as the wire has them, named; a data that is text stands as it is. */
export function sse(events: readonly (object | string)[]): string {
  return events.map((event) => `event: ${nameOf(event)}\ndata: ${dataOf(event)}\n\n`).join("");
}

function nameOf(event: object | string): string {
  return /^{"type": ?"(\w+)"/.exec(dataOf(event))?.[1] ?? "";
}

function dataOf(event: object | string): string {
  return typeof event === "string" ? event : JSON.stringify(event);
}

const FRESH = {
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
};

export function started(usage: object = {}): object {
  return {
    type: "message_start",
    message: {
      model: UPSTREAM_MODEL,
      id: "msg_01CzVfFAQ7mbhtuBcXVqW8cQ",
      type: "message",
      role: "assistant",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 25, ...FRESH, output_tokens: 1, service_tier: "standard", ...usage },
    },
  };
}

export const PING = '{"type": "ping"}';
export const STOPPED = '{"type":"message_stop"               }';

export function blockStart(index: number, content_block: object): object {
  return { type: "content_block_start", index, content_block };
}

export function blockDelta(index: number, type: string, value: object): object {
  return { type: "content_block_delta", index, delta: { type, ...value } };
}

/** Anthropic pads its events with spaces. */
function blockStop(index: number): string {
  return `{"type":"content_block_stop","index":${index}        }`;
}

export function ended(stop_reason: string, usage: object, more: object = {}): object {
  return { type: "message_delta", delta: { stop_reason, stop_sequence: null, ...more }, usage };
}

function textBlock(index: number, texts: readonly string[]): (object | string)[] {
  return [
    blockStart(index, { type: "text", text: "" }),
    ...texts.map((text) => blockDelta(index, "text_delta", { text })),
    blockStop(index),
  ];
}

function toolBlock(index: number, name: string, pieces: readonly string[]): (object | string)[] {
  return [
    blockStart(index, { type: "tool_use", id: `toolu_0${index}`, name, input: {} }),
    blockDelta(index, "input_json_delta", { partial_json: "" }),
    ...pieces.map((partial_json) => blockDelta(index, "input_json_delta", { partial_json })),
    blockStop(index),
  ];
}

export const TEXT_STREAM = sse([
  started(),
  blockStart(0, { type: "text", text: "" }),
  PING,
  ...textBlock(0, ["Grüße", " aus 東京", " 🙂"]).slice(1),
  ended("end_turn", { output_tokens: 15 }),
  STOPPED,
]);

/** What a broken character, a name and a member that nobody knows do in the middle of an answer. */
export const UNKNOWN_STREAM = sse([
  started({ x_unknown: [1] }),
  { type: "content_block_aurora", index: 0, x: "?" },
  blockStart(0, { type: "aurora", shine: 1.5 }),
  blockDelta(0, "aurora_delta", { shine: 2 }),
  '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"},"x":1.50}',
  blockStop(0),
  ended("aurora_reached", { output_tokens: 4, x_unknown: null }),
  STOPPED,
]);

const SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds";

/** Thinking, its signature, thinking that is kept secret, then two tools at once. */
export const THINKING_TOOLS_STREAM = sse([
  started({ input_tokens: 472, cache_read_input_tokens: 2_000 }),
  blockStart(0, { type: "thinking", thinking: "", signature: "" }),
  PING,
  blockDelta(0, "thinking_delta", { thinking: "Both cities are asked for." }),
  blockDelta(0, "signature_delta", { signature: SIGNATURE }),
  blockStop(0),
  blockStart(1, { type: "redacted_thinking", data: "EmwKAhgBEgy3va3pzix" }),
  blockStop(1),
  ...textBlock(2, ["I look at both."]),
  ...toolBlock(3, "get_weather", ['{"city', '": "Zürich"}']),
  ...toolBlock(4, "get_weather", ['{"city": "東', '京"}']),
  ended("tool_use", { output_tokens: 89, output_tokens_details: { thinking_tokens: 31 } }),
  STOPPED,
]);

/** The provider's own search, cited; its findings are input, which only the end tells. */
export const SEARCH_STREAM = sse([
  started({ input_tokens: 2_679, output_tokens: 3 }),
  ...textBlock(0, ["I search."]),
  blockStart(1, { type: "server_tool_use", id: "srvtoolu_01", name: "web_search", input: {} }),
  blockDelta(1, "input_json_delta", { partial_json: '{"query": "weather"}' }),
  blockStop(1),
  blockStart(2, {
    type: "web_search_tool_result",
    tool_use_id: "srvtoolu_01",
    content: [
      {
        type: "web_search_result",
        title: "Weather",
        url: "https://example.com/weather",
        encrypted_content: "ErkeCioICBgCIiRiY2JjZWJj",
        page_age: null,
      },
    ],
  }),
  blockStop(2),
  blockStart(3, { citations: [], type: "text", text: "" }),
  blockDelta(3, "text_delta", { text: "It is sunny." }),
  blockDelta(3, "citations_delta", {
    citation: {
      type: "web_search_result_location",
      cited_text: "Sunny all day.",
      url: "https://example.com/weather",
      title: "Weather",
      encrypted_index: "Eo8BCioIAhgBIiQyYjQ0OWJm",
    },
  }),
  blockStop(3),
  ended("end_turn", {
    input_tokens: 10_682,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 510,
    server_tool_use: { web_search_requests: 1, web_fetch_requests: 0 },
  }),
  STOPPED,
]);

/** Refused before a word was written. */
export const REFUSAL_STREAM = sse([
  started({ input_tokens: 18 }),
  PING,
  ended(
    "refusal",
    { input_tokens: 18, output_tokens: 5 },
    { stop_details: { type: "refusal", category: "cyber", explanation: "Not this." } },
  ),
  STOPPED,
]);

export const LENGTH_STREAM = sse([
  started(),
  ...textBlock(0, ["Once upon"]),
  ended("max_tokens", { output_tokens: 2 }),
  STOPPED,
]);

/** A JSON text by its schema. */
export const STRUCTURED_STREAM = sse([
  started(),
  ...textBlock(0, ['{"city":', '"Zürich","days":3}']),
  ended("end_turn", { output_tokens: 12 }),
  STOPPED,
]);

/** Written to the cache for five minutes and for an hour. */
export const CACHED_STREAM = sse([
  started({
    input_tokens: 10,
    cache_creation_input_tokens: 300,
    cache_read_input_tokens: 1_000,
    cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
  }),
  ...textBlock(0, ["Hi"]),
  ended("end_turn", { output_tokens: 3 }),
  STOPPED,
]);

export const OVERLOADED =
  '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}';

/** The stream up to a piece of its text, that included. */
export function upTo(stream: string, text: string): string {
  const at = stream.indexOf(text);
  return stream.slice(0, stream.indexOf("\n\n", at) + 2);
}

/** A plain answer with this content and usage, and a member that nobody knows. */
export function message(content: readonly object[], stop_reason: string, usage: object): string {
  return `{"model":"${UPSTREAM_MODEL}","id":"msg_01","type":"message","role":"assistant","content":${JSON.stringify(
    content,
  )},"stop_reason":"${stop_reason}","stop_sequence":null,"x_unknown":1.50,"usage":${JSON.stringify({
    input_tokens: 25,
    ...FRESH,
    output_tokens: 1,
    ...usage,
  })}}`;
}

export const PLAIN_TEXT = message([{ type: "text", text: "Grüße 🙂" }], "end_turn", {
  output_tokens: 15,
});
