/**
 * What there is to say on a client's stream beside its answer, in the form that the stream has: server-sent
 * events, unless the surface holds the parts of its streams together in another way.
 */
import type { Codec, Dialect } from "./contract.ts";
import type { ErrorReply } from "./reply-contract.ts";

/** What a client was called in. */
type Spoken = { readonly dialect: Dialect; readonly codec: Codec };

const EVENT_STREAM = "text/event-stream";
const COMMENT = new TextEncoder().encode(": keep-alive\n\n");

/** Whether an answer is a stream by its content type. */
export function isStreamAnswer({ framing }: Codec, contentType: string | null): boolean {
  const type = (contentType ?? "").toLowerCase();
  return framing === undefined ? type.startsWith(EVENT_STREAM) : framing.isStream(type);
}

/** Only these have places that a client can name; an answer that may be bytes has none to count on. */
export function hasEvents({ framing, watchBytes }: Codec): boolean {
  if (watchBytes !== undefined) return false;
  return framing === undefined || framing.hasEvents === true;
}

/** Content type of a stream that begins before its provider has answered. */
export function streamContentType({ framing }: Codec): string {
  return framing?.contentType ?? `${EVENT_STREAM}; charset=utf-8`;
}

/** Says nothing, between any two parts. */
export function keepAlivePart({ framing }: Codec): Uint8Array {
  return framing?.keepAlive ?? COMMENT;
}

/** An error as the whole answer. */
export function errorBody({ dialect, codec }: Spoken, error: ErrorReply): string {
  return (codec.framing ?? dialect).errorBody(error);
}

/** An error as the last part of a stream. `hasBegun`: parts of an answer came before. */
export function errorPart(
  { dialect, codec }: Spoken,
  error: ErrorReply,
  hasBegun: boolean,
): Uint8Array {
  return codec.framing?.errorPart(error, hasBegun) ?? dialect.errorEvent(error);
}

/** A refusal's body as the only part of a stream; null where clients would not take it for an error. */
export function errorPartOf(
  { dialect, codec }: Spoken,
  body: Uint8Array<ArrayBuffer> | string,
): Uint8Array | null {
  return codec.framing === undefined ? dialect.errorEventOf(body) : codec.framing.errorPartOf(body);
}
