/** Conversations that providers keep, and the items in them, as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import { askedHeaders, client, exchangeRefusals } from "./describe.ts";
import {
  answered,
  idParameter,
  modelHeader,
  keptRefusals,
  pageOf,
  pathParameter,
  queryParameter,
} from "./describe-kept.ts";

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
const PAGE = pageOf(ITEM);

const id = idParameter("conversation", CONVERSATION_ID);
const itemId = pathParameter("item_id", "The id of an item in that conversation.", ITEM_ID);
const include = queryParameter("include", "What else is shown of items.");

function body(example: object) {
  return { required: true, content: { "application/json": { schema: object, example } } };
}

export const conversationCreateDetail: DocumentDecoration = {
  ...client("create_conversation", "Create a conversation"),
  description:
    "The provider that serves the model in `x-tollgate-model` keeps it; without that header the only one " +
    "that keeps conversations. Costs nothing. Responses with its id in `conversation` go there.",
  parameters: [...askedHeaders(), modelHeader("conversation")],
  requestBody: { ...body({ ...ITEMS, metadata: CONVERSATION.metadata }), required: false },
  responses: {
    200: answered("The conversation as its provider keeps it.", CONVERSATION),
    ...exchangeRefusals(),
  },
};

export const conversationDetail: DocumentDecoration = {
  ...client("get_conversation", "Show a conversation"),
  description: "Asked of the provider that keeps it; costs nothing.",
  parameters: [id],
  responses: { 200: answered("The conversation as it is now.", CONVERSATION), ...keptRefusals() },
};

export const conversationUpdateDetail: DocumentDecoration = {
  ...client("update_conversation", "Change the metadata of a conversation"),
  parameters: [id],
  requestBody: body({ metadata: CONVERSATION.metadata }),
  responses: { 200: answered("The conversation, changed.", CONVERSATION), ...keptRefusals() },
};

export const conversationDeleteDetail: DocumentDecoration = {
  ...client("delete_conversation", "Delete a conversation"),
  parameters: [id],
  responses: {
    200: answered("Its provider has deleted it, and Tollgate has forgotten it.", {
      id: CONVERSATION_ID,
      object: "conversation.deleted",
      deleted: true,
    }),
    ...keptRefusals(),
  },
};

export const conversationItemsDetail: DocumentDecoration = {
  ...client("list_conversation_items", "List the items of a conversation"),
  parameters: [
    id,
    queryParameter("after", "Id of the last item that came."),
    queryParameter("limit", "How many at most."),
    queryParameter("order", "`asc` or `desc`."),
    include,
  ],
  responses: { 200: answered("A page of them.", PAGE), ...keptRefusals() },
};

export const conversationItemsCreateDetail: DocumentDecoration = {
  ...client("create_conversation_items", "Add items to a conversation"),
  description: "Items and files that are named by their ids must be this tenant's and kept there.",
  parameters: [id, include],
  requestBody: body(ITEMS),
  responses: { 200: answered("The items.", PAGE), ...keptRefusals() },
};

export const conversationItemDetail: DocumentDecoration = {
  ...client("get_conversation_item", "Show an item of a conversation"),
  parameters: [id, itemId, include],
  responses: { 200: answered("The item.", ITEM), ...keptRefusals() },
};

export const conversationItemDeleteDetail: DocumentDecoration = {
  ...client("delete_conversation_item", "Take an item out of a conversation"),
  parameters: [id, itemId],
  responses: { 200: answered("The conversation.", CONVERSATION), ...keptRefusals() },
};
