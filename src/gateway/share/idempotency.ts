/**
 * Idempotency-Key: the first request with a key is executed; later ones with the same body get its
 * answer, as it comes or as it was kept. What must not be executed twice is remembered on disk before
 * anything is sent: after a crash, a key whose request may have been sent is answered by 409.
 */
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import { allow, refuse, type Refusal, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest } from "../../dialects/contract.ts";
import type { KeyAnswer, KeyClaim } from "../../store/idempotency-contract.ts";
import { errorReply } from "../error-reply.ts";
import { unlessStopped, type Exchange, type Principal, type Reply } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import type { RunningKey, SharedAnswer } from "./contract.ts";
import { follow } from "./follow.ts";
import { readIdempotencyKey, type KeyOfRequest } from "./idempotency-key.ts";
import { isKeptAnswer, sealAnswer, unsealAnswer } from "./kept-answer.ts";
import type { Reader } from "./reader.ts";
import type { Recording } from "./recording.ts";
import { lead } from "./share.ts";

/** null: this is the first request with its key, and is to be executed. */
export async function answerByKey(
  gateway: Gateway,
  exchange: Exchange,
  text: string,
  { token }: Principal,
  request: ClientRequest,
): Promise<Reply | null> {
  const { hashSecret, running } = gateway.sharing.keys;
  const read = readIdempotencyKey(hashSecret, text, token.id, exchange.call, request);
  if (!read.allowed) return errorReply(exchange, read.refusal);
  const key = read.value;
  const place = `${key.tokenId} ${key.keyHash}`;
  for (;;) {
    const before = running.get(place);
    if (before === undefined) break;
    const claim = await unlessStopped(exchange, before.claim);
    if (claim.kind !== "claimed") return answerKnown(gateway, exchange, key, claim);
    if (before.share === null) continue;
    return await attach(gateway, exchange, key, before.bodyHash, before.share);
  }
  const own: RunningKey = {
    bodyHash: key.bodyHash,
    claim: claimKey(gateway, exchange, token, key).then((claim) => {
      own.share = claim.kind === "claimed" ? leadWithKey(gateway, exchange, key, place) : null;
      if (own.share === null) running.delete(place);
      return claim;
    }),
    share: null,
  };
  running.set(place, own);
  own.claim.catch(() => running.delete(place));
  const claim = await unlessStopped(exchange, own.claim);
  if (claim.kind !== "claimed") return answerKnown(gateway, exchange, key, claim);
  return own.share === null ? errorReply(exchange, TOO_MANY) : null;
}

const TOO_MANY: Refusal = {
  code: "gateway_overloaded",
  message: "Too many answers are recorded at once.",
  retryAfterMs: 1_000,
};

function claimKey(
  { clock, sharing }: Gateway,
  { id: requestId }: Exchange,
  { tenantId }: Principal["token"],
  key: KeyOfRequest,
): Promise<KeyClaim> {
  const nowMs = clock.nowMs();
  const expiresAtMs = nowMs + LIMITS.idempotencyKeptMs;
  return sharing.keys.steps.claim({ do: "claim", ...key, requestId, tenantId, nowMs, expiresAtMs });
}

/** null: its client left before it began, or there are too many; then the key is free again. */
function leadWithKey(
  gateway: Gateway,
  exchange: Exchange,
  key: KeyOfRequest,
  place: string,
): SharedAnswer | null {
  const { keys } = gateway.sharing;
  const { tokenId, keyHash } = key;
  const ref = { tokenId, keyHash, requestId: exchange.id };
  // A request that is to be found by those who come again runs to its end, whoever waits for it.
  const share =
    exchange.stoppedFor === null ? lead(gateway, exchange, Number.POSITIVE_INFINITY) : null;
  if (share === null) {
    void keys.steps.end({ do: "free", ...ref });
    return null;
  }
  share.atEnd(async (end) => {
    const { random } = gateway;
    await keys.steps.end(
      isKeptAnswer(end)
        ? {
            do: "complete",
            ...ref,
            ...sealAnswer(keys.answerSecret, random, key, end.head, share.recording),
          }
        : { do: "free", ...ref },
    );
    keys.running.delete(place);
  });
  return share;
}

