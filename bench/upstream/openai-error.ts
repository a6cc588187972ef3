/**
 * Error bodies as OpenAI words them: `{"error":{"message","type","param","code"}}`.
 */

/** A refusal: its status and the members of its body. */
export type OpenaiError = {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
};

/** Tells a refusal from the request that was read. */
export function isOpenaiError(value: object): value is OpenaiError {
  return "status" in value && "code" in value;
}

/** A refusal of what the client sent; `param` names the member at fault. */
export function invalidRequest(
  message: string,
  param: string | null,
  code: string | null = null,
): OpenaiError {
  return { status: 400, message, type: "invalid_request_error", param, code };
}

/** The model named is not served here. */
export function modelNotFound(model: string): OpenaiError {
  const message = `The model \`${model}\` does not exist or you do not have access to it.`;
  return { ...invalidRequest(message, null, "model_not_found"), status: 404 };
}

/** No endpoint has this method and path. */
export function unknownUrl(method: string, path: string): OpenaiError {
  const message = `Unknown request URL: ${method} ${path}. Please check the URL for typos.`;
  return { ...invalidRequest(message, null, "unknown_url"), status: 404 };
}

/** Type and code by status, as OpenAI's API was seen to send them. */
const scripted: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "unsupported_country_region_territory"],
  404: ["invalid_request_error", "model_not_found"],
  408: ["invalid_request_error", "request_timeout"],
  413: ["invalid_request_error", "request_too_large"],
  429: ["requests", "rate_limit_exceeded"],
  503: ["service_unavailable_error", "service_unavailable"],
};

/** What a provider would say with this status, when a script gave no body. */
export function scriptedError(status: number): OpenaiError {
  const [type, code] = scripted[status] ?? [
    status < 500 ? "invalid_request_error" : "server_error",
    null,
  ];
  return { status, message: `Simulated answer with status ${status}.`, type, param: null, code };
}

/** The JSON text of an error's body. */
export function errorBody(error: OpenaiError): string {
  const { message, type, param, code } = error;
  return JSON.stringify({ error: { message, type, param, code } });
}
