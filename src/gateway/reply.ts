/** The three ways an admitted exchange ends: a whole answer, a stream, or the failure of its attempts. */
import { ERRORS } from "../base/error.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import type { AttemptResult, Failure, LiveStream, Verbatim } from "./attempt-result.ts";
import { conclude } from "./conclude.ts";
import { errorReply } from "./error-reply.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { relay } from "./relay.ts";
import { addCost, replyHeaders } from "./reply-headers.ts";
import { settle } from "./settle.ts";

/** nginx's status for a client that left; nobody reads it but the request row. */
const STATUS_CLIENT_GONE = 499;

export function answerReply(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  { answer, usage }: Extract<AttemptResult, { kind: "answer" }>,
): Reply {
  const { dialect } = exchange.call;
  exchange.firstTokenMs = gateway.clock.monotonicMs() - exchange.startedMonotonicMs;
  exchange.status = answer.status;
  settle(gateway, exchange, admitted, plan, {
    cost:
      usage === null
        ? { kind: "estimated", outputTokensSeen: dialect.outputTokensSeen(answer.body) }
        : { kind: "reported", usage },
    outcome: "ok",
    status: answer.status,
  });
  const headers = replyHeaders(exchange, answer.headers);
  addCost(headers, exchange);
  return { status: answer.status, headers, body: answer.body };
}

export function streamReply(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  stream: LiveStream,
): Reply {
  const { watch, status } = stream;
  const settled = withoutBody(exchange, admitted);
  exchange.firstTokenMs = gateway.clock.monotonicMs() - exchange.startedMonotonicMs;
  exchange.status = status;
  const body = relay(gateway, exchange, plan, stream, ({ outcome, errorCode }) => {
    exchange.errorCode = errorCode;
    const usage = watch.usage();
    settle(gateway, exchange, settled, plan, {
      cost:
        usage === null
          ? { kind: "estimated", outputTokensSeen: watch.outputTokensSeen() }
          : { kind: "reported", usage },
      outcome,
      status,
    });
    conclude(gateway, exchange);
  });
  const headers = replyHeaders(exchange, stream.headers);
  // Proxies in front of us must neither compress nor gather the events.
  headers["cache-control"] = "no-cache, no-transform";
  headers["x-accel-buffering"] = "no";
  return { status, headers, body };
}

/** Nothing is repeated from here on: the client's body is let go, and only its measures are kept. */
function withoutBody(exchange: Exchange, admitted: Admitted): Admitted {
  const request = { ...admitted.request, bytes: new Uint8Array(0) };
  exchange.request = request;
  return { ...admitted, request };
}

/** What the client is told when no attempt brought an answer. */
export function failureReply(exchange: Exchange, failure: Failure): Reply {
  if (exchange.stoppedFor !== null || exchange.clientGone) return stoppedReply(exchange);
  switch (failure.kind) {
    case "refused":
      return errorReply(exchange, failure.refusal);
    case "failed": {
      const { verbatim, classification } = failure;
      if (verbatim !== null) return verbatimReply(exchange, verbatim);
      const isTimeout = classification.outcome.startsWith("timeout");
      return errorReply(exchange, {
        code: isTimeout ? "upstream_timeout" : "upstream_error",
        message: `The provider failed (${classification.outcome}).`,
      });
    }
    default:
      return errorReply(exchange, {
        code: "upstream_error",
        message: "The provider does not take connections.",
      });
  }
}

function verbatimReply(exchange: Exchange, { status, headers, body }: Verbatim): Reply {
  exchange.status = status;
  const ours = replyHeaders(exchange, headers);
  addCost(ours, exchange);
  return { status, headers: ours, body };
}

/** An exchange that was ended from outside before it had an answer. */
export function stoppedReply(exchange: Exchange): Reply {
  switch (exchange.stoppedFor) {
    case "draining": {
      const code = "gateway_draining";
      return errorReply(exchange, { code, message: ERRORS[code].text, retryAfterMs: 5_000 });
    }
    case "deadline":
      return errorReply(exchange, {
        code: "upstream_timeout",
        message: "The provider did not answer within the total time of the request.",
      });
    default:
      exchange.status = STATUS_CLIENT_GONE;
      return { status: STATUS_CLIENT_GONE, headers: replyHeaders(exchange, null), body: "" };
  }
}
