/**
 * Failures as Bedrock words them: the exception's name in the header `x-amzn-errortype` or in `__type`, and
 * `{"message"}` (Bedrock Runtime API reference, "Common error types" of AWS, 2026-11). Its statuses say
 * less than the names: a quota comes as 400, a model's failure as 424.
 */
import type { FailureAnswer, FailureKind, FailureReading } from "../failure-contract.ts";
import { kindOfSentence } from "../failure-texts.ts";
import { kindIn, type KindTable, sentenceOf } from "../failure.ts";

const BY_NAME: KindTable = {
  ThrottlingException: "throttled",
  ServiceQuotaExceededException: "credit_exhausted",
  AccessDeniedException: "not_permitted",
  ResourceNotFoundException: "model_unknown",
  ModelNotReadyException: "overloaded",
  ModelErrorException: "server_error",
  ModelStreamErrorException: "server_error",
  UnrecognizedClientException: "credential_refused",
  InvalidSignatureException: "credential_refused",
  IncompleteSignatureException: "credential_refused",
  MissingAuthenticationTokenException: "credential_refused",
  ExpiredTokenException: "credential_refused",
};

/** What the status tells as well; an error without one needs it. */
const BY_NAME_ALONE: KindTable = {
  ValidationException: "invalid_request",
  ModelTimeoutException: "server_error",
  ServiceUnavailableException: "overloaded",
  InternalServerException: "server_error",
};

const DAILY_QUOTA = /^too many tokens per day/iu;

export function readBedrockFailure({
  status,
  headers,
  body,
}: FailureAnswer): FailureReading | null {
  const name = nameOf(headers.get("x-amzn-errortype")) ?? nameOf(body["__type"]);
  if (name === null) return null;
  const message = sentenceOf(body["message"] ?? body["Message"]);
  return { kind: kindOf(name, message, status), retryAfterMs: null };
}

function kindOf(name: string, message: string, status: number | null): FailureKind | null {
  if (DAILY_QUOTA.test(message)) return "credit_exhausted";
  return (
    kindOfSentence(message) ??
    kindIn(BY_NAME, name) ??
    (status === null ? kindIn(BY_NAME_ALONE, name) : undefined) ??
    null
  );
}

/** `ValidationException:http://…` in the header, `com.amazon.coral.service#ValidationException` in bodies. */
function nameOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const name = value.split(":", 1)[0]?.split("#").at(-1)?.trim();
  if (name === undefined) return null;
  return Object.hasOwn(BY_NAME, name) || Object.hasOwn(BY_NAME_ALONE, name) ? name : null;
}
