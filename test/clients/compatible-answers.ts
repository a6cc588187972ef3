/**
 * Companies that speak OpenAI's language, each in a manner of its own: where it puts thoughts and usage,
 * and what it sends beside them. A row says how; one function answers as it says. Shaped after their API
 * references and after streams quoted in public repositories, read 2026-11; ids, times and texts are
 * invented.
 */
import type { PriceRow } from "../../src/store/contract.ts";
import type { Recorded, Seen } from "../conformance/recorded-upstream.ts";

export type Shape = Readonly<Record<string, unknown>>;

export type CompatibleCompany = {
  /** Its row in the catalogue. */
  readonly id: string;
  readonly model: string;
  readonly price: Partial<PriceRow>;
  /** Sent before the first chunk of a stream. */
  readonly comment: string;
  /** parts: in a list of parts, which `content` is then. text: as text like any other. */
  readonly thoughtIn: "reasoning" | "reasoning_content" | "parts" | "text";
  /**
   * finish: with the finish. choice: with an empty choice after it. The others in a chunk without choices,
   * if it is asked for; x_groq: and in a member of its own with the finish.
   */
  readonly usageIn: "finish" | "choice" | "asked" | "x_groq";
  /** Members of every answer and chunk that OpenAI's have not. */
  readonly beside: Shape;
  /** Behind the last chunk of a stream. */
  readonly terminator: string;
  /** Each choice of a stream holds the message so far as well. */
  readonly repeatsMessage: boolean;
  readonly usage: Shape;
  /** What the client makes of it: input, output, of these cached, of these reasoning. */
  readonly told: Tokens;
  /** What is to be paid. */
  readonly booked: Tokens;
  /** The arithmetic is nano-dollars per token. */
  readonly costNanoUsd: number;
};

export type Tokens = readonly [input: number, output: number, cached: number, reasoning: number];

export const THOUGHTS = ["Erst denken. ", "思考 🙂"] as const;
export const TEXTS = ["Grüße", " aus 東京", " 🙂"] as const;
export const STRUCTURED = { city: "Zürich", days: 3 };
export const INPUT = { city: "Köln" };

const USUAL = {
  comment: "",
  beside: {},
  terminator: "data: [DONE]\n\n",
  repeatsMessage: false,
} as const;

