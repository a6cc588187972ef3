/** The surfaces in OpenAI's dialect as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import {
  askedHeaders,
  client,
  EXCHANGE_HEADERS,
  exchangeRefusals,
  headersOf,
  json,
} from "./describe.ts";

/** The demo's, so that a newcomer's first "Try it out" is answered. */
const CHAT_MODEL = "sim-small";
const EMBEDDING_MODEL = "sim-embed";

const STREAM_EXAMPLE = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1763631000,"model":"sim-small","choices":[{"index":0,"delta":{"content":"Hello!"},"finish_reason":null}]}

data: [DONE]

`;

export const chatDetail: DocumentDecoration = {
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

export const embeddingsDetail: DocumentDecoration = {
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
