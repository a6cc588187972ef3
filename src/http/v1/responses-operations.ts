/** OpenAI's responses, and what there is to do with one that its provider keeps, as the document describes them. */
import type { DocumentDecoration } from "elysia";
import {
  askedHeaders,
  client,
  EXCHANGE_HEADERS,
  exchangeRefusals,
  headersOf,
  json,
} from "./describe.ts";
import { idParameter, keptRefusals, queryParameter } from "./describe-kept.ts";

const MODEL = "gpt-5-mini";
const RESPONSE_ID = "resp_67ccfcdd16748190a91872c75d38539e";

const ITEM_EXAMPLE = {
  type: "message",
  id: "msg_67ccfcde",
  status: "completed",
  role: "assistant",
  content: [{ type: "output_text", text: "Hello!", annotations: [] }],
};

const RESPONSE_EXAMPLE = {
  id: RESPONSE_ID,
  object: "response",
  created_at: 1_763_631_000,
  status: "completed",
  model: MODEL,
  output: [ITEM_EXAMPLE],
  usage: { input_tokens: 10, output_tokens: 2, total_tokens: 12 },
};

const STREAM_EXAMPLE = `event: response.output_text.delta
data: {"type":"response.output_text.delta","item_id":"msg_67ccfcde","output_index":0,"content_index":0,"delta":"Hello!","sequence_number":4}

`;

function answered(description: string) {
  return {
    description,
    headers: headersOf(EXCHANGE_HEADERS),
    content: {
      ...json("Response", RESPONSE_EXAMPLE),
      "text/event-stream": { schema: { type: "string" as const }, example: STREAM_EXAMPLE },
    },
  };
}

export const responsesDetail: DocumentDecoration = {
  ...client("create_response", "Create a response"),
  description:
    "Relayed as it is, server-sent events included. A response that its provider keeps is this tenant's: " +
    "`previous_response_id`, `conversation` and references to items send a request to the provider and " +
    "credential that keep them. What a `background` response may cost is held until it has ended; then it " +
    "is charged what it cost, whether or not anybody asks for it.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("ResponseRequest", { model: MODEL, input: "Say hello." }),
  },
  responses: {
    200: answered("The provider's answer; server-sent events when `stream` is true."),
    ...exchangeRefusals(),
  },
};

export const responseCompactDetail: DocumentDecoration = {
  ...client("compact_response", "Compact a conversation"),
  description:
    "One plain answer, paid in tokens like a response. Nothing in the body bounds its output, so that as " +
    "much is held as its model can write.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("ResponseInput", { model: MODEL, input: "Say hello." }),
  },
  responses: {
    200: {
      description: "The provider's answer, to be the input of what follows.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: json("Response", {
        id: RESPONSE_ID,
        object: "response.compaction",
        created_at: 1_763_631_000,
        output: [{ type: "compaction", id: "cmp_67ccfcde", encrypted_content: "gAAAAABp" }],
        usage: { input_tokens: 10, output_tokens: 2, total_tokens: 12 },
      }),
    },
    ...exchangeRefusals(),
  },
};

export const responseCountDetail: DocumentDecoration = {
  ...client("count_response_tokens", "Count the input tokens of a response"),
  description:
    "Free of charge, and needs no price; refused all the same where a hard budget is used up.",
  parameters: askedHeaders(),
  requestBody: {
    required: true,
    content: json("ResponseInput", { model: MODEL, input: "Say hello." }),
  },
  responses: {
    200: {
      description: "The provider's count.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: json("TokenCount", { object: "response.input_tokens", input_tokens: 10 }),
    },
    ...exchangeRefusals(),
  },
};

const id = idParameter("response", RESPONSE_ID);

export const responseDetail: DocumentDecoration = {
  ...client("get_response", "Show a response"),
  description: "Asked of the provider that keeps it; costs nothing.",
  parameters: [
    id,
    queryParameter("stream", "`true`: its events again, as server-sent events."),
    queryParameter("starting_after", "Number of the last event that came."),
  ],
  responses: { 200: answered("The response as it is now."), ...keptRefusals() },
};

export const responseDeleteDetail: DocumentDecoration = {
  ...client("delete_response", "Delete a response"),
  parameters: [id],
  responses: {
    200: {
      description: "Its provider has deleted it, and Tollgate has forgotten it.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: json("Deleted", { id: RESPONSE_ID, object: "response", deleted: true }),
    },
    ...keptRefusals(),
  },
};

export const responseCancelDetail: DocumentDecoration = {
  ...client("cancel_response", "Cancel a background response"),
  parameters: [id],
  responses: { 200: answered("The response, cancelled."), ...keptRefusals() },
};

export const responseInputDetail: DocumentDecoration = {
  ...client("list_response_input_items", "List the input items of a response"),
  parameters: [
    id,
    queryParameter("after", "Id of the last item that came."),
    queryParameter("limit", "How many at most."),
    queryParameter("order", "`asc` or `desc`."),
  ],
  responses: {
    200: {
      description: "A page of them.",
      headers: headersOf(EXCHANGE_HEADERS),
      content: json("ItemList", { object: "list", data: [ITEM_EXAMPLE], has_more: false }),
    },
    ...keptRefusals(),
  },
};
