/**
 * Delivers an answer that is known as a whole. Its length is announced, so a client can tell a cut
 * answer from a complete one.
 */

import type { OutgoingHttpHeaders } from "node:http";
import { bodyWriter } from "./body-writer.ts";
import { acceptsGzip, GzipEncoder } from "./gzip.ts";
import { errorBody, type OpenaiError } from "./openai-error.ts";
import type { Turn } from "./turn.ts";
import type { ReportedUsage } from "./usage.ts";

/** Above this size the end of an answer waits until its bytes have left our buffers. */
const directBytesMax = 65_536;

/** An answer that is known to its last byte. */
type Reply = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** What the body reports as used, if it does. */
  readonly usage?: ReportedUsage | undefined;
};

/** A JSON answer, with 200 unless a script says otherwise. */
export function jsonReply(value: unknown, status = 200): Reply {
  return { status, contentType: "application/json", body: JSON.stringify(value) };
}

/** Sends a whole answer with everything that the script asks of its headers and bytes. */
export function deliver(turn: Turn, reply: Reply): void {
  const { response, received, script, world } = turn;
  const isGzip = wantsGzip(turn);
  const plain = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
  const bytes = isGzip ? compress(plain) : plain;
  const headers = replyHeaders(turn, reply.contentType, isGzip);
  const hasBody = reply.status !== 204 && reply.status !== 304;
  if (hasBody) {
    headers["content-length"] = bytes.byteLength;
  }
  if (reply.usage !== undefined) {
    turn.usage = { reported: reply.usage, untilByte: bytes.byteLength };
  }
  world.tally.answering(received, reply.status);
  response.writeHead(reply.status, headers);
  if (!hasBody || bytes.byteLength === 0) {
    response.end();
    return;
  }
  const writer = bodyWriter(response, received, script, world.wheel);
  turn.stop = () => writer.stop();
  if (script.stall_after !== undefined) {
    // The end is never asked for: the client waits for the rest of the announced length.
    response.flushHeaders();
    const part = bytes.subarray(0, script.stall_after);
    if (part.byteLength > 0) {
      writer.write(part, () => {});
    }
  } else if (writer.isDirect && bytes.byteLength <= directBytesMax) {
    received.bodyBytesSent = bytes.byteLength;
    response.end(bytes);
  } else if (writer.write(bytes, () => writer.end())) {
    writer.end();
  }
}

/** Sends an OpenAI error with its own status. */
export function deliverError(turn: Turn, error: OpenaiError): void {
  const body = errorBody(error);
  deliver(turn, { status: error.status, contentType: "application/json", body });
}

/** The script asks for it and the client takes it. */
export function wantsGzip({ script, received }: Turn): boolean {
  return (
    script.content_encoding === "gzip" &&
    acceptsGzip(received.headers["accept-encoding"]?.toString())
  );
}

/** Headers of any answer; scripted ones replace ours, repeated ones are all sent. */
export function replyHeaders(
  turn: Turn,
  contentType: string,
  isGzip: boolean,
): OutgoingHttpHeaders {
  const { script, received } = turn;
  const headers: OutgoingHttpHeaders = {
    "content-type": contentType,
    "x-request-id": `req_sim${String(received.number).padStart(12, "0")}`,
  };
  if (isGzip) {
    headers["content-encoding"] = "gzip";
  }
  if (script.retry_after !== undefined) {
    headers["retry-after"] = script.retry_after;
  }
  const scripted = new Map<string, string[]>();
  for (const [name, value] of script.header ?? []) {
    scripted.set(name, [...(scripted.get(name) ?? []), value]);
  }
  for (const [name, values] of scripted) {
    headers[name] = values.length === 1 ? values[0] : values;
  }
  return headers;
}

/** The whole body as one gzip text, made by the same encoder as streams. */
function compress(bytes: Uint8Array): Uint8Array {
  const encoder = new GzipEncoder();
  return Buffer.concat([encoder.encode(bytes), encoder.finish()]);
}
