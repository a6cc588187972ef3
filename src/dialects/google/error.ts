/**
 * Our errors as Google's clients expect them (google.rpc.Status as JSON): as a body, as the last event of a
 * stream, and as the last element of a streamed array. What our code is stands in `details`, and so does
 * when to come back, which is where clients look for it (gemini-cli, 2026-11).
 */
import { ERRORS, type ErrorCode } from "../../base/error.ts";
import { failureBody } from "../failure.ts";
import { isObject } from "../json.ts";
import type { ErrorReply, Framing } from "../reply-contract.ts";
import { writeEvent } from "../sse-event.ts";

const BY_STATUS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  413: "INVALID_ARGUMENT",
  422: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** The name of the google.rpc code that fits one of ours. */
function statusName(code: ErrorCode): string {
  return BY_STATUS[ERRORS[code].status] ?? "UNKNOWN";
}

export function errorBody(error: ErrorReply): string {
  return JSON.stringify(errorObject(error));
}

function errorObject({ code, message, param, requestId, retryAfterS }: ErrorReply): object {
  const about = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: reasonOf(code),
    domain: "tollgate",
    metadata: { request_id: requestId, ...(param === null ? {} : { param }) },
  };
  const retry = {
    "@type": "type.googleapis.com/google.rpc.RetryInfo",
    retryDelay: `${retryAfterS}s`,
  };
  const details = retryAfterS === undefined ? [about] : [about, retry];
  return { error: { code: ERRORS[code].status, message, status: statusName(code), details } };
}

/** Google's own word where it has one; clients know it. */
function reasonOf(code: ErrorCode): string {
  return code === "invalid_api_key" ? "API_KEY_INVALID" : code.toUpperCase();
}

/** Official clients throw on an event with an `error` that has a numeric code (@google/genai 3.1, 2026-11). */
export function errorEvent(error: ErrorReply): Uint8Array {
  return writeEvent(errorBody(error));
}

/** On one line: clients read no event of several. */
export function errorEventOf(body: Uint8Array<ArrayBuffer> | string): Uint8Array | null {
  const failure = errorIn(body);
  return failure === null ? null : writeEvent(JSON.stringify(failure));
}

/** null where clients would not take it for an error. */
function errorIn(body: Uint8Array<ArrayBuffer> | string): object | null {
  const failure = failureBody(typeof body === "string" ? encoder.encode(body) : body);
  const error = failure?.["error"];
  return isObject(error) && typeof error["code"] === "number" ? failure : null;
}

const encoder = new TextEncoder();

/** Streams that are JSON arrays. Google refuses them by an array, too. */
export const ARRAY_FRAMING: Framing = {
  isStream: (contentType) => contentType.startsWith("application/json"),
  contentType: "application/json; charset=UTF-8",
  keepAlive: encoder.encode("\n"),
  errorBody: (error) => `[${errorBody(error)}]`,
  errorPart: (error, hasBegun) => encoder.encode(`${hasBegun ? "," : "["}${errorBody(error)}]`),
  errorPartOf: (body) => {
    const failure = errorIn(body);
    return failure === null ? null : encoder.encode(`[${JSON.stringify(failure)}]`);
  },
};
