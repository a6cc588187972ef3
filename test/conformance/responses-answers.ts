/**
 * Responses as OpenAI answers them, plain and streamed: shapes and orders of events as in its API reference
 * ("Responses", "Streaming events") and the types of openai-node 7.55, read 2026-11. Texts, ids and counts
 * are invented.
 */
import { UPSTREAM_MODEL } from "./stage.ts";

export const RESPONSE_ID = "resp_67ccfcdd16748190a91872c75d38539e";

export type Item = Readonly<Record<string, unknown>>;

const BASE = {
  id: RESPONSE_ID,
  object: "response",
  created_at: 1_763_631_000,
  status: "in_progress",
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  model: UPSTREAM_MODEL,
  output: [] as readonly Item[],
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  store: true,
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_p: 1,
  truncation: "disabled",
  usage: null as Item | null,
  user: null,
  metadata: {},
};

/** `[cached]` of the input, `[reasoning]` of the output. */
export function usage(input: number, output: number, cached = 0, reasoning = 0): Item {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

export function response(output: readonly Item[], more: Item = {}): Item {
  return { ...BASE, status: "completed", output, usage: usage(25, 15), ...more };
}

/** The client's own message again, and all that followed it, sealed. */
export function compaction(more: Item = {}): Item {
  const content = [{ type: "input_text", text: "Write a long story." }];
  return {
    id: "resp_cmp_1",
    object: "response.compaction",
    created_at: 1_763_631_000,
    output: [
      { id: "msg_cmp_1", type: "message", status: "completed", role: "user", content },
      { id: "cmp_1", type: "compaction", encrypted_content: "gAAAAABp".repeat(25) },
    ],
    usage: usage(25, 15),
    ...more,
  };
}

export function message(text: string, id = "msg_1"): Item {
  const part = { type: "output_text", annotations: [], logprobs: [], text };
  return { id, type: "message", status: "completed", role: "assistant", content: [part] };
}

export function functionCall(id: string, name: string, args: string): Item {
  const call_id = `call_${id}`;
  return { id, type: "function_call", status: "completed", call_id, name, arguments: args };
}

const REFUSED: Item = {
  ...message("", "msg_1"),
  content: [{ type: "refusal", refusal: "I cannot help with that." }],
};

const SEARCHED: Item = {
  id: "ws_1",
  type: "web_search_call",
  status: "completed",
  action: { type: "search", query: "weather Zürich" },
};

const OPENED: Item = { ...SEARCHED, id: "ws_2", action: { type: "open_page", url: "x" } };

type Event = Item & { readonly type: string };

/** As on the wire: each names its type twice and counts up. */
export function events(list: readonly Event[], first = 0): string {
  return list
    .map((event, place) => {
      const data = JSON.stringify({ ...event, sequence_number: first + place });
      return `event: ${event.type}\ndata: ${data}\n\n`;
    })
    .join("");
}

export function begun(more: Item = {}): Event[] {
  const fresh = { ...BASE, ...more };
  return [
    { type: "response.created", response: fresh },
    { type: "response.in_progress", response: fresh },
  ];
}

/** A message that is written in pieces. */
export function written(pieces: readonly string[], output_index = 0, id = "msg_1"): Event[] {
  const at = { item_id: id, output_index, content_index: 0 };
  const whole = message(pieces.join(""), id);
  const begin = { ...whole, status: "in_progress", content: [] };
  const part = { type: "output_text", annotations: [], logprobs: [], text: "" };
  return [
    { type: "response.output_item.added", output_index, item: begin },
    { type: "response.content_part.added", ...at, part },
    ...pieces.map((delta) => ({
      type: "response.output_text.delta",
      ...at,
      delta,
      logprobs: [],
      obfuscation: "q3",
    })),
    { type: "response.output_text.done", ...at, text: pieces.join(""), logprobs: [] },
    { type: "response.content_part.done", ...at, part: { ...part, text: pieces.join("") } },
    { type: "response.output_item.done", output_index, item: whole },
  ];
}

/** A call of a function whose arguments come in pieces. */
export function called(item: Item, pieces: readonly string[], output_index = 0): Event[] {
  const at = { item_id: item["id"], output_index };
  const begin = { ...item, status: "in_progress", arguments: "" };
  const type = "response.function_call_arguments";
  return [
    { type: "response.output_item.added", output_index, item: begin },
    ...pieces.map((delta) => ({ type: `${type}.delta`, ...at, delta, obfuscation: "z" })),
    { type: `${type}.done`, ...at, name: item["name"], arguments: pieces.join("") },
    { type: "response.output_item.done", output_index, item },
  ];
}

/** A summary of what was thought, and what is sealed of it. */
export function reasoned(summary: string, output_index = 0): Event[] {
  const at = { item_id: "rs_1", output_index, summary_index: 0 };
  const part = { type: "summary_text", text: summary };
  const item = { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAAAABo" };
  return [
    { type: "response.output_item.added", output_index, item },
    { type: "response.reasoning_summary_part.added", ...at, part: { ...part, text: "" } },
    { type: "response.reasoning_summary_text.delta", ...at, delta: summary, obfuscation: "" },
    { type: "response.reasoning_summary_text.done", ...at, text: summary },
    { type: "response.reasoning_summary_part.done", ...at, part },
    { type: "response.output_item.done", output_index, item: { ...item, summary: [part] } },
  ];
}

function searched(output_index: number): Event[] {
  const at = { item_id: "ws_1", output_index };
  const begin = { ...SEARCHED, status: "in_progress" };
  return [
    { type: "response.output_item.added", output_index, item: begin },
    { type: "response.web_search_call.in_progress", ...at },
    { type: "response.web_search_call.searching", ...at },
    { type: "response.web_search_call.completed", ...at },
    { type: "response.output_item.done", output_index, item: SEARCHED },
  ];
}

function refused(output_index = 0): Event[] {
  const at = { item_id: "msg_1", output_index, content_index: 0 };
  const part = { type: "refusal", refusal: "" };
  const text = "I cannot help with that.";
  return [
    {
      type: "response.output_item.added",
      output_index,
      item: { ...REFUSED, status: "in_progress", content: [] },
    },
    { type: "response.content_part.added", ...at, part },
    { type: "response.refusal.delta", ...at, delta: text },
    { type: "response.refusal.done", ...at, refusal: text },
    { type: "response.content_part.done", ...at, part: { ...part, refusal: text } },
    { type: "response.output_item.done", output_index, item: REFUSED },
  ];
}

export function completed(output: readonly Item[], more: Item = {}): Event {
  return { type: "response.completed", response: response(output, more) };
}

const WEATHER = functionCall("fc_1", "get_weather", '{"city":"Zürich"}');
const TIME = functionCall("fc_2", "get_time", '{"zone":"東京"}');
const STRUCTURED = '{"city":"Zürich","days":3}';

/** What each stream is of, its events, and its input, cached input, output tokens and searches. */
export const TEXT_STREAM = events([
  ...begun(),
  ...written(["Grü", "ße ", "🙂", ' "quoted" \\ '], 0),
  completed([message('Grüße 🙂 "quoted" \\ ')]),
]);

export const TOOLS_STREAM = events([
  ...begun(),
  ...reasoned("Two calls are needed."),
  ...called(WEATHER, ['{"city":', '"Zürich"}'], 1),
  ...called(TIME, ['{"zone":"東京"}'], 2),
  completed([WEATHER, TIME], { usage: usage(472, 89, 200, 64) }),
]);

export const SEARCH_STREAM = events([
  ...begun({ tools: [{ type: "web_search" }] }),
  ...searched(0),
  ...written(["Sunny."], 1),
  completed([SEARCHED, message("Sunny.")], { usage: usage(10_682, 510) }),
]);

export const REFUSAL_STREAM = events([
  ...begun(),
  ...refused(),
  completed([REFUSED], { usage: usage(18, 5) }),
]);

export const LENGTH_STREAM = events([
  ...begun({ max_output_tokens: 16 }),
  ...written(["Once upon"], 0),
  {
    type: "response.incomplete",
    response: response([message("Once upon")], {
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      usage: usage(25, 16),
    }),
  },
]);

export const STRUCTURED_STREAM = events([
  ...begun({ text: { format: { type: "json_schema", name: "answer", schema: {} } } }),
  ...written([STRUCTURED.slice(0, 7), STRUCTURED.slice(7)]),
  completed([message(STRUCTURED)]),
]);

/** Members, parts and whole events of a later day. */
export const UNKNOWN_STREAM = events([
  ...begun({ x_unknown: 1.5 }),
  { type: "response.x_dreams.delta", output_index: 0, dream: "of sheep" },
  ...written(["Hi"]),
  { type: "response.x_unknown.done", x: [null, 1e-7] },
  completed([message("Hi"), { id: "x_1", type: "x_unknown_call" }], { usage: usage(25, 4) }),
]);

export const PLAIN = {
  text: response([message('Grüße 🙂 "quoted" \\ ')]),
  tools: response([WEATHER, TIME], { usage: usage(472, 89, 200, 64) }),
  search: response([SEARCHED, OPENED, message("Sunny.")], { usage: usage(10_682, 510) }),
  refusal: response([REFUSED], { usage: usage(18, 5) }),
  length: response([message("Once upon")], {
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
    usage: usage(25, 16),
  }),
  image: response([message("A cat.")], { usage: usage(1_600, 1) }),
  unknown: response([{ id: "x_1", type: "x_unknown_call" }], { x_unknown: { deep: [1.5] } }),
} as const;
