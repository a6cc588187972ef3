/**
 * How an attempt failed, from what came back of it: a refusal in the provider's own words, an error within
 * an answer that was 200, or no usable answer at all. The words are read for their cause and kept verbatim.
 */
import { readFailure } from "../dialects/catalogue.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult } from "./attempt-result.ts";
import {
  type BrokenKind,
  classifyBroken,
  classifyRefusal,
  classifyWithin,
  impliedStatus,
} from "./classify.ts";
import type { StopReason } from "./exchange.ts";
import type { GiveUpReason, Upstream } from "./transport.ts";

type Failed = Extract<AttemptResult, { kind: "failed" }>;

/** An answer that is not 2xx; `body` null when it could not be read whole. */
export function refusedWith(
  plan: AttemptPlan,
  { status, headers }: { readonly status: number; readonly headers: Headers },
  body: Uint8Array<ArrayBuffer> | null,
  headersRetryAfterMs: number | null,
): Failed {
  const { kind, retryAfterMs } = readFailure(status, headers, body ?? new Uint8Array(0));
  const isPassable = body !== null && status >= 400 && status <= 599;
  return {
    kind: "failed",
    classification: classifyRefusal(status, kind),
    retryAfterMs: headersRetryAfterMs ?? retryAfterMs,
    verbatim: isPassable ? { status, headers, body: withoutCredential(body, plan) } : null,
    outputTokensSeen: 0,
    detail: `status ${status}`,
  };
}

/**
 * An error as a stream's first event, or in place of an answer. Where it names the status that it would
 * have had (OpenRouter, SGLang and vLLM do, 2026-11), it is treated as that answer; so is one that can only
 * be the request's own fault. Anything else is a failure that came late, for whose input the provider may
 * still ask.
 */
export function failedWithin(
  plan: AttemptPlan,
  { body, status: named }: { readonly body: string; readonly status: number | null },
): Failed {
  const headers = new Headers({ "content-type": "application/json" });
  const bytes = new TextEncoder().encode(body);
  const { kind, retryAfterMs } = readFailure(named, headers, bytes);
  const status = named ?? impliedStatus(kind);
  const classification = named === null ? classifyWithin(kind) : classifyRefusal(named, kind);
  return {
    kind: "failed",
    classification,
    retryAfterMs,
    verbatim: status === null ? null : { status, headers, body: withoutCredential(bytes, plan) },
    outputTokensSeen: 0,
    detail: `an error in place of an answer (${classification.outcome})`,
  };
}

/** The clocks of an attempt, by the reason they give it up for. */
const TIMEOUTS = {
  first_byte: "timeout_first_byte",
  first_token: "timeout_first_token",
  idle: "timeout_idle",
  total: "timeout_total",
} as const;

const STOPS: readonly StopReason[] = ["client_gone", "deadline", "draining", "hedge_lost"];

function isStop(reason: GiveUpReason): reason is StopReason {
  return STOPS.some((stop) => stop === reason);
}

/** Only a stream that is being relayed reaches its hold, is measured, or has a client that stalls. */
function isOfRelay(
  reason: GiveUpReason,
): reason is "hold_reached" | "throughput" | "client_stalled" {
  return reason === "hold_reached" || reason === "throughput" || reason === "client_stalled";
}

/** What a failure without a usable answer comes to; our own giving up explains it first. */
export function broken(
  upstream: Upstream,
  kind: BrokenKind,
  detail: string,
  outputTokensSeen: number | null,
): Extract<AttemptResult, { kind: "failed" | "stopped" }> {
  const gaveUpFor = upstream.gaveUpFor();
  if (gaveUpFor !== null && isStop(gaveUpFor)) {
    return { kind: "stopped", progress: "sent", outputTokensSeen };
  }
  const isOfAttempt = gaveUpFor !== null && !isOfRelay(gaveUpFor);
  const truth = isOfAttempt ? TIMEOUTS[gaveUpFor] : kind;
  return {
    kind: "failed",
    classification: classifyBroken(truth),
    retryAfterMs: null,
    verbatim: null,
    outputTokensSeen,
    detail,
  };
}

const CREDENTIAL_REPLACED = "[credential]";

/** Some servers repeat the credential they refuse; it is the one thing of theirs that must not pass. */
function withoutCredential(
  body: Uint8Array<ArrayBuffer>,
  { candidate: { lane } }: AttemptPlan,
): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const repeated = (lane.presenter?.secrets() ?? []).filter(
    (secret) => secret !== "" && bytes.includes(secret),
  );
  if (repeated.length === 0) return body;
  const text = repeated.reduce(
    (said, secret) => said.replaceAll(secret, CREDENTIAL_REPLACED),
    new TextDecoder().decode(body),
  );
  return new TextEncoder().encode(text);
}
