/**
 * Reads whatever a provider sends back just far enough to know whether the attempt may still be
 * repeated: a refusal and a plain answer whole, a stream up to its first content.
 */
import { LIMITS } from "../base/limits.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult } from "./attempt-result.ts";
import { classifyBroken, classifyStatus, type BrokenKind } from "./classify.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { readBody } from "./read-body.ts";
import { describe, discard, isFailure, type Upstream, type UpstreamAnswer } from "./transport.ts";

export async function readAnswer(
  gateway: Gateway,
  exchange: Exchange,
  request: ClientRequest,
  plan: AttemptPlan,
  upstream: Upstream,
): Promise<AttemptResult> {
  const answer = await upstream.answer;
  if (isFailure(answer)) {
    const kind = answer.kind === "connect" ? "connect" : "reset";
    return broken(upstream, kind, answer.detail, null);
  }
  if (answer.status < 200 || answer.status > 299) {
    return await refusedBy(gateway, exchange, upstream, answer, plan);
  }
  const contentType = (answer.headers.get("content-type") ?? "").toLowerCase();
  return request.stream && contentType.startsWith("text/event-stream")
    ? await untilContent(gateway, exchange, request, upstream, answer, plan)
    : await wholeAnswer(gateway, exchange, upstream, answer, plan);
}

/** An answer that is not 2xx: read within a bound, so that it can be passed on verbatim. */
async function refusedBy(
  gateway: Gateway,
  exchange: Exchange,
  upstream: Upstream,
  answer: UpstreamAnswer,
  plan: AttemptPlan,
): Promise<AttemptResult> {
  const read = await readWatched(gateway, exchange, upstream, answer, plan);
  if (upstream.gaveUpFor() !== null) return broken(upstream, "reset", "while reading", null);
  const { status, headers } = answer;
  const isPassable = read.kind === "whole" && status >= 400 && status <= 599;
  return {
    kind: "failed",
    classification: classifyStatus(status),
    retryAfterMs: retryAfterOf(headers, gateway.clock.nowMs()),
    verbatim: isPassable
      ? { status, headers, body: withoutCredential(read.bytes, plan.candidate.lane.credential) }
      : null,
    outputTokensSeen: 0,
    detail: `status ${status}`,
  };
}

async function wholeAnswer(
  gateway: Gateway,
  exchange: Exchange,
  upstream: Upstream,
  answer: UpstreamAnswer,
  plan: AttemptPlan,
): Promise<AttemptResult> {
  const { status, headers, reader } = answer;
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    discard(reader);
    return broken(upstream, "undecodable", `content-encoding ${encoding}`, null);
  }
  const read = await readWatched(gateway, exchange, upstream, answer, plan);
  if (read.kind === "too_large") {
    discard(reader);
    return broken(upstream, "too_large", `over ${LIMITS.answerBytesMax} bytes`, null);
  }
  if (read.kind === "broken") return broken(upstream, "cut", describe(read.error).detail, null);
  const usage = exchange.call.dialect.usage(read.bytes);
  if (usage === undefined) return broken(upstream, "undecodable", "not valid JSON", null);
  return { kind: "answer", answer: { status, headers, body: read.bytes }, usage };
}

async function readWatched(
  gateway: Gateway,
  exchange: Exchange,
  upstream: Upstream,
  { reader }: UpstreamAnswer,
  { candidate }: AttemptPlan,
): ReturnType<typeof readBody> {
  const idleMs = candidate.provider.row.timeoutsMs.idle;
  const idle = gateway.watchdog.deadline(() => upstream.giveUp("idle"));
  idle.arm(idleMs);
  try {
    return await readBody(reader, LIMITS.answerBytesMax, (bytes) => {
      idle.arm(idleMs);
      exchange.onRead(bytes);
    });
  } finally {
    idle.disarm();
  }
}

/**
 * Reads a stream up to its first content; until then everything about it may be repeated. One that
 * ends before is estimated as if nothing could be seen: models reason, and are paid for it, before.
 */
