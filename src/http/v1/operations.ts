/**
 * The client API and the health endpoints as the OpenAPI document describes them. The handlers check
 * bodies in their dialect's own way, so these descriptions are for people alone.
 */
import type { DocumentDecoration } from "elysia";
import { ERRORS, type ErrorCode } from "../../base/error.ts";
import type { Surface } from "../../dialects/surfaces.ts";
import type { ClientSchemaName } from "../openapi/client-schemas.ts";

/** The demo's, so that a newcomer's first "Try it out" is answered. */
const CHAT_MODEL = "sim-small";
const EMBEDDING_MODEL = "sim-embed";

const MODEL_EXAMPLE = {
  id: CHAT_MODEL,
  object: "model",
  created: 1_763_631_000,
  owned_by: "simulated",
};

const HEADERS = {
  "x-request-id": "Names this request in the log.",
  "x-tollgate-provider": "The provider that answered.",
  "x-tollgate-model": "The model that it was asked for.",
  "x-tollgate-attempts": "How many calls of providers it took.",
  "x-tollgate-cost-usd": "What it cost; not on streams, where only the end tells.",
  "x-tollgate-output-capped": "The output limit that a small budget set, when it did.",
  "x-tollgate-error": "The code of the error.",
  "x-tollgate-timeout": "The clock that ended the last attempt.",
  "x-tollgate-idempotency":
    "attached or replayed: the answer is that of the first request with the same idempotency key.",
  "retry-after": "Seconds after which to come back.",
} as const;

/**
 * What a request may say beside its body. Without examples: Swagger UI would send them with a newcomer's
 * first request.
 */
const ASKED_HEADERS = {
  "idempotency-key": "Repeating the request with it gets the first one's answer for 24 hours.",
  "last-event-id":
    "Id of the last event of a resumable stream that came; the stream goes on behind it.",
  "x-tollgate-strategy": "How targets are ordered: fastest, cheapest, reliable or default.",
  "x-tollgate-tags": "Tags that targets may be meant for, joined by commas.",
  "x-tollgate-priority": "interactive, default or batch; never above that of the access token.",
  "x-tollgate-timeout-ms": "Milliseconds after which the request is given up.",
} as const;

const EXCHANGE_HEADERS = [
  "x-request-id",
  "x-tollgate-provider",
  "x-tollgate-model",
  "x-tollgate-attempts",
  "x-tollgate-cost-usd",
  "x-tollgate-output-capped",
  "x-tollgate-idempotency",
] as const;

const STREAM_EXAMPLE = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763631000,"model":"sim-small","choices":[{"index":0,"delta":{"content":"Hello!"},"finish_reason":null}]}

data: [DONE]

