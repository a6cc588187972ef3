/** The surfaces in Anthropic's dialect as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import {
  askedHeaders,
  client,
  EXCHANGE_HEADERS,
  exchangeRefusals,
  headersOf,
  json,
} from "./describe.ts";

const MODEL = "claude";
const MESSAGES = [{ role: "user", content: "Say hello." }];

const STREAM_EXAMPLE = `event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello!"}}

event: message_stop
data: {"type":"message_stop"}

`;

export const messagesDetail: DocumentDecoration = {
  ...client("create_message", "Create a message"),
  description:
    "Relayed as it is, with its query, its `anthropic-beta` and its `anthropic-version` (2023-06-01 " +
    "where there is none), by providers that speak this dialect. The worst case is held against every " +
    "budget of the access token before the call. Rates are told as `anthropic-ratelimit-*` as well.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("MessageRequest", { model: MODEL, max_tokens: 1_024, messages: MESSAGES }),
  },
  responses: {
    200: {
      description: "The provider's answer; server-sent events when `stream` is true.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: {
        ...json("Message", {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: MODEL,
          content: [{ type: "text", text: "Hello!" }],
          stop_reason: "end_turn",
          stop_sequence: null,
          usage: { input_tokens: 10, output_tokens: 2 },
        }),
        "text/event-stream": { schema: { type: "string" }, example: STREAM_EXAMPLE },
      },
    },
    ...exchangeRefusals("anthropic"),
  },
};

export const countTokensDetail: DocumentDecoration = {
  ...client("count_message_tokens", "Count the tokens of a message"),
  description:
    "Free of charge, and needs no price; refused all the same where a hard budget is used up.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("CountTokensRequest", { model: MODEL, messages: MESSAGES }),
  },
  responses: {
    200: {
      description: "The provider's count.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: json("TokenCount", { input_tokens: 10 }),
    },
    ...exchangeRefusals("anthropic"),
  },
};
