/** The surfaces in Google's dialect as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import type { GoogleSchemaName } from "../openapi/google-schemas.ts";
import {
  askedHeaders,
  client,
  EXCHANGE_HEADERS,
  exchangeRefusals,
  headersOf,
  json,
  refusalIn,
} from "./describe.ts";

const MODEL = "gemini";
const CONTENT = { role: "user", parts: [{ text: "Say hello." }] };
const ANSWER = {
  candidates: [
    {
      content: { role: "model", parts: [{ text: "Hello!" }] },
      finishReason: "STOP",
      index: 0,
    },
  ],
  usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2, totalTokenCount: 12 },
  modelVersion: MODEL,
};

type Described = {
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  readonly asked: readonly [GoogleSchemaName, object];
  readonly answered: readonly [GoogleSchemaName, object];
};

const MODEL_PARAMETER = {
  name: "model",
  in: "path",
  required: true,
  description: "Public name of a route, or `provider/model`; it may contain slashes.",
  example: MODEL,
  schema: { type: "string" as const },
};

function operation({ id, summary, description, asked, answered }: Described) {
  return {
    ...client(id, summary),
    description,
    parameters: [MODEL_PARAMETER, ...askedHeaders()],
    requestBody: { required: true, content: json(...asked) },
    responses: {
      200: {
        description: "The provider's answer.",
        headers: headersOf(EXCHANGE_HEADERS),
        content: json(...answered),
      },
      ...exchangeRefusals("google"),
    },
  } satisfies DocumentDecoration;
}

const RELAYED =
  "Relayed as it is by providers that speak Google's dialect, with its query but for `key`, in which the " +
  "access token may be presented. The worst case is held against every budget of the access token before " +
  "the call.";

const STREAM_EXAMPLE = `data: ${JSON.stringify(ANSWER)}\n\n`;

export const generateContentDetail = operation({
  id: "generate_content",
  summary: "Generate content",
  description: RELAYED,
  asked: ["GenerateContentRequest", { contents: [CONTENT] }],
  answered: ["GenerateContentResponse", ANSWER],
});

const streamed = operation({
  id: "stream_generate_content",
  summary: "Generate content as a stream",
  description: `${RELAYED} The answer is a JSON array that comes element by element, or with \`alt=sse\` server-sent events.`,
  asked: ["GenerateContentRequest", { contents: [CONTENT] }],
  answered: ["GenerateContentResponse", ANSWER],
});

const items = { $ref: "#/components/schemas/GenerateContentResponse" };

export const streamGenerateContentDetail = {
  ...streamed,
  parameters: [
    ...streamed.parameters,
    {
      name: "alt",
      in: "query",
      required: false,
      description: "`sse` for server-sent events; without it the stream is a JSON array.",
      schema: { type: "string" as const, enum: ["json", "sse"] },
    },
  ],
  responses: {
    ...streamed.responses,
    200: {
      ...streamed.responses[200],
      content: {
        "application/json": { schema: { type: "array" as const, items }, example: [ANSWER] },
        "text/event-stream": { schema: { type: "string" as const }, example: STREAM_EXAMPLE },
      },
    },
  },
} satisfies DocumentDecoration;

export const countContentTokensDetail = operation({
  id: "count_content_tokens",
  summary: "Count the tokens of contents",
  description:
    "Free of charge, and needs no price; refused all the same where a hard budget is used up.",
  asked: ["CountContentTokensRequest", { contents: [CONTENT] }],
  answered: ["ContentTokenCount", { totalTokens: 10 }],
});

export const embedContentDetail = operation({
  id: "embed_content",
  summary: "Embed a content",
  description: RELAYED,
  asked: ["EmbedContentRequest", { content: { parts: [{ text: "hello" }] } }],
  answered: ["ContentEmbedding", { embedding: { values: [0.1, -0.2] } }],
});

export const batchEmbedContentsDetail = operation({
  id: "batch_embed_contents",
  summary: "Embed several contents",
  description: RELAYED,
  asked: [
    "BatchEmbedContentsRequest",
    { requests: [{ model: `models/${MODEL}`, content: { parts: [{ text: "hello" }] } }] },
  ],
  answered: ["ContentEmbeddings", { embeddings: [{ values: [0.1, -0.2] }] }],
});

const MODEL_EXAMPLE = {
  name: `models/${MODEL}`,
  displayName: MODEL,
  supportedGenerationMethods: ["generateContent"],
};

export const googleModelsDetail = {
  ...client("list_models_beta", "List the models you may call, as Google does"),
  responses: {
    200: {
      description: "Models, by name, in pages.",
      content: json("GoogleModelList", { models: [MODEL_EXAMPLE] }),
    },
    401: refusalIn("google", ["invalid_api_key"]),
    500: refusalIn("google", ["internal_error"]),
  },
} satisfies DocumentDecoration;

export const googleModelDetail = {
  ...client("get_model_beta", "Show one model, as Google does"),
  parameters: [MODEL_PARAMETER],
  responses: {
    200: { description: "The model.", content: json("GoogleModel", MODEL_EXAMPLE) },
    401: refusalIn("google", ["invalid_api_key"]),
    404: refusalIn("google", ["model_not_found"]),
    500: refusalIn("google", ["internal_error"]),
  },
} satisfies DocumentDecoration;
