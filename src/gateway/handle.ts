/**
 * The plot of every request: admit, choose, attempt, relay, settle, record. Read this first. Each
 * phase is a file of that name; what may happen next is decided by the exchange's actor, and every
 * story leaves through `conclude`.
 */
import { ERRORS, GatewayError } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { Refusal } from "../base/verdict.ts";
import { accept, type Accepted } from "./accept.ts";
import { admit, type Admitted } from "./admit.ts";
import { orBegunEarly } from "./begun-early.ts";
import { followClient } from "./client-left.ts";
import { conclude } from "./conclude.ts";
import { errorReply } from "./error-reply.ts";
import {
  onRelease,
  stopExchange,
  StoppedError,
  type ClientCall,
  type Exchange,
  type Reply,
} from "./exchange.ts";
import { keepAliveMsOf } from "./keep-alive.ts";
import type { Gateway } from "./gateway.ts";
import { newExchange } from "./new-exchange.ts";
import { stoppedReply } from "./reply.ts";
import { serve } from "./serve.ts";
import { answeredByAnother } from "./share/answered-by-another.ts";
import { offerResume, resume } from "./share/resume.ts";
import { joinFlight } from "./share/single-flight.ts";
import { publish } from "./share/share.ts";

export async function handle(gateway: Gateway, call: ClientCall): Promise<Reply> {
  const exchange = begin(gateway, call);
  let reply: Reply;
  try {
    const accepted = await accept(gateway, exchange);
    reply = accepted.allowed
      ? await answer(gateway, exchange, accepted.value)
      : errorReply(exchange, accepted.refusal);
  } catch (error) {
    reply = replyToFailure(gateway, exchange, error);
  }
  // A stream's story ends when its last byte has been relayed.
  if (!(reply.body instanceof ReadableStream)) conclude(gateway, exchange);
  const { share } = exchange;
  return share === null ? reply : await publish(share, exchange, reply);
}

/** Somebody else's answer where there is one; else one of its own. */
async function answer(gateway: Gateway, exchange: Exchange, accepted: Accepted): Promise<Reply> {
  const { principal, resumes } = accepted;
  if (resumes !== null) return await resume(gateway, exchange, principal, resumes);
  const other = answeredByAnother(gateway, exchange, accepted);
  const given = other === null ? null : await other;
  if (given !== null) return given;
  const admitted = await admit(gateway, exchange, accepted);
  if (!admitted.allowed) return errorReply(exchange, admitted.refusal);
  const joining = joinFlight(gateway, exchange, admitted.value);
  const joined = joining === null ? null : await joining;
  if (joined !== null && "status" in joined) return joined;
  const own = joined === null ? admitted.value : { ...admitted.value, ...joined };
  offerResume(gateway, exchange, own);
  return await served(gateway, exchange, own);
}

/** A client that asked for a stream hears from us while its story is still being told. */
function served(gateway: Gateway, exchange: Exchange, admitted: Admitted): Promise<Reply> {
  const told = serve(gateway, exchange, admitted);
  // A stream that is begun early has events: an answer that may be bytes is waited for.
  const mayBegin = admitted.request.stream && exchange.call.codec.watchBytes === undefined;
  const silenceMs = mayBegin ? keepAliveMsOf(admitted) : 0;
  if (silenceMs === 0) return told;
  const safely = told.catch((error: unknown) => replyToFailure(gateway, exchange, error));
  return orBegunEarly(gateway, exchange, silenceMs, safely);
}

function begin(gateway: Gateway, call: ClientCall): Exchange {
  const exchange = newExchange(gateway, call);
  const { createdAtMs } = exchange;
  gateway.lifecycle.enter(exchange);
  gateway.metrics.exchangeStarted();
  exchange.release = followClient(gateway, exchange);
  const total = gateway.watchdog.deadline(() => stopExchange(exchange, "deadline"));
  exchange.setDeadline = (durationMs) => {
    exchange.deadlineMs = createdAtMs + durationMs;
    total.arm(Math.max(0, exchange.deadlineMs - gateway.clock.nowMs()));
  };
  exchange.setDeadline(LIMITS.streamTotalMs);
  onRelease(exchange, total.disarm);
  return exchange;
}

/** Cannot throw: whatever is wrong with an exchange, its story must come to `conclude`. */
function replyToFailure(gateway: Gateway, exchange: Exchange, error: unknown): Reply {
  try {
    return error instanceof StoppedError
      ? stoppedReply(exchange)
      : errorReply(exchange, refusalOf(gateway, exchange, error));
  } catch (again) {
    gateway.log.error("exchange.unanswerable", { requestId: exchange.id, error: again });
    const code = "internal_error";
    const { status, text: message, type } = ERRORS[code];
    exchange.status = status;
    exchange.errorCode = code;
    return {
      status,
      headers: { "content-type": "application/json", "x-request-id": exchange.id },
      body: exchange.call.dialect.errorBody({
        code,
        message,
        type,
        param: null,
        requestId: exchange.id,
      }),
    };
  }
}

/** A failure of the world keeps its code; anything else is a bug of ours, which costs this request. */
function refusalOf(gateway: Gateway, exchange: Exchange, error: unknown): Refusal {
  // A tenant that was deleted under its running request is no failure.
  const isExpected = error instanceof GatewayError && error.code === "invalid_api_key";
  const say = isExpected ? gateway.log.info : gateway.log.error;
  say("exchange.failed", { requestId: exchange.id, error });
  if (!(error instanceof GatewayError)) {
    return { code: "internal_error", message: ERRORS.internal_error.text };
  }
  const { code, message, param, retryAfterMs } = error;
  return {
    code,
    message,
    ...(param === undefined ? {} : { param }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
