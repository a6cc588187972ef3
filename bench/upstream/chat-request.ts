/**
 * What a chat completion request asks for, read with the strictness that OpenAI shows: a member of
 * the wrong kind is refused with its name, an unknown member is none of our business.
 */

import { isObject, type JsonObject } from "./json.ts";
import { invalidRequest, type OpenaiError } from "./openai-error.ts";

/** A function the client offers; `parameters` is its JSON Schema, unread. */
export type Tool = { readonly name: string; readonly parameters: unknown };

/** Text, or JSON that fits a schema. */
type ResponseFormat =
  | { readonly kind: "text" }
  | { readonly kind: "json"; readonly schema: unknown };

/** The members that decide the answer. */
export type ChatRequest = {
  readonly promptCharacters: number;
  /** Infinity when the client set none. */
  readonly outputTokensMax: number;
  readonly choices: number;
  readonly stream: boolean;
  readonly hasStreamOptions: boolean;
  readonly includeUsage: boolean;
  readonly tools: readonly Tool[];
  /** True when a tool must be called, or the name of the one. */
  readonly forcedTool: boolean | string;
  /** The conversation ends with a tool's answer, which a model would now put into words. */
  readonly endsWithToolAnswer: boolean;
  readonly responseFormat: ResponseFormat;
};

/** The request, or why it is refused. */
export function readChatRequest(body: JsonObject): ChatRequest | OpenaiError {
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0) {
    return invalidRequest("'messages' must be a list of at least one message.", "messages");
  }
  const badMessage = messages.findIndex(
    (message) => !isObject(message) || !isRole(message["role"]),
  );
  if (badMessage >= 0) {
    return invalidRequest("Every message needs a known 'role'.", `messages[${badMessage}].role`);
  }
  for (const name of ["max_tokens", "max_completion_tokens", "n"]) {
    const value = body[name] ?? 1;
    if (
      !Number.isSafeInteger(value) ||
      Number(value) < 1 ||
      (name === "n" && Number(value) > 128)
    ) {
      return invalidRequest(`'${name}' must be a positive whole number.`, name);
    }
  }
  const stream = body["stream"] ?? false;
  if (typeof stream !== "boolean") {
    return invalidRequest("'stream' must be true or false.", "stream");
  }
  const options = body["stream_options"] ?? undefined;
  if (options !== undefined && !stream) {
    const message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
    return invalidRequest(message, "stream_options");
  }
  const last: unknown = messages.at(-1);
  return {
    promptCharacters: messages.reduce((sum: number, message) => sum + charactersOf(message), 0),
    outputTokensMax: Number(
      body["max_completion_tokens"] ?? body["max_tokens"] ?? Number.POSITIVE_INFINITY,
    ),
    choices: Number(body["n"] ?? 1),
    stream,
    hasStreamOptions: options !== undefined,
    includeUsage: isObject(options) && options["include_usage"] === true,
    tools: body["tool_choice"] === "none" ? noTools : readTools(body["tools"]),
    forcedTool: readForcedTool(body["tool_choice"]),
    endsWithToolAnswer: isObject(last) && last["role"] === "tool",
    responseFormat: readResponseFormat(body["response_format"]),
  };
}

const noTools: readonly Tool[] = [];

const roles = new Set(["system", "developer", "user", "assistant", "tool", "function"]);

function isRole(value: unknown): boolean {
  return typeof value === "string" && roles.has(value);
}

/** Length of what a message says: a text, or the text parts of a list. Images count nothing. */
function charactersOf(message: unknown): number {
  const content = isObject(message) ? message["content"] : undefined;
  if (typeof content === "string") {
    return content.length;
  }
  if (!Array.isArray(content)) {
    return 0;
  }
  return content.reduce(
    (sum: number, part) =>
      sum + (isObject(part) && typeof part["text"] === "string" ? part["text"].length : 0),
    0,
  );
}

/** Tools of other kinds than functions are nobody we could call. */
function readTools(tools: unknown): readonly Tool[] {
  if (!Array.isArray(tools)) {
    return noTools;
  }
  return tools.flatMap((tool) => {
    const described: unknown = isObject(tool) ? tool["function"] : undefined;
    return isObject(described) && typeof described["name"] === "string"
      ? [{ name: described["name"], parameters: described["parameters"] }]
      : [];
  });
}

/** `required`, or the function that must be called. */
function readForcedTool(toolChoice: unknown): boolean | string {
  if (isObject(toolChoice) && isObject(toolChoice["function"])) {
    const name = toolChoice["function"]["name"];
    return typeof name === "string" ? name : true;
  }
  return toolChoice === "required";
}

function readResponseFormat(format: unknown): ResponseFormat {
  if (!isObject(format)) {
    return { kind: "text" };
  }
  if (format["type"] === "json_schema" && isObject(format["json_schema"])) {
    return { kind: "json", schema: format["json_schema"]["schema"] };
  }
  const anyObject = {
    type: "object",
    required: ["text"],
    properties: { text: { type: "string" } },
  };
  return format["type"] === "json_object" ? { kind: "json", schema: anyObject } : { kind: "text" };
}