export const COMPATIBLE_COMPANIES: readonly CompatibleCompany[] = [
  {
    ...USUAL,
    id: "groq",
    model: "openai/gpt-oss-120b",
    price: { inputPicoUsd: 150_000, outputPicoUsd: 600_000, cachedInputPicoUsd: 75_000 },
    thoughtIn: "reasoning",
    usageIn: "x_groq",
    beside: { system_fingerprint: "fp_invented", x_groq: { id: "req_invented" } },
    usage: {
      queue_time: 0.05,
      prompt_tokens: 80,
      prompt_time: 0.003,
      completion_tokens: 25,
      completion_time: 0.01,
      total_tokens: 105,
      total_time: 0.013,
      prompt_tokens_details: { cached_tokens: 64 },
      completion_tokens_details: { reasoning_tokens: 10 },
    },
    told: [80, 25, 64, 10],
    booked: [80, 25, 64, 10],
    costNanoUsd: 16 * 150 + 64 * 75 + 25 * 600,
  },
  {
    ...USUAL,
    id: "deepseek",
    model: "deepseek-reasoner",
    price: { inputPicoUsd: 280_000, outputPicoUsd: 420_000, cachedInputPicoUsd: 28_000 },
    comment: ": keep-alive\n\n",
    thoughtIn: "reasoning_content",
    usageIn: "finish",
    usage: {
      prompt_tokens: 40,
      completion_tokens: 12,
      total_tokens: 52,
      prompt_cache_hit_tokens: 32,
      prompt_cache_miss_tokens: 8,
      completion_tokens_details: { reasoning_tokens: 5 },
    },
    // This client does not know the member that cache hits are in.
    told: [40, 12, 0, 5],
    booked: [40, 12, 32, 5],
    costNanoUsd: 8 * 280 + 32 * 28 + 12 * 420,
  },
  {
    ...USUAL,
    id: "openrouter",
    model: "anthropic/claude-sonnet-4.5",
    price: {
      inputPicoUsd: 3_000_000,
      outputPicoUsd: 15_000_000,
      cachedInputPicoUsd: 300_000,
      cacheWritePicoUsd: 3_750_000,
      toolCallPicoUsd: { web_search: 10_000_000_000 },
    },
    comment: ": OPENROUTER PROCESSING\n\n",
    thoughtIn: "reasoning",
    usageIn: "choice",
    beside: { provider: "Invented" },
    usage: {
      prompt_tokens: 12_000,
      completion_tokens: 50,
      total_tokens: 12_050,
      cost: 0.0374,
      is_byok: false,
      prompt_tokens_details: { cached_tokens: 8_000, cache_write_tokens: 3_000, audio_tokens: 0 },
      cost_details: { upstream_inference_cost: null },
      completion_tokens_details: { reasoning_tokens: 20, image_tokens: 0 },
      server_tool_use: { web_search_requests: 2 },
    },
    told: [12_000, 50, 8_000, 20],
    booked: [12_000, 50, 8_000, 20],
    costNanoUsd: 1_000 * 3_000 + 8_000 * 300 + 3_000 * 3_750 + 50 * 15_000 + 2 * 10_000_000,
  },
  {
    ...USUAL,
    id: "mistral",
    model: "magistral-medium-latest",
    price: { inputPicoUsd: 2_000_000, outputPicoUsd: 5_000_000 },
    thoughtIn: "parts",
    usageIn: "finish",
    usage: { prompt_tokens: 30, total_tokens: 52, completion_tokens: 22 },
    told: [30, 22, 0, 0],
    booked: [30, 22, 0, 0],
    costNanoUsd: 30 * 2_000 + 22 * 5_000,
  },
  {
    ...USUAL,
    id: "xai",
    model: "grok-4",
    price: { inputPicoUsd: 3_000_000, outputPicoUsd: 15_000_000, cachedInputPicoUsd: 750_000 },
    thoughtIn: "reasoning_content",
    usageIn: "asked",
    usage: {
      prompt_tokens: 100,
      completion_tokens: 9,
      total_tokens: 409,
      prompt_tokens_details: { text_tokens: 100, audio_tokens: 0, cached_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 300, audio_tokens: 0 },
      num_sources_used: 0,
    },
    // Its reasoning is beside the completion, which this client does not expect.
    told: [100, 9, 20, 300],
    booked: [100, 309, 20, 300],
    costNanoUsd: 80 * 3_000 + 20 * 750 + 309 * 15_000,
  },
  {
    ...USUAL,
    id: "perplexity",
    model: "sonar-deep-research",
    price: {
      inputPicoUsd: 2_000_000,
      outputPicoUsd: 8_000_000,
      reasoningPicoUsd: 3_000_000,
      toolCallPicoUsd: { web_search: 5_000_000_000 },
    },
    thoughtIn: "text",
    usageIn: "finish",
    beside: { citations: ["https://example.com/"], search_results: [{ title: "An example" }] },
    terminator: "",
    repeatsMessage: true,
    usage: {
      prompt_tokens: 33,
      completion_tokens: 163,
      total_tokens: 196,
      citation_tokens: 1_900,
      num_search_queries: 3,
      reasoning_tokens: 400,
      search_context_size: "low",
    },
    // Citations and reasoning are beside the two counts.
    told: [33, 163, 0, 0],
    booked: [33 + 1_900, 163 + 400, 0, 400],
    costNanoUsd: (33 + 1_900) * 2_000 + 163 * 8_000 + 400 * 3_000 + 3 * 5_000_000,
  },
  {
    ...USUAL,
    id: "vllm",
    model: "Qwen/Qwen3-8B",
    price: { inputPicoUsd: 100_000, outputPicoUsd: 200_000 },
    thoughtIn: "reasoning_content",
    usageIn: "asked",
    beside: { prompt_logprobs: null, kv_transfer_params: null },
    usage: {
      prompt_tokens: 50,
      total_tokens: 64,
      completion_tokens: 14,
      prompt_tokens_details: null,
    },
    told: [50, 14, 0, 0],
    booked: [50, 14, 0, 0],
    costNanoUsd: 50 * 100 + 14 * 200,
  },
];

/** What the client is told as reasoning and as text. */
export function wordsOf({ thoughtIn }: CompatibleCompany): [thought: string, text: string] {
  const [thought, text] = [THOUGHTS.join(""), TEXTS.join("")];
  return thoughtIn === "text" ? ["", thought + text] : [thought, text];
}

type Asked = {
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly messages: readonly { readonly role: string }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly response_format?: { readonly type: string };
};

export function askedOf({ body }: Seen): Asked {
  return JSON.parse(new TextDecoder().decode(body));
}

/**
 * Answers as the company does, and as it is asked: tools are called until their results come, a schema is
 * filled, everything else gets thoughts and a text.
 */
export function answerAs(company: CompatibleCompany): (seen: Seen) => Recorded {
  return (seen) => {
    const asked = askedOf(seen);
    if (asked.stream !== true) return { pieces: [JSON.stringify(plainAnswer(company, asked))] };
    const chunks = chunksOf(company, asked).map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
    return streamed([company.comment, ...chunks, company.terminator]);
  };
}

