/** How Anthropic's clients are told of errors, ids and rates. */
import { describe, expect, test } from "bun:test";
import type { ErrorCode } from "../../../src/base/error.ts";
import { anthropicDialect } from "../../../src/dialects/anthropic/dialect.ts";
import { watchStream } from "../../../src/dialects/anthropic/stream.ts";
import { joined } from "../streams.ts";

const { errorBody, errorEvent, errorEventOf, headers } = anthropicDialect;

function told(code: ErrorCode) {
  return { code, message: "The\nsentence.", type: "any", param: null, requestId: "req_1" };
}

const BODY =
  '{"type":"error","error":{"type":"rate_limit_error","message":"The\\nsentence."},"request_id":"req_1"}';

test("an error has its shape as a body and as an event with a name", () => {
  expect(errorBody(told("budget_exceeded"))).toBe(BODY);
  expect(joined([errorEvent(told("budget_exceeded"))])).toBe(`event: error\ndata: ${BODY}\n\n`);
});

test("our own error event is an error to our own watch", () => {
  const watch = watchStream();
  watch.push(errorEvent(told("budget_exceeded")));
  expect(watch.failure()).toEqual({ body: BODY, status: null });
});

describe("the type follows the status", () => {
  test.each([
    ["invalid_json", "invalid_request_error"],
    ["idempotency_conflict", "invalid_request_error"],
    ["invalid_api_key", "authentication_error"],
    ["model_not_allowed", "permission_error"],
    ["model_not_found", "not_found_error"],
    ["idempotency_interrupted", "conflict_error"],
    ["body_too_large", "request_too_large"],
    ["rate_limit_exceeded", "rate_limit_error"],
    ["internal_error", "api_error"],
    ["upstream_error", "api_error"],
    ["provider_unavailable", "overloaded_error"],
    ["upstream_timeout", "timeout_error"],
  ] as const)("%s is %s", (code, type) => {
    expect(JSON.parse(errorBody(told(code)))).toMatchObject({ error: { type } });
  });
});

test("a refusal becomes an event where it is in the same shape, and no other does", () => {
  const body = '{"type":"error",\n"error":{"type":"api_error","message":"m"}}';
  const event = errorEventOf(body);
  expect(event === null ? null : joined([event])).toBe(
    'event: error\ndata: {"type":"error",\ndata: "error":{"type":"api_error","message":"m"}}\n\n',
  );
  const others = ['{"error":{"message":"m"}}', "<html>", '{"type":"error"}'];
  expect(others.map((other) => errorEventOf(other))).toEqual([null, null, null]);
});

test("rates are told in its family, up to the second in which they are whole again", () => {
  const rate = { limit: 50, remaining: 49, resetAtMs: Date.UTC(2026, 10, 29, 12, 0, 0, 1) };
  expect(headers.told?.({ requestId: "req_1", requests: rate, tokens: null })).toEqual({
    "request-id": "req_1",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-11-29T12:00:01Z",
  });
  const tokens = headers.told?.({ requestId: "req_1", requests: null, tokens: rate });
  expect(Object.keys(tokens ?? {}).filter((name) => name.endsWith("-limit"))).toEqual([
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-output-tokens-limit",
  ]);
});
