/**
 * What the gateway itself says to a client, for the client's dialect to word: errors, headers, and the form
 * in which a stream holds them.
 */
import type { ErrorCode } from "../base/error.ts";

/** One error as the dialect's clients expect it. */
export type ErrorReply = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  /** Names the request, for dialects whose errors do. */
  readonly requestId: string;
  /** When to come back, for dialects whose errors say it; absent: nobody knows, or never. */
  readonly retryAfterS?: number;
};

/** One rate of the one who asks, at its tightest. */
export type RateTold = {
  readonly limit: number;
  readonly remaining: number;
  /** When all of it can be used again. */
  readonly resetAtMs: number;
};

/** What headers of an answer tell about its request; null: no such rate applies. */
export type AnswerTold = {
  readonly requestId: string;
  readonly requests: RateTold | null;
  readonly tokens: RateTold | null;
};

/** How a stream holds its parts, where they are not server-sent events, or tell errors in another way. */
export type Framing = {
  /** They are server-sent events. */
  readonly hasEvents?: true;
  /** Whether an answer of this content type, in lower case, is such a stream. */
  readonly isStream: (contentType: string) => boolean;
  /** Of a stream that begins before its provider has answered. */
  readonly contentType: string;
  /** Says nothing, between any two parts. */
  readonly keepAlive: Uint8Array;
  /** An error in place of the stream. */
  readonly errorBody: (error: ErrorReply) => string;
  /** The same error as its last part. `hasBegun`: parts came before. */
  readonly errorPart: (error: ErrorReply, hasBegun: boolean) => Uint8Array;
  /** The body of a refusal as the only part; null where clients would not take it for an error. */
  readonly errorPartOf: (body: Uint8Array<ArrayBuffer> | string) => Uint8Array | null;
};