/** Texts are parted wherever it likes, within characters and events. */
export function streamed(
  told: readonly (string | Promise<void>)[],
  end: Recorded["end"] = "close",
): Recorded {
  const pieces = told.flatMap<Uint8Array | Promise<void>>((one) =>
    typeof one === "string" ? piecesOf(one) : [one],
  );
  return { headers: { "content-type": "text/event-stream" }, pieces, end };
}

/** Short enough to part every event several times. */
const PIECE = 31;

function piecesOf(text: string): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const places = Array.from(
    { length: Math.ceil(bytes.length / PIECE) },
    (_, index) => index * PIECE,
  );
  return places.map((place) => bytes.subarray(place, place + PIECE));
}

/** A stream up to its first text. */
export function begunStream(company: CompatibleCompany): string {
  const chunks = chunksOf(company, { messages: [] }).slice(0, 1 + THOUGHTS.length + 1);
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
}

function callsFor({ tools = [], messages }: Asked): Shape[] {
  if (messages.some(({ role }) => role === "tool")) return [];
  return tools.map(({ function: { name } }, index) => ({
    id: `call_${index}`,
    type: "function",
    function: { name, arguments: JSON.stringify(INPUT) },
  }));
}

function textsFor({ response_format: format }: Asked): readonly string[] {
  return format === undefined ? TEXTS : [JSON.stringify(STRUCTURED)];
}

function labelsOf({ model, beside }: CompatibleCompany, object: string): Shape {
  return { id: "gen-invented", object, created: 1_785_500_400, model, ...beside };
}

/** A thought as members of a message or a delta. */
function thoughtOf({ thoughtIn }: CompatibleCompany, text: string): Shape {
  if (thoughtIn === "text") return { content: text };
  if (thoughtIn !== "parts") return { content: null, [thoughtIn]: text };
  return { content: [{ type: "thinking", thinking: [{ type: "text", text }] }] };
}

function plainAnswer(company: CompatibleCompany, asked: Asked): Shape {
  const calls = callsFor(asked);
  const text = calls.length > 0 ? "" : textsFor(asked).join("");
  const thought = thoughtOf(company, asked.response_format === undefined ? THOUGHTS.join("") : "");
  const before = thought["content"] ?? "";
  const content =
    typeof before === "string" ? before + text : [...(before as Shape[]), { type: "text", text }];
  const message = { role: "assistant", ...thought, content };
  const told = calls.length > 0 ? { ...message, tool_calls: calls } : message;
  const finish_reason = calls.length > 0 ? "tool_calls" : "stop";
  return {
    ...labelsOf(company, "chat.completion"),
    choices: [{ index: 0, message: told, finish_reason }],
    usage: company.usage,
  };
}

function chunksOf(company: CompatibleCompany, asked: Asked): Shape[] {
  let content = "";
  const chunk = (delta: Shape, finish_reason: string | null = null, more: Shape = {}): Shape => {
    content += typeof delta["content"] === "string" ? delta["content"] : "";
    const repeated = company.repeatsMessage ? { message: { role: "assistant", content } } : {};
    const choices = [{ index: 0, delta, finish_reason, ...repeated }];
    return { ...labelsOf(company, "chat.completion.chunk"), choices, ...more };
  };
  const calls = callsFor(asked);
  const thoughts = asked.response_format === undefined ? THOUGHTS : [];
  const texts = calls.length > 0 ? [] : textsFor(asked);
  return [
    chunk({ role: "assistant", content: "" }),
    ...thoughts.map((text) => chunk(thoughtOf(company, text))),
    ...texts.map((text) => chunk({ content: text })),
    ...calls.flatMap((call, index) => fragmentsOf(call, index).map((delta) => chunk(delta))),
    ...endOf(company, asked, chunk, calls.length > 0 ? "tool_calls" : "stop"),
  ];
}

function fragmentsOf(call: Shape, index: number): Shape[] {
  const { name, arguments: whole } = call["function"] as { name: string; arguments: string };
  const begun = { ...call, index, function: { name, arguments: "" } };
  const pieces = [whole.slice(0, 9), whole.slice(9)];
  return [begun, ...pieces.map((piece) => ({ index, function: { arguments: piece } }))].map(
    (one) => ({ tool_calls: [one] }),
  );
}

function endOf(
  company: CompatibleCompany,
  { stream_options: options }: Asked,
  chunk: (delta: Shape, finish: string | null, more?: Shape) => Shape,
  finish: string,
): Shape[] {
  const { usage, usageIn, beside } = company;
  if (usageIn === "finish") return [chunk({ content: "" }, finish, { usage })];
  if (usageIn === "choice") {
    return [chunk({ content: "" }, finish), chunk({ content: "" }, null, { usage })];
  }
  const own = { x_groq: { ...(beside["x_groq"] as Shape | undefined), usage } };
  const last = chunk({}, finish, usageIn === "x_groq" ? own : {});
  if (options?.include_usage !== true) return [last];
  return [last, { ...chunk({}, null), choices: [], usage }];
}
