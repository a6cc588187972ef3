/** Refusals and failures as the client's dialect words them, with the headers that go with a code. */
import { ERRORS, type ErrorCode } from "../base/error.ts";
import type { Refusal } from "../base/verdict.ts";
import { errorBody } from "../dialects/framing.ts";
import type { Exchange, Reply } from "./exchange.ts";
import { addCost, replyHeaders } from "./reply-headers.ts";

/** Also writes status, code and reason into the exchange, for its row. */
export function errorReply(exchange: Exchange, refusal: Refusal): Reply {
  const { status, type, retry } = ERRORS[refusal.code];
  exchange.status = status;
  exchange.errorCode = refusal.code;
  exchange.refusal = refusal.reason ?? null;
  const headers = replyHeaders(exchange, null);
  headers["content-type"] = "application/json";
  headers["x-tollgate-error"] = refusal.code;
  addCost(headers, exchange);
  if (refusal.retryAfterMs !== undefined) {
    // Rounded up: a client that waits exactly this long must not be early.
    headers["retry-after"] = String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1_000)));
  } else if (retry === "later") {
    headers["retry-after"] = String(
      isLiftedByOperator(refusal) ? RETRY_AFTER_S_OPERATOR : RETRY_AFTER_S_DEFAULT,
    );
  }
  if (mustNotRepeat(refusal)) headers["x-should-retry"] = "false";
  const retryAfter = headers["retry-after"];
  const body = errorBody(exchange.call, {
    code: refusal.code,
    message: refusal.message,
    type,
    param: refusal.param ?? null,
    requestId: exchange.id,
    ...(retryAfter === undefined ? {} : { retryAfterS: Number(retryAfter) }),
  });
  return { status, headers, body };
}

/** Nobody knows when a failure of the world is over; it may be in a second. */
const RETRY_AFTER_S_DEFAULT = 1;

/** Time alone does not help; clients that come back after what they are told come back rarely. */
const RETRY_AFTER_S_OPERATOR = 86_400;

/** A tenant's rule that names no time: a budget without a window, a request allowance, a limit of 0. */
function isLiftedByOperator({ code, retryAfterMs }: Refusal): boolean {
  const { owner, retry } = ERRORS[code];
  return owner === "tenant" && retry === "later" && retryAfterMs === undefined;
}

/**
 * The official SDKs repeat every 409 and 429: not where only an operator or the next window helps, and
 * not with a key that stands for something else.
 */
function mustNotRepeat(refusal: Refusal): boolean {
  const { code } = refusal;
  return NOT_REPEATED.has(code) || isLiftedByOperator(refusal);
}

const NOT_REPEATED: ReadonlySet<ErrorCode> = new Set([
  "budget_exceeded",
  "idempotency_conflict",
  "idempotency_interrupted",
]);
