/**
 * Failures as Anthropic words them: `{"type":"error","error":{"type","message"}}`, as a body and as the
 * data of an `error` event (API reference "Errors", 2026-11). An empty account and a reached spend limit
 * come as 400 `invalid_request_error`, known only by their sentence (claude-code issue 66314, 2026-06).
 */
import type { FailureAnswer, FailureReading } from "../failure-contract.ts";
import { kindOfSentence } from "../failure-texts.ts";
import { kindIn, type KindTable, sentenceOf, wordOf } from "../failure.ts";
import { isObject } from "../json.ts";

const BY_TYPE: KindTable = {
  authentication_error: "credential_refused",
  billing_error: "credit_exhausted",
  permission_error: "not_permitted",
  not_found_error: "model_unknown",
  request_too_large: "request_too_large",
  rate_limit_error: "throttled",
  overloaded_error: "overloaded",
};

/** What only an error without a status needs to be told by. */
const BY_TYPE_ALONE: KindTable = {
  invalid_request_error: "invalid_request",
  api_error: "server_error",
  timeout_error: "server_error",
};

export function readAnthropicFailure({ status, body }: FailureAnswer): FailureReading | null {
  const error = body["error"];
  if (body["type"] !== "error" || !isObject(error)) return null;
  const type = wordOf(error["type"]);
  const kind =
    kindIn(BY_TYPE, type) ??
    kindOfSentence(sentenceOf(error["message"])) ??
    (status === null ? kindIn(BY_TYPE_ALONE, type) : undefined);
  return { kind: kind ?? null, retryAfterMs: null };
}