`;

const chatDetail: DocumentDecoration = {
  ...client("create_chat_completion", "Create a chat completion"),
  description:
    "Relayed as it is. The worst case is held against every budget of the access token before the call; the answer says what it cost.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("ChatCompletionRequest", {
      model: CHAT_MODEL,
      messages: [{ role: "user", content: "Say hello." }],
    }),
  },
  responses: {
    200: {
      description: "The provider's answer; server-sent events when `stream` is true.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: {
        ...json("ChatCompletion", {
          id: "chatcmpl-1",
          object: "chat.completion",
          created: 1_763_631_000,
          model: CHAT_MODEL,
          choices: [
            {
              index: 0,
              message: { role: "assistant", content: "Hello!" },
              finish_reason: "stop",
            },
          ],
          usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
        }),
        "text/event-stream": { schema: { type: "string" }, example: STREAM_EXAMPLE },
      },
    },
    ...exchangeRefusals(),
  },
};

const embeddingsDetail: DocumentDecoration = {
  ...client("create_embeddings", "Create embeddings"),
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("EmbeddingsRequest", { model: EMBEDDING_MODEL, input: "hello" }),
  },
  responses: {
    200: {
      description: "The provider's answer.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: json("Embeddings", {
        object: "list",
        data: [{ object: "embedding", index: 0, embedding: [0.1, -0.2] }],
        model: EMBEDDING_MODEL,
        usage: { prompt_tokens: 1, total_tokens: 1 },
      }),
    },
    ...exchangeRefusals(),
  },
};

/** What the document says of each surface. */
export const SURFACE_DETAILS: Readonly<Record<Surface, DocumentDecoration>> = {
  chat: chatDetail,
  embeddings: embeddingsDetail,
};

export const modelsDetail: DocumentDecoration = {
  ...client("list_models", "List the models you may call"),
  responses: {
    200: {
      description: "Models, by name.",
      content: json("ModelList", { object: "list", data: [MODEL_EXAMPLE] }),
    },
    401: refusal("invalid_api_key"),
    500: refusal("internal_error"),
  },
};

export const modelDetail = {
  ...client("get_model", "Show one model"),
  parameters: [
    {
      name: "model",
      in: "path",
      required: true,
      description: "Name of the model; it may contain slashes.",
      example: CHAT_MODEL,
      schema: { type: "string" },
    },
  ],
  responses: {
    200: { description: "The model.", content: json("Model", MODEL_EXAMPLE) },
    401: refusal("invalid_api_key"),
    404: refusal("model_not_found"),
    500: refusal("internal_error"),
  },
} satisfies DocumentDecoration;

export const livezDetail: DocumentDecoration = {
  ...health("livez", "Tell whether the process is alive"),
  responses: { 200: text("It answers.", "ok"), 500: broken() },
};

export const readyzDetail: DocumentDecoration = {
  ...health("readyz", "Tell whether it takes requests"),
  responses: {
    200: text("It does.", "ok"),
    500: broken(),
    503: text("It does not, and why.", "draining"),
  },
};

export const healthDetail: DocumentDecoration = {
  ...health("health", "Sum up its health, with reasons"),
  responses: {
    200: {
      description: "The summary; its `status` says whether requests are taken.",
      content: json("Health", {
        status: "ok",
        version: "0.1.0",
        draining: false,
        in_flight: 0,
        shed_stage: 0,
        store: { status: "ok" },
        ledger_frozen: false,
        ledger_queue: 0,
        request_rows_dropped: 0,
        providers: [{ name: "openai", enabled: true, breaker: "closed" }],
      }),
    },
    500: broken(),
  },
};

export const metricsDetail: DocumentDecoration = {
  ...health("metrics", "Show its metrics for Prometheus"),
  responses: { 200: text("Prometheus text.", "tollgate_requests_total 0"), 500: broken() },
};

function client(operationId: string, summary: string) {
  return { operationId, summary, tags: ["client"], security: [{ accessToken: [] }] };
}

function health(operationId: string, summary: string) {
  // An empty list: no credential, whatever the document asks for elsewhere.
  return { operationId, summary, tags: ["health"], security: [] };
}

function json(schema: ClientSchemaName, example: object) {
  return {
    "application/json": { schema: { $ref: `#/components/schemas/${schema}` }, example },
  };
}

function text(description: string, example: string) {
  return {
    description,
    content: { "text/plain": { schema: { type: "string" as const }, example } },
  };
}

function broken() {
  return text("A failure of ours.", "Internal Server Error");
}

function askedHeaders() {
  const schema = { type: "string" as const };
  return Object.entries(ASKED_HEADERS).map(([name, description]) => {
    return { name, in: "header", required: false, description, schema };
  });
}

function headersOf(names: readonly (keyof typeof HEADERS)[]) {
  const schema = { type: "string" as const };
  return Object.fromEntries(names.map((name) => [name, { description: HEADERS[name], schema }]));
}

/** One response per status that an exchange can be refused with, naming every code that has it. */
function exchangeRefusals() {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const ofExchange = codes.filter((code) => code !== "not_found");
  const statuses = new Set(ofExchange.map((code) => ERRORS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      refusal(...ofExchange.filter((code) => ERRORS[code].status === status)),
    ]),
  );
}

function refusal(...codes: readonly ErrorCode[]) {
  const [first = "internal_error"] = codes;
  const { text: message, type } = ERRORS[first];
  const comesBack = codes.some((code) => ERRORS[code].retry === "later");
  const meanings = codes.map((code) => `\`${code}\`: ${ERRORS[code].text}`);
  return {
    description: meanings.length === 1 ? meanings.join("") : `- ${meanings.join("\n- ")}`,
    headers: {
      ...headersOf(["x-request-id", "x-tollgate-error"]),
      ...(codes.includes("upstream_timeout") && headersOf(["x-tollgate-timeout"])),
      ...(comesBack && headersOf(["retry-after"])),
    },
    content: {
      "application/json": {
        schema: { $ref: "#/components/schemas/Error" },
        example: { error: { message, type, code: first, param: null } },
      },
    },
  };
}
