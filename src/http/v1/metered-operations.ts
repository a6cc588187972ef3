/** The surfaces that are paid otherwise than a chat, as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import { askedHeaders, client, EXCHANGE_HEADERS, exchangeRefusals, headersOf } from "./describe.ts";

const text = { type: "string" as const };
const object = { type: "object" as const };

const MODEL = { ...text, description: "Public name of a route, or `provider/model`." };
const STREAM = { type: "boolean" as const, description: "Answer as server-sent events." };

/** A body of these members; what is not listed is passed on as it is. */
function body(required: readonly string[], properties: Record<string, object>, example: object) {
  const schema = { ...object, required: [...required], additionalProperties: true, properties };
  return { required: true, content: { "application/json": { schema, example } } };
}

function answered(content: Record<string, object>) {
  return {
    200: {
      description: "The provider's answer.",
      headers: headersOf(EXCHANGE_HEADERS),
      content,
    },
    ...exchangeRefusals(),
  };
}

function plain(example: object) {
  return { "application/json": { schema: object, example } };
}

function events(example: string) {
  return { "text/event-stream": { schema: text, example } };
}

export const completionsDetail: DocumentDecoration = {
  ...client("create_completion", "Create a text completion"),
  description:
    "The older surface, which base models have. Every prompt is answered `n` times out of `best_of`; what is held counts all that are generated.",
  parameters: askedHeaders(),
  requestBody: body(
    ["model", "prompt"],
    {
      model: MODEL,
      prompt: { description: "A text, token numbers, or a list of either." },
      stream: STREAM,
    },
    { model: "sim-small", prompt: "Once upon a time", max_tokens: 16 },
  ),
  responses: answered({
    ...plain({
      id: "cmpl-1",
      object: "text_completion",
      created: 1_763_631_000,
      model: "gpt-3.5-turbo-instruct",
      choices: [{ text: " there was", index: 0, logprobs: null, finish_reason: "length" }],
      usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
    }),
    ...events("data: [DONE]\n\n"),
  }),
};

export const moderationsDetail: DocumentDecoration = {
  ...client("create_moderation", "Judge texts and pictures"),
  description:
    "Costs nothing where its model has no price; an access token whose budget is used up is refused all the same.",
  parameters: askedHeaders(),
  requestBody: body(
    ["input"],
    {
      model: { ...text, description: "`omni-moderation-latest` where it is left out." },
      input: {},
    },
    { model: "omni-moderation-latest", input: "hello" },
  ),
  responses: answered(
    plain({ id: "modr-1", model: "omni-moderation-latest", results: [{ flagged: false }] }),
  ),
};

export const imageGenerationsDetail: DocumentDecoration = {
  ...client("create_image", "Make pictures from a prompt"),
  description:
    "Paid by the picture (`image_usd`) or by the tokens that the provider reports, as the model's price says; the hold is the dearer of the two for all `n`.",
  parameters: askedHeaders(),
  requestBody: body(
    ["model", "prompt"],
    { model: MODEL, prompt: text, n: { type: "integer" }, stream: STREAM },
    { model: "gpt-image-1.5", prompt: "A lighthouse in fog", quality: "low" },
  ),
  responses: answered({
    ...plain({ created: 1_763_631_000, data: [{ b64_json: "iVBORw0KGgo=" }] }),
    ...events('event: image_generation.completed\ndata: {"type":"image_generation.completed"}\n\n'),
  }),
};

export const speechDetail: DocumentDecoration = {
  ...client("create_speech", "Read a text aloud"),
  description:
    "Paid by the character (`character_usd_per_million`) or by tokens. Sound is passed on as it comes and never held as a whole; if it breaks off, so does the connection.",
  parameters: askedHeaders(),
  requestBody: body(
    ["model", "input", "voice"],
    {
      model: MODEL,
      input: text,
      voice: {},
      stream_format: { ...text, description: "`audio`, or `sse` for events." },
    },
    { model: "tts-1", input: "Hello.", voice: "alloy" },
  ),
  responses: answered({
    "audio/mpeg": { schema: { ...text, format: "binary" } },
    ...events('data: {"type":"speech.audio.delta","audio":"SUQz"}\n\n'),
  }),
};

export const rerankDetail: DocumentDecoration = {
  ...client("rerank_documents", "Order documents by a query"),
  description:
    "In the shape of Cohere (paid by the search, `search_unit_usd`) or of Jina (paid by tokens); also at `/v2/rerank`, where Cohere's client asks.",
  parameters: askedHeaders(),
  requestBody: body(
    ["model", "query", "documents"],
    {
      model: MODEL,
      query: text,
      documents: { type: "array" as const, items: {}, description: "Texts, or objects with one." },
    },
    { model: "rerank-v3.5", query: "capital of France", documents: ["Paris", "Rome"] },
  ),
  responses: answered(
    plain({
      results: [{ index: 0, relevance_score: 0.98 }],
      meta: { billed_units: { search_units: 1 } },
    }),
  ),
};
