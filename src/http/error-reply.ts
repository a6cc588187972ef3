/**
 * Errors of the operator's side as HTTP answers: the one place that knows which status a code of the
 * admin API has. Every answer is `{"error":{"message","type","code","param"}}`.
 */
import type { AdminErrorCode, AdminRefusal } from "../admin/refusal.ts";
import { ERRORS, type GatewayError } from "../base/error.ts";

const ADMIN_STATUS = {
  invalid_json: 400,
  invalid_request: 400,
  invalid_admin_token: 401,
  not_found: 404,
  conflict: 409,
  stale_version: 409,
  in_use: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
} as const satisfies Record<AdminErrorCode, number>;

const RETRY_AFTER_S_DEFAULT = 1;

export function refusalReply(refusal: AdminRefusal, requestId: string): Response {
  const status = ADMIN_STATUS[refusal.code];
  const { code, message, param } = refusal;
  const body = { error: { message, type: "invalid_request_error", code, param } };
  return jsonReply(status, body, {
    "x-request-id": requestId,
    ...(status === 401 && { "www-authenticate": 'Bearer realm="tollgate-admin"' }),
  });
}

/** A failure of the world, such as a ledger that cannot be written. */
export function failureReply(error: GatewayError, requestId: string): Response {
  const { status, type, retry } = ERRORS[error.code];
  const { code, message, param = null, retryAfterMs } = error;
  const retryAfterS =
    retryAfterMs === undefined
      ? RETRY_AFTER_S_DEFAULT
      : Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return jsonReply(
    status,
    { error: { message, type, code, param } },
    {
      "x-request-id": requestId,
      ...(retry === "later" && { "retry-after": String(retryAfterS) }),
    },
  );
}

/** Answers may hold secrets and change at any time, so nothing keeps them. */
export function jsonReply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  });
}
