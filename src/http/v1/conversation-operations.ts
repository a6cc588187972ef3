/** Conversations that providers keep, and the items in them, as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import {
  askedHeaders,
  client,
  EXCHANGE_HEADERS,
  exchangeRefusals,
  headersOf,
  refusal,
} from "./describe.ts";

const text = { type: "string" as const };
const object = { type: "object" as const };

const CONVERSATION_ID = "conv_123";
const CONVERSATION = {
  id: CONVERSATION_ID,
  object: "conversation",
  created_at: 1_763_631_000,
  metadata: { topic: "demo" },
};
const ITEM_ID = "msg_abc";
const ITEM = {
  type: "message",
  id: ITEM_ID,
  status: "completed",
  role: "user",
  content: [{ type: "input_text", text: "Say hello." }],
};
const ITEMS = { items: [{ role: "user", content: "Say hello." }] };
const PAGE = { object: "list", data: [ITEM], first_id: ITEM_ID, last_id: ITEM_ID, has_more: false };

const idParameter = {
  name: "id",
  in: "path",
  required: true,
  description: "The id that the provider gave to a conversation of this tenant's.",
  example: CONVERSATION_ID,
  schema: text,
};
const itemParameter = {
  name: "item_id",
  in: "path",
  required: true,
  description: "The id of an item in that conversation.",
  example: ITEM_ID,
  schema: text,
};

function queryParameter(name: string, description: string) {
  return { name, in: "query", required: false, description, schema: text };
}

const include = queryParameter("include", "What else is shown of items.");

function body(example: object) {
  return { required: true, content: { "application/json": { schema: object, example } } };
}

function answered(description: string, example: object) {
  const content = { "application/json": { schema: object, example } };
  return { description, headers: headersOf(EXCHANGE_HEADERS), content };
}

/** Every refusal of an exchange, and that there is no such conversation. */
function ownedRefusals() {
  return { ...exchangeRefusals(), 404: refusal("not_found") };
}

export const conversationCreateDetail: DocumentDecoration = {
  ...client("create_conversation", "Create a conversation"),
  description:
    "The provider that serves the model in `x-tollgate-model` keeps it; without that header the only one " +
    "that keeps conversations. Costs nothing. Responses with its id in `conversation` go there.",
  parameters: [
    ...askedHeaders(),
    {
      name: "x-tollgate-model",
      in: "header",
      required: false,
      description: "The model that the conversation is for.",
      schema: text,
    },
  ],
  requestBody: { ...body({ ...ITEMS, metadata: CONVERSATION.metadata }), required: false },
  responses: {
    200: answered("The conversation as its provider keeps it.", CONVERSATION),
    ...exchangeRefusals(),
  },
};

export const conversationDetail: DocumentDecoration = {
  ...client("get_conversation", "Show a conversation"),
  description: "Asked of the provider that keeps it; costs nothing.",
  parameters: [idParameter],
  responses: { 200: answered("The conversation as it is now.", CONVERSATION), ...ownedRefusals() },
};

export const conversationUpdateDetail: DocumentDecoration = {
  ...client("update_conversation", "Change the metadata of a conversation"),
  parameters: [idParameter],
  requestBody: body({ metadata: CONVERSATION.metadata }),
  responses: { 200: answered("The conversation, changed.", CONVERSATION), ...ownedRefusals() },
};

export const conversationDeleteDetail: DocumentDecoration = {
  ...client("delete_conversation", "Delete a conversation"),
  parameters: [idParameter],
  responses: {
    200: answered("Its provider has deleted it, and Tollgate has forgotten it.", {
      id: CONVERSATION_ID,
      object: "conversation.deleted",
      deleted: true,
    }),
    ...ownedRefusals(),
  },
};

export const conversationItemsDetail: DocumentDecoration = {
  ...client("list_conversation_items", "List the items of a conversation"),
  parameters: [
    idParameter,
    queryParameter("after", "Id of the last item that came."),
    queryParameter("limit", "How many at most."),
    queryParameter("order", "`asc` or `desc`."),
    include,
  ],
  responses: { 200: answered("A page of them.", PAGE), ...ownedRefusals() },
};

export const conversationItemsCreateDetail: DocumentDecoration = {
  ...client("create_conversation_items", "Add items to a conversation"),
  description: "Items and files that are named by their ids must be this tenant's and kept there.",
  parameters: [idParameter, include],
  requestBody: body(ITEMS),
  responses: { 200: answered("The items.", PAGE), ...ownedRefusals() },
};

export const conversationItemDetail: DocumentDecoration = {
  ...client("get_conversation_item", "Show an item of a conversation"),
  parameters: [idParameter, itemParameter, include],
  responses: { 200: answered("The item.", ITEM), ...ownedRefusals() },
};

export const conversationItemDeleteDetail: DocumentDecoration = {
  ...client("delete_conversation_item", "Take an item out of a conversation"),
  parameters: [idParameter, itemParameter],
  responses: { 200: answered("The conversation.", CONVERSATION), ...ownedRefusals() },
};
