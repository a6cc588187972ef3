/**
 * One call to an upstream: the only place that calls `fetch`. It never follows a redirect, never
 * decompresses, and turns every failure into a value that says whether anything was sent. Deadlines
 * are ours (Bun's own would end a silent stream after five minutes).
 */
import type { StopReason } from "./exchange.ts";
import type { StreamedBody } from "./upload/spooled-body.ts";
import type { Deadline, Watchdog } from "./watchdog.ts";

/** Why we gave up an upstream ourselves. */
export type GiveUpReason =
  | StopReason
  | "first_byte"
  | "first_token"
  | "idle"
  | "total"
  | "throughput"
  | "hold_reached"
  | "client_stalled";

export type TransportFailure = {
  readonly kind: "gave_up" | "connect" | "reset";
  /** For the log only; may name hosts, never a credential. */
  readonly detail: string;
};

export type UpstreamCall = {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  /** Later: they must be signed first. */
  readonly headers: Record<string, string> | Promise<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | StreamedBody;
  /** How long it may take to begin to answer; from the last that it took of a body that is streamed. */
  readonly firstByteMs: number;
};

type ByteRead =
  | { readonly done: false; readonly value: Uint8Array }
  | { readonly done: true; readonly value?: Uint8Array | undefined };

/** What we use of a body's reader; Bun's own type and the standard one differ. */
export type ByteReader = {
  readonly read: () => Promise<ByteRead>;
  readonly cancel: () => Promise<void>;
};

export type UpstreamAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly reader: ByteReader;
};

/** A call on its way, which can be given up at any time until its body has been read. */
export type Upstream = {
  readonly answer: Promise<UpstreamAnswer | TransportFailure>;
  /** Closes the upstream connection; safe at any time, the first reason counts. */
  readonly giveUp: (reason: GiveUpReason) => void;
  readonly gaveUpFor: () => GiveUpReason | null;
  /** Aborts when we give up. */
  readonly signal: AbortSignal;
};

/** A call on the network as `fetch` makes it, so that the simulator can be the network. */
export type Send = (
  url: string,
  init: BunFetchInit,
) => Promise<{
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly getReader: () => ByteReader } | null;
}>;

/** Bun's extensions that its types do not name: `timeout: false` turns its own deadline off. */
type BunFetchInit = RequestInit & { readonly timeout: false; readonly decompress: false };

export function isFailure(answer: UpstreamAnswer | TransportFailure): answer is TransportFailure {
  return "kind" in answer;
}

export const sendByFetch: Send = (url, init) => fetch(url, init);

export function callUpstream(
  { watchdog, send }: { readonly watchdog: Watchdog; readonly send: Send },
  call: UpstreamCall,
): Upstream {
  const controller = new AbortController();
  let reader: ByteReader | null = null;
  let gaveUpFor: GiveUpReason | null = null;
  const giveUp = (reason: GiveUpReason): void => {
    if (gaveUpFor !== null) return;
    gaveUpFor = reason;
    controller.abort();
    // Cancelling the reader as well frees what Bun has buffered of the body (oven-sh/bun#32659).
    if (reader !== null) discard(reader);
  };
  const firstByte = watchdog.deadline(() => giveUp("first_byte"));
  const run = async (): Promise<UpstreamAnswer | TransportFailure> => {
    const headers = call.headers instanceof Promise ? await signed(call.headers) : call.headers;
    if (headers === null) return { kind: "connect", detail: "the request could not be signed" };
    const init: BunFetchInit = {
      method: call.method,
      headers: headersOf(headers, call),
      body: bodyOf(call, firstByte),
      redirect: "manual",
      signal: controller.signal,
      timeout: false,
      decompress: false,
    };
    firstByte.arm(call.firstByteMs);
    try {
      const response = await send(call.url, init);
      const body: ByteReader = (response.body ?? emptyBody()).getReader();
      reader = body;
      return { status: response.status, headers: response.headers, reader: body };
    } catch (error) {
      // Our own disk is no failure of the provider's.
      const unread = call.body instanceof Uint8Array ? null : call.body.failure();
      if (unread !== null && gaveUpFor === null) throw unread;
      return gaveUpFor === null ? describe(error) : { kind: "gave_up", detail: gaveUpFor };
    } finally {
      firstByte.disarm();
    }
  };
  return { answer: run(), giveUp, gaveUpFor: () => gaveUpFor, signal: controller.signal };
}

/** With a length Bun 1.4.4 sends a stream as it is, without chunks. */
function headersOf(
  headers: Record<string, string>,
  { body }: UpstreamCall,
): Record<string, string> {
  if (body instanceof Uint8Array) return headers;
  return { ...headers, "content-length": String(body.byteLength) };
}

/** A GET may have no body at all, not even an empty one. */
function bodyOf({ body, firstByteMs }: UpstreamCall, firstByte: Deadline): RequestInit["body"] {
  if (!(body instanceof Uint8Array)) return body.open(() => firstByte.arm(firstByteMs));
  return body.byteLength === 0 ? undefined : body;
}

/** null: they could not be made, whyever; nothing was sent. */
async function signed<T>(headers: Promise<T>): Promise<T | null> {
  try {
    return await headers;
  } catch {
    // What is wrong with it may be a part of what it was signed with.
    return null;
  }
}

/** Lets go of a body that nobody will read, so that Bun does not keep it. */
export function discard(reader: ByteReader): void {
  reader.cancel().catch(() => {
    // A reader that fails while being cancelled is gone all the same.
  });
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

/** Codes with which Bun 1.4.4 says that no connection came about, so that nothing was sent. */
const CONNECT_CODES = new Set([
  "ConnectionRefused",
  "ECONNREFUSED",
  "FailedToOpenSocket",
  "ENOTFOUND",
  "EAI_AGAIN",
  "DNSResolveFailed",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** The failure behind what `fetch` or a body read threw. */
export function describe(error: unknown): TransportFailure {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const code = codeOf(error);
  return { kind: code !== null && CONNECT_CODES.has(code) ? "connect" : "reset", detail };
}

function codeOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
