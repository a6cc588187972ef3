/**
 * What an administrative use-case answers: allowed with a value, or refused with a code, a sentence
 * and the member that is wrong. Refusals are expected, so they are values; which status a code has
 * is the HTTP layer's business.
 */

export type AdminErrorCode =
  | "invalid_json"
  | "invalid_request"
  | "invalid_admin_token"
  | "not_found"
  | "conflict"
  | "stale_version"
  | "in_use"
  | "unprocessable"
  | "body_too_large"
  | "unsupported_media_type";

export type AdminRefusal = {
  readonly code: AdminErrorCode;
  readonly message: string;
  /** JSON pointer into the body (`/scope/id`), or the name of a query parameter or header. */
  readonly param: string | null;
};

export type AdminRefused = { readonly allowed: false; readonly refusal: AdminRefusal };
export type AdminVerdict<T> = { readonly allowed: true; readonly value: T } | AdminRefused;

export function allow<T>(value: T): { readonly allowed: true; readonly value: T } {
  return { allowed: true, value };
}

export function refuse(
  code: AdminErrorCode,
  message: string,
  param: string | null = null,
): AdminRefused {
  return { allowed: false, refusal: { code, message, param } };
}
