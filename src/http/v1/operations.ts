/**
 * The client API and the health endpoints as the OpenAPI document describes them: each surface by the
 * table, beside what is no exchange.
 */
import type { DocumentDecoration } from "elysia";
import type { Surface } from "../../dialects/surfaces.ts";
import { countTokensDetail, messagesDetail } from "./anthropic-operations.ts";
import { batchCancelDetail, batchCreateDetail, batchDetail } from "./batch-operations.ts";
import {
  conversationCreateDetail,
  conversationDeleteDetail,
  conversationDetail,
  conversationItemDeleteDetail,
  conversationItemDetail,
  conversationItemsCreateDetail,
  conversationItemsDetail,
  conversationUpdateDetail,
} from "./conversation-operations.ts";
import { broken, client, health, json, refusal, text } from "./describe.ts";
import {
  fileContentDetail,
  fileCreateDetail,
  fileDeleteDetail,
  fileDetail,
} from "./file-operations.ts";
import {
  imageEditsDetail,
  imageVariationsDetail,
  transcriptionsDetail,
  translationsDetail,
} from "./form-operations.ts";
import {
  batchEmbedContentsDetail,
  countContentTokensDetail,
  embedContentDetail,
  generateContentDetail,
  streamGenerateContentDetail,
} from "./google-operations.ts";
import {
  completionsDetail,
  imageGenerationsDetail,
  moderationsDetail,
  rerankDetail,
  speechDetail,
} from "./metered-operations.ts";
import { chatDetail, embeddingsDetail } from "./openai-operations.ts";
import {
  responseCancelDetail,
  responseCompactDetail,
  responseCountDetail,
  responseDeleteDetail,
  responseDetail,
  responseInputDetail,
  responsesDetail,
} from "./responses-operations.ts";

/** The demo's, so that a newcomer's first "Try it out" is answered. */
const CHAT_MODEL = "sim-small";

const MODEL_EXAMPLE = {
  id: CHAT_MODEL,
  object: "model",
  created: 1_763_631_000,
  owned_by: "simulated",
};

/** What the document says of each surface. */
export const SURFACE_DETAILS: Readonly<Record<Surface, DocumentDecoration>> = {
  chat: chatDetail,
  embeddings: embeddingsDetail,
  completions: completionsDetail,
  moderations: moderationsDetail,
  image_generations: imageGenerationsDetail,
  speech: speechDetail,
  rerank: rerankDetail,
  messages: messagesDetail,
  count_tokens: countTokensDetail,
  transcriptions: transcriptionsDetail,
  translations: translationsDetail,
  image_edits: imageEditsDetail,
  image_variations: imageVariationsDetail,
  files: fileCreateDetail,
  file: fileDetail,
  file_delete: fileDeleteDetail,
  file_content: fileContentDetail,
  batches: batchCreateDetail,
  batch: batchDetail,
  batch_cancel: batchCancelDetail,
  responses: responsesDetail,
  response_compact: responseCompactDetail,
  response_input_tokens: responseCountDetail,
  response: responseDetail,
  response_delete: responseDeleteDetail,
  response_cancel: responseCancelDetail,
  response_input_items: responseInputDetail,
  conversations: conversationCreateDetail,
  conversation: conversationDetail,
  conversation_update: conversationUpdateDetail,
  conversation_delete: conversationDeleteDetail,
  conversation_items: conversationItemsDetail,
  conversation_items_create: conversationItemsCreateDetail,
  conversation_item: conversationItemDetail,
  conversation_item_delete: conversationItemDeleteDetail,
  generate_content: generateContentDetail,
  stream_generate_content: streamGenerateContentDetail,
  count_content_tokens: countContentTokensDetail,
  embed_content: embedContentDetail,
  batch_embed_contents: batchEmbedContentsDetail,
};

export const modelsDetail: DocumentDecoration = {
  ...client("list_models", "List the models you may call"),
  responses: {
    200: {
      description: "Models that can be called in the wire language in which they are asked for.",
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
