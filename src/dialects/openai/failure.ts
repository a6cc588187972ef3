/**
 * Failures as OpenAI words them, `{"error":{"message","type","code"}}`, and as the many do who speak its
 * language in their own manner: Azure (`innererror`), vLLM (bare, `"object":"error"`), xAI (`error` is the
 * sentence), OpenRouter (`metadata.raw`), LiteLLM, Groq, DeepSeek, Mistral, Together, llama.cpp, FastAPI's
 * `detail`. Where code and type say nothing, the sentence may.
 */
import type { FailureAnswer, FailureKind, FailureReading } from "../failure-contract.ts";
import { kindOfQuoted, kindOfSentence } from "../failure-texts.ts";
import { kindIn, type KindTable, sentenceOf, wordOf } from "../failure.ts";
import { isObject, type JsonObject } from "../json.ts";

/** Codes and types, in lower case. */
const WORDS: KindTable = {
  context_length_exceeded: "context_too_long",
  context_window_exceeded: "context_too_long",
  exceed_context_size_error: "context_too_long",
  content_filter: "content_filtered",
  content_policy_violation: "content_filtered",
  responsibleaipolicyviolation: "content_filtered",
  moderation_blocked: "content_filtered",
  // Of responses: the prompt was flagged (OpenAI's reference, 2026-11).
  invalid_prompt: "content_filtered",
  image_content_policy_violation: "content_filtered",
  data_inspection_failed: "content_filtered",
  insufficient_quota: "credit_exhausted",
  billing_hard_limit_reached: "credit_exhausted",
  billing_not_active: "credit_exhausted",
  billing_error: "credit_exhausted",
  exceeded_current_quota_error: "credit_exhausted",
  insufficient_balance: "credit_exhausted",
  insufficient_credits: "credit_exhausted",
  budget_exceeded: "credit_exhausted",
  arrearage: "credit_exhausted",
  accountoverdueerror: "credit_exhausted",
  invalid_api_key: "credential_refused",
  incorrect_api_key: "credential_refused",
  account_deactivated: "credential_refused",
  authentication_error: "credential_refused",
  invalid_authentication_error: "credential_refused",
  model_not_found: "model_unknown",
  deploymentnotfound: "model_unknown",
  deployment_not_found: "model_unknown",
  model_not_available: "model_unknown",
  model_decommissioned: "model_unknown",
  invalid_model: "model_unknown",
  unknown_model: "model_unknown",
  permission_error: "not_permitted",
  permission_denied: "not_permitted",
  insufficient_permissions: "not_permitted",
  unsupported_country_region_territory: "not_permitted",
  model_terms_required: "not_permitted",
  request_too_large: "request_too_large",
  payload_too_large: "request_too_large",
  rate_limit_exceeded: "throttled",
  rate_limit_error: "throttled",
  rate_limit_reached_error: "throttled",
  ratelimitreached: "throttled",
  too_many_requests: "throttled",
  toomanyrequests: "throttled",
  service_tier_capacity_exceeded: "throttled",
  overloaded_error: "overloaded",
  engine_overloaded: "overloaded",
  engine_overloaded_error: "overloaded",
};

/** What only an error without a status needs to be told by: relays put these on everything. */
const WORDS_ALONE: KindTable = {
  invalid_request_error: "invalid_request",
  bad_request_error: "invalid_request",
  badrequesterror: "invalid_request",
  unsupported_parameter: "invalid_request",
  server_error: "server_error",
  api_error: "server_error",
  internal_error: "server_error",
  internal_server_error: "server_error",
  internalservererror: "server_error",
  service_unavailable_error: "overloaded",
};

/** Never null: whatever nobody else knows is read as well as it can be. */
export function readOpenaiFailure({ status, body }: FailureAnswer): FailureReading {
  const told = body["error"];
  const error = isObject(told) ? told : body;
  const sentence = sentenceOf(
    typeof told === "string" ? told : (error["message"] ?? error["detail"]),
  );
  const words = [error["code"], error["type"], innerCode(error)].map(wordOf);
  const ofSentence = kindOfSentence(sentence);
  const kind =
    // What is too large for a rate is refused under the code of the rate.
    (ofSentence === "over_account_limit" ? ofSentence : undefined) ??
    firstOf(words, (word) => kindIn(WORDS, word)) ??
    ofSentence ??
    kindOfMetadata(error) ??
    (status === null ? firstOf(words, (word) => kindIn(WORDS_ALONE, word)) : undefined);
  return { kind: kind ?? null, retryAfterMs: null };
}

function firstOf(
  words: readonly string[],
  kindOf: (word: string) => FailureKind | undefined,
): FailureKind | undefined {
  for (const word of words) {
    const kind = kindOf(word);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

/** Azure: `{"innererror":{"code":"ResponsibleAIPolicyViolation"}}`. */
function innerCode({ innererror }: JsonObject): unknown {
  return isObject(innererror) ? innererror["code"] : undefined;
}

/** OpenRouter: the provider's own body as text, or why its moderation refused. */
function kindOfMetadata({ metadata }: JsonObject): FailureKind | undefined {
  if (!isObject(metadata)) return undefined;
  if (Array.isArray(metadata["reasons"]) && "flagged_input" in metadata) return "content_filtered";
  return kindOfQuoted(sentenceOf(metadata["raw"])) ?? undefined;
}
