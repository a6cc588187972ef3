/**
 * The error catalogue: every code a client can see, whose failure it is, when to come back, and
 * the status and type it answers with. A failure of the world is a GatewayError with one of these
 * codes; its public text never holds a secret, a prompt or an upstream body.
 */

export type ErrorOwner = "client" | "tenant" | "provider" | "gateway";
/** never: the same request fails again; later: after `retryAfterMs`; elsewhere: another target may do. */
export type ErrorRetry = "never" | "later" | "elsewhere";

export type ErrorEntry = {
  readonly status: number;
  /** The `type` member of the OpenAI error body. */
  readonly type: string;
  readonly owner: ErrorOwner;
  readonly retry: ErrorRetry;
  /** What the client reads when nothing more precise is known. */
  readonly text: string;
};

const invalid = "invalid_request_error";

function entry(
  status: number,
  type: string,
  owner: ErrorOwner,
  retry: ErrorRetry,
  text: string,
): ErrorEntry {
  return { status, type, owner, retry, text };
}

/** In the order of precedence: when several apply, the first wins (contract, section 2). */
export const ERRORS = {
  body_too_large: entry(413, invalid, "client", "never", "The request body is too large."),
  invalid_api_key: entry(401, invalid, "client", "never", "The access token is not valid."),
  tenant_suspended: entry(403, "permission_error", "tenant", "never", "This tenant is suspended."),
  invalid_json: entry(400, invalid, "client", "never", "The request body is not valid JSON."),
  invalid_request: entry(400, invalid, "client", "never", "The request is not valid."),
  idempotency_conflict: entry(
    422,
    invalid,
    "client",
    "never",
    "The idempotency key was used with another request.",
  ),
  idempotency_interrupted: entry(
    409,
    invalid,
    "gateway",
    "never",
    "The first request with this idempotency key has no answer that could be given again.",
  ),
  stream_not_found: entry(404, invalid, "client", "never", "There is no such stream to resume."),
  not_found: entry(404, invalid, "client", "never", "There is nothing at this address."),
  model_not_found: entry(404, invalid, "client", "never", "The model does not exist."),
  model_not_allowed: entry(
    403,
    "permission_error",
    "tenant",
    "never",
    "This access token may not use the model.",
  ),
  model_unpriced: entry(
    403,
    "permission_error",
    "gateway",
    "never",
    "The model has no known price; an operator can set one under /api/v1/prices.",
  ),
  rate_limit_exceeded: entry(429, "rate_limit_error", "tenant", "later", "Rate limit exceeded."),
  concurrency_limit_exceeded: entry(
    429,
    "rate_limit_error",
    "tenant",
    "later",
    "Too many requests at once.",
  ),
  budget_exceeded: entry(429, "insufficient_quota", "tenant", "later", "The budget is used up."),
  provider_unavailable: entry(
    503,
    "server_error",
    "provider",
    "later",
    "No provider can take this request now.",
  ),
  upstream_timeout: entry(504, "server_error", "provider", "elsewhere", "The provider timed out."),
  upstream_error: entry(502, "server_error", "provider", "elsewhere", "The provider failed."),
  gateway_overloaded: entry(503, "server_error", "gateway", "later", "The gateway is overloaded."),
  gateway_draining: entry(503, "server_error", "gateway", "later", "The gateway is shutting down."),
  ledger_unavailable: entry(
    503,
    "server_error",
    "gateway",
    "later",
    "The ledger cannot take this request now.",
  ),
  internal_error: entry(
    500,
    "server_error",
    "gateway",
    "never",
    "The gateway failed; quote the request id.",
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** What a refusal or failure tells the client beyond its code. */
export type ErrorDetail = {
  /** Public sentence; the catalogue's text when absent. */
  readonly message?: string;
  /** The member of the request that is wrong. */
  readonly param?: string;
  /** When the same request may succeed. */
  readonly retryAfterMs?: number;
};

/** A failure of the world. `cause` is internal: it goes to the log, never to the client. */
export class GatewayError extends Error {
  override name = "GatewayError";
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, detail: ErrorDetail = {}, cause?: unknown) {
    super(detail.message ?? ERRORS[code].text, { cause });
    this.code = code;
    this.param = detail.param;
    this.retryAfterMs = detail.retryAfterMs;
  }
}
