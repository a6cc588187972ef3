/**
 * Failures as Google words them: `{"error":{"code","message","status","details"}}`, alone or in a list
 * (google.rpc.Status; gemini-cli issues 14811 and 10925, 2026). What a quota is for, and when to come
 * back, stands in `details`.
 */
import type { FailureAnswer, FailureKind, FailureReading } from "../failure-contract.ts";
import { kindOfSentence } from "../failure-texts.ts";
import { kindIn, type KindTable, sentenceOf } from "../failure.ts";
import { isObject, type JsonObject } from "../json.ts";

const BY_REASON: KindTable = {
  API_KEY_INVALID: "credential_refused",
  ACCESS_TOKEN_EXPIRED: "credential_refused",
  CREDENTIALS_MISSING: "credential_refused",
  BILLING_DISABLED: "credit_exhausted",
  CONSUMER_SUSPENDED: "credential_refused",
};

const BY_STATUS: KindTable = {
  UNAUTHENTICATED: "credential_refused",
  PERMISSION_DENIED: "not_permitted",
  FAILED_PRECONDITION: "not_permitted",
  NOT_FOUND: "model_unknown",
  RESOURCE_EXHAUSTED: "throttled",
};

/** What only an error without an HTTP status needs to be told by. */
const BY_STATUS_ALONE: KindTable = {
  INVALID_ARGUMENT: "invalid_request",
  OUT_OF_RANGE: "invalid_request",
  UNAVAILABLE: "overloaded",
  INTERNAL: "server_error",
  UNKNOWN: "server_error",
  DEADLINE_EXCEEDED: "server_error",
};

const DETAILS_READ_MAX = 16;
/** `37s`, `0.5s`: google.protobuf.Duration. */
const DURATION = /^(\d{1,9}(?:\.\d{1,9})?)s$/u;

export function readGoogleFailure({ status, body }: FailureAnswer): FailureReading | null {
  const error = body["error"];
  if (!isObject(error)) return null;
  const name = error["status"];
  // A status in capitals is Google's alone; other companies put a number or nothing there.
  if (typeof name !== "string" || !/^[A-Z_]{2,40}$/u.test(name)) return null;
  const details = detailsOf(error);
  const kind =
    kindOfDetails(details) ??
    kindOfSentence(sentenceOf(error["message"])) ??
    kindIn(BY_STATUS, name) ??
    (status === null ? kindIn(BY_STATUS_ALONE, name) : undefined);
  return { kind: kind ?? null, retryAfterMs: retryDelayMs(details) };
}

function detailsOf({ details }: JsonObject): readonly JsonObject[] {
  return Array.isArray(details) ? details.slice(0, DETAILS_READ_MAX).filter(isObject) : [];
}

function kindOfDetails(details: readonly JsonObject[]): FailureKind | null {
  for (const detail of details) {
    const reason = detail["reason"];
    const kind = typeof reason === "string" ? kindIn(BY_REASON, reason) : undefined;
    if (kind !== undefined) return kind;
    if (isDailyQuota(detail)) return "credit_exhausted";
  }
  return null;
}

/** A quota of a day: the delay that comes with it is that of a minute's, and waiting for it is no use. */
function isDailyQuota({ violations }: JsonObject): boolean {
  if (!Array.isArray(violations)) return false;
  return violations.slice(0, DETAILS_READ_MAX).some((violation: unknown) => {
    const id = isObject(violation) ? violation["quotaId"] : undefined;
    return typeof id === "string" && id.includes("PerDay");
  });
}

function retryDelayMs(details: readonly JsonObject[]): number | null {
  for (const { retryDelay } of details) {
    const seconds = typeof retryDelay === "string" ? DURATION.exec(retryDelay)?.[1] : undefined;
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1_000);
  }
  return null;
}