async function attach(
  gateway: Gateway,
  exchange: Exchange,
  key: KeyOfRequest,
  bodyHash: string,
  { recording }: SharedAnswer,
): Promise<Reply> {
  const same = sameBody(key, bodyHash, recording.requestId);
  if (!same.allowed) return errorReply(exchange, same.refusal);
  const reader = recording.attach(0);
  if (reader === null) return errorReply(exchange, notKept(recording.requestId));
  return await follow(gateway, exchange, recording, reader, "attached");
}

/** The first request ended, or was interrupted, before this one came. */
async function answerKnown(
  gateway: Gateway,
  exchange: Exchange,
  key: KeyOfRequest,
  claim: Exclude<KeyClaim, { kind: "claimed" }>,
): Promise<Reply> {
  const { requestId } = claim;
  const same = sameBody(key, claim.bodyHash, requestId);
  if (!same.allowed) return errorReply(exchange, same.refusal);
  exchange.answeredBy = requestId;
  if (claim.kind === "pending") return errorReply(exchange, interrupted(requestId));
  const { answer } = claim;
  if (answer.bodySealed === null) return errorReply(exchange, notKept(requestId));
  const { answerSecret } = gateway.sharing.keys;
  const body = unsealAnswer(answerSecret, key, requestId, answer.bodySealed);
  const recording = gateway.sharing.recordings.begin(requestId);
  if (recording === null) return errorReply(exchange, TOO_MANY);
  const reader = record(recording, answer, body);
  return await follow(gateway, exchange, recording, reader, "replayed");
}

/** As much of a kept stream is handed to a client's socket at once. */
const SLICE_BYTES = 16 * 1024;

/** Has a kept answer read like one that has just ended. */
function record(
  recording: Recording,
  { status, headers }: KeyAnswer,
  body: Uint8Array<ArrayBuffer>,
): Reader {
  // Who reads comes first: what nobody reads is not kept.
  const reader = recording.attach(0);
  assert(reader, "a recording that has just begun can be read");
  const isStream = headers["content-type"]?.startsWith("text/event-stream") === true;
  const provider = headers["x-tollgate-provider"];
  const model = headers["x-tollgate-model"];
  const served = provider === undefined || model === undefined ? null : { provider, model };
  const whole = isStream ? null : body;
  recording.begin({ status, headers, body: whole, errorCode: null, isOwnFailure: false, served });
  const streamBytes = isStream ? body.byteLength : 0;
  for (let at = 0; at < streamBytes; at += SLICE_BYTES) {
    // Nobody waits: all of it is in memory already.
    void recording.write(body.subarray(at, at + SLICE_BYTES));
  }
  recording.end(null);
  return reader;
}

function sameBody(key: KeyOfRequest, bodyHash: string, requestId: string): Verdict<null> {
  if (key.bodyHash === bodyHash) return allow(null);
  return refuse(
    "idempotency_conflict",
    `The idempotency key was used with another request (${requestId}); use a new key for this one.`,
    { param: "idempotency-key" },
  );
}

function interrupted(requestId: string): Refusal {
  const message =
    `The first request with this idempotency key (${requestId}) was interrupted after it may have ` +
    "been sent to a provider; it is not sent again. Use a new key to send it once more.";
  return { code: "idempotency_interrupted", message };
}

function notKept(requestId: string): Refusal {
  const message =
    `The answer to the first request with this idempotency key (${requestId}) is not kept: it was ` +
    "too large, or newer ones have taken its room. The request is not sent again; use a new key to " +
    "send it once more.";
  return { code: "idempotency_interrupted", message };
}
