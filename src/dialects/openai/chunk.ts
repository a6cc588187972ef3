/**
 * What one parsed chunk of a stream says: an error, content, nothing but usage. Pure reading; which
 * chunks are worth parsing is stream.ts's business.
 */
import type { AnswerFailure } from "../contract.ts";
import { isObject, type JsonObject } from "../json.ts";

const textMembers = ["content", "reasoning_content", "reasoning", "refusal"] as const;
const listMembers = ["tool_calls", "reasoning_details"] as const;
const objectMembers = ["function_call", "audio"] as const;

/**
 * The error that a chunk is; null when it is none. `data` is its text. OpenAI, SGLang, OpenRouter and
 * others send `{"error":…}`, some with a choice beside it; vLLM also sends the error bare, as
 * `{"object":"error",…}` (goose pull request 8031, read 2026-11).
 */
export function failureOf(chunk: JsonObject, data: string): AnswerFailure | null {
  const error = chunk["error"];
  if (isObject(error)) return { body: data, status: statusOf(error) ?? statusOf(chunk) };
  const isError = (typeof error === "string" && error !== "") || chunk["object"] === "error";
  return isError ? { body: data, status: statusOf(chunk) } : null;
}

/** An HTTP status of the error range among the members that providers put it in. */
function statusOf(error: JsonObject): number | null {
  for (const name of ["status", "status_code", "code"]) {
    const value = error[name];
    const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599) {
      return status;
    }
  }
  return null;
}

/** A choice names why it ended. */
export function hasFinished(chunk: JsonObject): boolean {
  const choices = chunk["choices"];
  return Array.isArray(choices) && choices.some((choice) => isObject(choice) && isFinish(choice));
}

function isFinish(choice: JsonObject): boolean {
  return typeof choice["finish_reason"] === "string" && choice["finish_reason"] !== "";
}

/** Text, a tool call, a refusal, sound or a finish; a role or an empty delta is not content. */
export function hasContent(chunk: JsonObject): boolean {
  const choices = chunk["choices"];
  return Array.isArray(choices) && choices.some(isContentChoice);
}

function isContentChoice(choice: unknown): boolean {
  if (!isObject(choice)) return false;
  if (isFinish(choice)) return true;
  const delta = choice["delta"];
  if (!isObject(delta)) return false;
  return (
    // Mistral's reasoning models send `content` as a list of parts (2026-11).
    textMembers.some((name) => isFilled(delta[name]) || isFilledList(delta[name])) ||
    listMembers.some((name) => isFilledList(delta[name])) ||
    objectMembers.some((name) => isObject(delta[name]))
  );
}

function isFilled(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** A chunk that exists to report usage: OpenAI's has an empty `choices`, some servers leave it out. */
export function isUsageChunk(chunk: JsonObject): boolean {
  const choices = chunk["choices"] ?? [];
  return isObject(chunk["usage"]) && Array.isArray(choices) && choices.length === 0;
}