async function untilContent(
  gateway: Gateway,
  exchange: Exchange,
  request: ClientRequest,
  upstream: Upstream,
  answer: UpstreamAnswer,
  plan: AttemptPlan,
): Promise<AttemptResult> {
  const { status, headers, reader } = answer;
  const watch = exchange.call.dialect.watch(request);
  const first: Uint8Array[] = [];
  let bytes = 0;
  const idleMs = plan.candidate.provider.row.timeoutsMs.idle;
  const idle = gateway.watchdog.deadline(() => upstream.giveUp("idle"));
  try {
    while (!watch.hasContent() && !watch.hasEnded()) {
      idle.arm(idleMs);
      const { done, value } = await reader.read();
      if (done) return broken(upstream, "cut", "end of bytes without the terminator", null);
      bytes += value.byteLength;
      exchange.onRead(value.byteLength);
      first.push(...watch.push(value));
      const failure = watch.failure();
      if (failure !== null && !watch.hasContent()) {
        discard(reader);
        return failedFirst(upstream, failure);
      }
      if (bytes > LIMITS.eventBytesMax && !watch.hasContent()) {
        discard(reader);
        return broken(upstream, "undecodable", "no content within the bound of an event", null);
      }
    }
  } catch (error) {
    return broken(upstream, "cut", describe(error).detail, null);
  } finally {
    idle.disarm();
  }
  return { kind: "stream", stream: { status, headers, upstream, reader, watch, first } };
}

const CREDENTIAL_REPLACED = "[credential]";

/** Some servers repeat the credential they refuse; it is the one thing of theirs that must not pass. */
function withoutCredential(
  body: Uint8Array<ArrayBuffer>,
  credential: string | null,
): Uint8Array<ArrayBuffer> {
  if (credential === null || credential === "") return body;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!bytes.includes(credential)) return body;
  const text = new TextDecoder().decode(body).replaceAll(credential, CREDENTIAL_REPLACED);
  return new TextEncoder().encode(text);
}

/**
 * An error as a stream's first event. Where it names the status that it would have had (OpenRouter,
 * SGLang and vLLM do, 2026-11), it is treated as that answer, so that a deterministic refusal comes
 * back in the provider's own words; without one it is an overload that came late, for whose input
 * the provider may still ask.
 */
function failedFirst(
  upstream: Upstream,
  { body, status }: { readonly body: string; readonly status: number | null },
): AttemptResult {
  if (status === null || status < 400 || status > 599) {
    return broken(upstream, "error_event", "the stream began with an error", 0);
  }
  return {
    kind: "failed",
    classification: classifyStatus(status),
    retryAfterMs: null,
    verbatim: {
      status,
      headers: new Headers({ "content-type": "application/json" }),
      body: new TextEncoder().encode(body),
    },
    outputTokensSeen: 0,
    detail: `an error with status ${status} as the first event`,
  };
}

/** The clocks of an attempt, by the reason they give it up for. */
const TIMEOUTS = {
  first_byte: "timeout_first_byte",
  idle: "timeout_idle",
  total: "timeout_total",
} as const;

/** What a failure without a usable answer comes to; our own giving up explains it first. */
function broken(
  upstream: Upstream,
  kind: BrokenKind,
  detail: string,
  outputTokensSeen: number | null,
): AttemptResult {
  const gaveUpFor = upstream.gaveUpFor();
  if (gaveUpFor === "client_gone" || gaveUpFor === "deadline" || gaveUpFor === "draining") {
    return { kind: "stopped", progress: "sent", outputTokensSeen };
  }
  // Only a stream that is being relayed reaches its hold.
  const truth = gaveUpFor === null || gaveUpFor === "hold_reached" ? kind : TIMEOUTS[gaveUpFor];
  return {
    kind: "failed",
    classification: classifyBroken(truth),
    retryAfterMs: null,
    verbatim: null,
    outputTokensSeen,
    detail,
  };
}

/** `retry-after-ms`, else `retry-after` in seconds or as a date; null when there is none. */
function retryAfterOf(headers: Headers, nowMs: number): number | null {
  const ms = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (Number.isFinite(ms) && ms >= 0) return ms;
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : null;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - nowMs);
}
