/**
 * Reads whatever a provider sends back just far enough to know whether the attempt may still be
 * repeated: a refusal and a plain answer whole, a stream up to its first content.
 */
import { LIMITS } from "../base/limits.ts";
import type { ClientRequest, StreamWatch } from "../dialects/contract.ts";
import { isStreamAnswer } from "../dialects/framing.ts";
import { retryAfterMs } from "../dialects/retry-after.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult } from "./attempt-result.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { readBody } from "./read-body.ts";
import { broken, failedWithin, refusedWith } from "./read-failure.ts";
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
  const watch = watchOf(exchange, request, plan, answer.headers.get("content-type"));
  if (watch === null) return await wholeAnswer(gateway, exchange, upstream, answer, plan);
  const result = await untilContent(gateway, exchange, upstream, answer, plan, watch);
  // A stream that nobody gets may have begun something that its provider keeps.
  return result.kind === "stream" ? result : { ...result, made: watch.made?.() ?? [] };
}

/** What watches the answer while it is relayed; null: it is read whole. */
function watchOf(
  { call: { codec } }: Exchange,
  request: ClientRequest,
  plan: AttemptPlan,
  contentType: string | null,
): StreamWatch | null {
  if (request.stream && isStreamAnswer(codec, contentType)) {
    return plan.watch ?? codec.watch(request, plan.candidate.provider.quirks);
  }
  return codec.watchBytes?.(contentType ?? "") ?? null;
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
  const askedMs = retryAfterMs(headers, status, gateway.clock.nowMs());
  return refusedWith(plan, answer, read.kind === "whole" ? read.bytes : null, askedMs);
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
  const { codec } = exchange.call;
  const usage = codec.usage(read.bytes);
  const failure = usage === null ? codec.failureIn(read.bytes) : null;
  if (failure !== null) return failedWithin(plan, failure);
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
  upstream: Upstream,
  answer: UpstreamAnswer,
  plan: AttemptPlan,
  watch: StreamWatch,
): Promise<Extract<AttemptResult, { kind: "stream" | "failed" | "stopped" }>> {
  const { status, headers, reader } = answer;
  const { codec } = exchange.call;
  const bytesMax = codec.eventBytesMax ?? LIMITS.eventBytesMax;
  const first: Uint8Array[] = [];
  let bytes = 0;
  const { idle: idleMs, first_token: firstTokenMs } = plan.candidate.provider.row.timeoutsMs;
  // Any byte shows that somebody is there; only content shows that the model has begun.
  const idle = gateway.watchdog.deadline(() => upstream.giveUp("idle"));
  const firstToken = gateway.watchdog.deadline(() => upstream.giveUp("first_token"));
  firstToken.arm(firstTokenMs);
  try {
    while (!watch.hasContent() && !watch.hasEnded()) {
      idle.arm(idleMs);
      const { done, value } = await reader.read();
      bytes += value?.byteLength ?? 0;
      exchange.onRead(value?.byteLength ?? 0);
      first.push(...(done ? (watch.bodyEnded?.() ?? []) : watch.push(value)));
      const failure = watch.failure();
      if (failure !== null && !watch.hasContent()) {
        discard(reader);
        return failedWithin(plan, failure);
      }
      if (done && !watch.hasEnded()) {
        return broken(upstream, "cut", "end of bytes without the terminator", null);
      }
      if (bytes > bytesMax && !watch.hasContent()) {
        discard(reader);
        return broken(upstream, "undecodable", "no content within the bound of an event", null);
      }
    }
  } catch (error) {
    return broken(upstream, "cut", describe(error).detail, null);
  } finally {
    idle.disarm();
    firstToken.disarm();
  }
  return { kind: "stream", stream: { status, headers, upstream, reader, watch, first } };
}
