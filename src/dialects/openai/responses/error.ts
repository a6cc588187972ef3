/**
 * Errors within a stream of responses. OpenAI's reference has their members beside `type`; what it sends has
 * them in `error` (openai-dotnet issue 881, 2025-12; goai pull request 88, 2026-06). Ours have both, so
 * that the official client throws and those that follow the reference find what they look for.
 */
import { failureBody } from "../../failure.ts";
import { isObject, type JsonObject } from "../../json.ts";
import type { ErrorReply, Framing } from "../../reply-contract.ts";
import { writeEvent } from "../../sse-event.ts";
import { errorBody } from "../error.ts";

/** `sequence`: the number of the event. */
export function responseErrorEvent(error: JsonObject, sequence: number): Uint8Array {
  const { type = null, code = null, message = null, param = null } = error;
  const told = { type: "error", code, message, param, sequence_number: sequence };
  return writeEvent(
    JSON.stringify({ ...told, error: { ...error, type, code, message, param } }),
    "error",
  );
}

export function errorMembers({ type, code, message, param }: ErrorReply): JsonObject {
  return { type, code, message, param };
}

const EVENT_STREAM = "text/event-stream";
const COMMENT = new TextEncoder().encode(": keep-alive\n\n");

/** Server-sent events like all others of OpenAI's, but for their errors. */
export const RESPONSE_FRAMING: Framing = {
  hasEvents: true,
  isStream: (contentType) => contentType.startsWith(EVENT_STREAM),
  contentType: `${EVENT_STREAM}; charset=utf-8`,
  keepAlive: COMMENT,
  errorBody,
  errorPart: (error) => responseErrorEvent(errorMembers(error), 0),
  errorPartOf: (body) => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const error = failureBody(bytes)?.["error"];
    return isObject(error) ? responseErrorEvent(error, 0) : null;
  },
};
