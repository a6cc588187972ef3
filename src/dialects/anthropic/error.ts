/**
 * Our errors as Anthropic's clients expect them: `{"type":"error","error":{"type","message"},"request_id"}`
 * as a body and as an `error` event. Clients tell events by their name and pass over those without one
 * (@anthropic-ai/sdk 1.11, 2026-11), so the name is part of the error.
 */
import { ERRORS } from "../../base/error.ts";
import type { ErrorReply } from "../reply-contract.ts";
import { failureBody } from "../failure.ts";
import { isObject } from "../json.ts";
import { writeEvent } from "../sse-event.ts";

/** Types by status, as the API reference has them (errors, 2026-11). */
const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

export function errorBody({ code, message, requestId }: ErrorReply): string {
  const { status } = ERRORS[code];
  const type = TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return JSON.stringify({ type: "error", error: { type, message }, request_id: requestId });
}

export function errorEvent(error: ErrorReply): Uint8Array {
  return writeEvent(errorBody(error), "error");
}

/** A body that is an error in Anthropic's shape; of any other, clients could not tell what it says. */
export function errorEventOf(body: Uint8Array<ArrayBuffer> | string): Uint8Array | null {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const failure = failureBody(bytes);
  if (failure === null || failure["type"] !== "error" || !isObject(failure["error"])) return null;
  return writeEvent(new TextDecoder().decode(bytes), "error");
}
