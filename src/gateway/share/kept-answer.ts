/**
 * Answers that idempotency keys stand for, as the store keeps them: sealed under a key of their own
 * and bound to their row. Only what would come out the same again is kept.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import { sealBytes, unsealBytes } from "../../base/seal.ts";
import type { FailureKind } from "../../dialects/failure-contract.ts";
import type { KeyAnswer, KeyRef } from "../../store/idempotency-contract.ts";
import type { SharedEnd } from "./contract.ts";
import type { Head, Recording } from "./recording.ts";

/** Refusals of a provider that a later request may not meet again: of accounts, places and times. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([
  401, 402, 403, 404, 407, 408, 409, 421, 423, 425, 429,
]);

/** The same, where a provider says it in the body and not by its status: of empty credit by 400. */
const PASSING_OUTCOMES: ReadonlySet<string> = new Set<FailureKind>([
  "over_account_limit",
  "model_unknown",
  "not_permitted",
  "credential_refused",
  "credit_exhausted",
  "throttled",
  "overloaded",
  "server_error",
]);

/** The provider's own answer, whole, and one that it would give again. */
export function isKeptAnswer({ head, isWhole, outcomes }: SharedEnd): boolean {
  const { status } = head;
  if (!isWhole || head.headers["x-tollgate-error"] !== undefined) return false;
  if (status >= 200 && status <= 299) return true;
  if (outcomes.some((outcome) => PASSING_OUTCOMES.has(outcome))) return false;
  return status >= 400 && status <= 499 && !PASSING_STATUSES.has(status);
}

export function sealAnswer(
  secret: Uint8Array,
  random: Random,
  ref: KeyRef,
  head: Head,
  recording: Recording,
): KeyAnswer {
  const { idempotencyAnswerBytesMax: bytesMax } = LIMITS;
  const bytes = head.body === null ? recording.whole(bytesMax) : Buffer.from(head.body);
  const isKept = bytes !== null && bytes.byteLength <= bytesMax;
  const place = placeOf(ref, recording.requestId);
  const bodySealed = isKept ? sealBytes(secret, bytes, place, random).toString("base64") : null;
  return { status: head.status, headers: head.headers, bodySealed };
}

/** Throws SealError when it was changed, moved, or sealed under another key. */
export function unsealAnswer(
  secret: Uint8Array,
  ref: KeyRef,
  requestId: string,
  bodySealed: string,
): Uint8Array<ArrayBuffer> {
  const sealed = Buffer.from(bodySealed, "base64");
  return unsealBytes(secret, sealed, placeOf(ref, requestId));
}

function placeOf({ tokenId, keyHash }: KeyRef, requestId: string): string {
  return `idempotency_keys/${tokenId}/${keyHash}/${requestId}`;
}
