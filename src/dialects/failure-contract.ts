/**
 * What a refusal or a failure of a provider means, as far as its words tell. They are read in the manner
 * of every company, whatever surface they came on.
 */
import type { JsonObject } from "./json.ts";

/** What a provider's refusal or failure says about its cause, in whatever words it says it. */
export type FailureKind =
  /** The input, or the input and the output asked for, is more than the model takes. */
  | "context_too_long"
  | "content_filtered"
  | "invalid_request"
  | "request_too_large"
  /** This request alone is more than the account may spend or send at once; a smaller one may pass. */
  | "over_account_limit"
  | "model_unknown"
  /** The account may not use this model, this feature or this place. */
  | "not_permitted"
  | "credential_refused"
  /** Nothing goes until somebody pays, or until a day or month has passed. */
  | "credit_exhausted"
  | "throttled"
  | "overloaded"
  /** The provider's own failure. */
  | "server_error";

/** A refusal, or an error that came within an answer: then its `status` is null. */
export type FailureAnswer = {
  readonly status: number | null;
  readonly headers: Headers;
  readonly body: JsonObject;
};

/** `kind` null: nothing that the status alone does not tell. */
export type FailureReading = {
  readonly kind: FailureKind | null;
  /** As the body says; headers are read elsewhere. */
  readonly retryAfterMs: number | null;
};

/** Reads failures worded in the manner of one company; null when the shape is another's. */
export type FailureReader = (failure: FailureAnswer) => FailureReading | null;
