/**
 * Shapes of the client API in Anthropic's dialect for the document alone: enough to read and to try it
 * out. Members that are not listed are passed on as they are.
 */

type Json = Readonly<Record<string, unknown>>;

export type AnthropicSchemaName =
  | "MessageRequest"
  | "Message"
  | "CountTokensRequest"
  | "TokenCount"
  | "AnthropicError";

const count = { type: "integer" };
const model = { type: "string", description: "Public name of a route, or `provider/model`." };
const content: Json = {
  type: ["string", "array"],
  items: { type: "object", additionalProperties: true },
  description: "A text, or a list of blocks.",
};
const messages: Json = {
  type: "array",
  items: {
    type: "object",
    required: ["role", "content"],
    additionalProperties: true,
    properties: { role: { type: "string", description: "`user` or `assistant`." }, content },
  },
};
const passedOn = "As in Anthropic's API; members that are not listed are passed on as they are.";

export const ANTHROPIC_SCHEMAS: Readonly<Record<AnthropicSchemaName, Json>> = {
  MessageRequest: {
    type: "object",
    required: ["model", "max_tokens", "messages"],
    additionalProperties: true,
    description: passedOn,
    properties: {
      model,
      max_tokens: { type: "integer", description: "Bounds the worst case that is held." },
      messages,
      stream: { type: "boolean", description: "Answer as server-sent events." },
      metadata: {
        type: "object",
        additionalProperties: true,
        properties: {
          user_id: {
            type: "string",
            description: "For whom is asked: budgets of end users count by it.",
          },
        },
      },
    },
  },
  Message: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: {
      id: { type: "string" },
      type: { type: "string" },
      role: { type: "string" },
      model: { type: "string" },
      content: { type: "array", items: { type: "object", additionalProperties: true } },
      stop_reason: { type: ["string", "null"] },
      stop_sequence: { type: ["string", "null"] },
      usage: {
        type: "object",
        additionalProperties: true,
        description: "Model tokens, as the provider counted them.",
        properties: { input_tokens: count, output_tokens: count },
      },
    },
  },
  CountTokensRequest: {
    type: "object",
    required: ["model", "messages"],
    additionalProperties: true,
    description: passedOn,
    properties: { model, messages },
  },
  TokenCount: {
    type: "object",
    additionalProperties: true,
    description: "The provider's own answer.",
    properties: { input_tokens: count },
  },
  AnthropicError: {
    type: "object",
    required: ["type", "error", "request_id"],
    additionalProperties: true,
    description: "What went wrong, as Anthropic's clients read it.",
    properties: {
      type: { type: "string", const: "error" },
      error: {
        type: "object",
        required: ["type", "message"],
        properties: { type: { type: "string" }, message: { type: "string" } },
      },
      request_id: { type: "string" },
    },
  },
};
