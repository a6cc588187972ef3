/**
 * Shapes of the client API for the document alone: enough to read and to try it out. What clients
 * send is the provider's business; Tollgate checks only what it depends on, and passes on every
 * member it does not know.
 */
import { ANTHROPIC_SCHEMAS, type AnthropicSchemaName } from "./anthropic-schemas.ts";
import { GOOGLE_SCHEMAS, type GoogleSchemaName } from "./google-schemas.ts";

const model = { type: "string", description: "Public name of a route, or `provider/model`." };

const items = { type: "object", additionalProperties: true };
const count = { type: "integer" };
const usage = {
  type: "object",
  additionalProperties: true,
  description: "Model tokens, as the provider counted them.",
  properties: { prompt_tokens: count, completion_tokens: count, total_tokens: count },
};
const { prompt_tokens, total_tokens } = usage.properties;

const user: Json = {
  type: "string",
  description:
    "For whom is asked, in the client's own word: budgets of end users count by it. " +
    "`safety_identifier` is taken where it is missing.",
};

type Json = Readonly<Record<string, unknown>>;

const input: Json = {
  type: ["string", "array"],
  items,
  description: "A text, or a list of items.",
};
const previous_response_id: Json = {
  type: "string",
  description: "A response of this tenant's, which its provider keeps.",
};

export type ClientSchemaName =
  | AnthropicSchemaName
  | GoogleSchemaName
  | "ChatCompletionRequest"
  | "ChatCompletion"
  | "EmbeddingsRequest"
  | "Embeddings"
  | "ResponseRequest"
  | "ResponseInput"
  | "Response"
  | "ItemList"
  | "Deleted"
  | "Model"
  | "ModelList"
  | "Health";

export const CLIENT_SCHEMAS: Readonly<Record<ClientSchemaName, Json>> = {
  ...ANTHROPIC_SCHEMAS,
  ...GOOGLE_SCHEMAS,
  ChatCompletionRequest: {
    type: "object",
    required: ["model", "messages"],
    additionalProperties: true,
    description: "As in OpenAI's API; members that are not listed are passed on as they are.",
    properties: {
      model,
      messages: {
        type: "array",
        items: {
          type: "object",
          required: ["role"],
          additionalProperties: true,
          properties: {
            role: { type: "string", description: "`system`, `user`, `assistant` or `tool`." },
            content: {
              type: ["string", "array", "null"],
              items: { type: "object", additionalProperties: true },
              description: "A text, or a list of parts.",
            },
          },
        },
      },
      stream: { type: "boolean", description: "Answer as server-sent events." },
      max_completion_tokens: {
        type: "integer",
        description: "Bounds the worst case that is held; without it the output may be capped.",
      },
      user,
    },
  },
  ChatCompletion: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: {
      id: { type: "string" },
      object: { type: "string" },
      created: { type: "integer" },
      model: { type: "string" },
      choices: {
        type: "array",
        items: {
          type: "object",
          additionalProperties: true,
          properties: {
            index: { type: "integer" },
            message: {
              type: "object",
              additionalProperties: true,
              properties: { role: { type: "string" }, content: { type: ["string", "null"] } },
            },
            finish_reason: { type: ["string", "null"] },
          },
        },
      },
      usage,
    },
  },
  EmbeddingsRequest: {
    type: "object",
    required: ["model", "input"],
    additionalProperties: true,
    description: "As in OpenAI's API; members that are not listed are passed on as they are.",
    properties: {
      model,
      user,
      input: {
        type: ["string", "array"],
        items: { type: ["string", "integer", "array"], items: { type: "integer" } },
        description: "A text, a list of texts, or the same as numbers of model tokens.",
      },
    },
  },
  Embeddings: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: {
      object: { type: "string" },
      data: {
        type: "array",
        items: {
          type: "object",
          additionalProperties: true,
          properties: {
            object: { type: "string" },
            index: { type: "integer" },
            embedding: {
              type: ["array", "string"],
              items: { type: "number" },
              description: "Numbers, or base64 where that was asked for.",
            },
          },
        },
      },
      model: { type: "string" },
      usage: { ...usage, properties: { prompt_tokens, total_tokens } },
    },
  },
  ResponseRequest: {
    type: "object",
    required: ["model"],
    additionalProperties: true,
    description: "As in OpenAI's API; members that are not listed are passed on as they are.",
    properties: {
      model,
      input,
      stream: { type: "boolean", description: "Answer as server-sent events." },
      max_output_tokens: {
        type: "integer",
        description: "Bounds the worst case that is held; without it the output may be capped.",
      },
      previous_response_id,
      background: { type: "boolean", description: "Held for until it has ended." },
      user,
    },
  },
  ResponseInput: {
    type: "object",
    required: ["model"],
    additionalProperties: true,
    description: "As in OpenAI's API; members that are not listed are passed on as they are.",
    properties: { model, input, previous_response_id, user },
  },
  Response: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: {
      id: { type: "string" },
      object: { type: "string" },
      status: { type: "string" },
      model: { type: "string" },
      output: { type: "array", items },
      usage: {
        type: ["object", "null"],
        additionalProperties: true,
        properties: { input_tokens: count, output_tokens: count, total_tokens: count },
      },
    },
  },
  ItemList: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: { object: { type: "string" }, data: { type: "array", items } },
  },
  Deleted: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: { id: { type: "string" }, deleted: { type: "boolean" } },
  },
  Model: {
    type: "object",
    required: ["id", "object", "created", "owned_by"],
    description: "A model that this access token may call.",
    properties: {
      id: { type: "string" },
      object: { type: "string" },
      created: { type: "integer", description: "Seconds since 1970." },
      owned_by: { type: "string", description: "Provider of the first target." },
    },
  },
  ModelList: {
    type: "object",
    required: ["object", "data"],
    description: "What this access token may call.",
    properties: {
      object: { type: "string" },
      data: { type: "array", items: { $ref: "#/components/schemas/Model" } },
    },
  },
  Health: {
    type: "object",
    required: ["status"],
    additionalProperties: true,
    description: "A summary with reasons.",
    properties: {
      status: { type: "string", enum: ["ok", "unavailable"] },
      version: { type: "string" },
      draining: { type: "boolean" },
      in_flight: { type: "integer", description: "Exchanges under way." },
      store: {
        type: "object",
        description: "With a `detail` when it fails.",
        properties: {
          status: { type: "string", enum: ["ok", "failing"] },
          detail: { type: "string" },
        },
      },
      ledger_frozen: {
        type: "boolean",
        description: "Hard budgets refuse until an operator accepts a restored ledger.",
      },
      shed_stage: {
        type: "integer",
        description:
          "0: every class is served. When there is too much to do, 1: not batch, 2: only interactive, 3: nothing new.",
      },
      ledger_queue: { type: "integer", description: "Ledger entries that wait for the disk." },
      request_rows_dropped: { type: "integer", description: "Rows that the request log lost." },
      providers: {
        type: "array",
        items: {
          type: "object",
          additionalProperties: true,
          properties: {
            name: { type: "string" },
            enabled: { type: "boolean" },
            breaker: { type: "string", enum: ["closed", "open", "half_open"] },
          },
        },
      },
    },
  },
};
