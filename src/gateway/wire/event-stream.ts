/**
 * AWS's event stream (docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html): the only
 * importer of @smithy/eventstream-codec, which is loaded with the first stream and checks each frame's sums.
 * A frame holds `{"bytes"}`, one event in base64, or an exception; a stream whose frames are damaged breaks off.
 */
import type { Message } from "@smithy/eventstream-codec";
import { LIMITS } from "../../base/limits.ts";
import { isObject, parseJson, parseJsonText } from "../../dialects/json.ts";
import { BytePieces } from "../byte-pieces.ts";
import type { ByteReader } from "../transport.ts";

type Decode = (frame: Uint8Array) => Message;

/** The events of a body in frames; each read gives whole ones, and those before a damaged frame first. */
export async function framesToEvents(reader: ByteReader): Promise<ByteReader> {
  const decode = await loadDecode();
  const frames = new Frames();
  let broken: { readonly error: unknown } | null = null;
  const takeEvents = (): string => {
    let text = "";
    try {
      for (let frame = frames.take(); frame !== null; frame = frames.take()) {
        text += eventOf(decode(frame));
      }
    } catch (error) {
      // Thrown when what came before it has been read: it may hold the usage.
      broken = { error };
    }
    return text;
  };
  return {
    read: async () => {
      for (;;) {
        if (broken !== null) throw broken.error;
        const text = takeEvents();
        if (text !== "") return { done: false, value: new TextEncoder().encode(text) };
        if (broken !== null) continue;
        const { done, value } = await reader.read();
        if (done) return { done };
        frames.push(value);
      }
    },
    cancel: () => reader.cancel(),
  };
}

let loaded: Decode | null = null;

async function loadDecode(): Promise<Decode> {
  if (loaded !== null) return loaded;
  const { EventStreamCodec } = await import("@smithy/eventstream-codec");
  const codec = new EventStreamCodec(
    (bytes) => new TextDecoder().decode(typeof bytes === "string" ? Buffer.from(bytes) : bytes),
    (text) => new TextEncoder().encode(text),
  );
  loaded = (frame) => codec.decode(frame);
  return loaded;
}

/** Total length, headers' length, sum of both; sum of the whole behind. */
const PRELUDE_BYTES = 12;
const FRAME_BYTES_MIN = 16;

/** Cuts chunks of the network, which end anywhere, into frames. */
class Frames {
  readonly #pieces = new BytePieces();
  /** Everything that had come when a frame was last looked for, and how far it was taken. */
  #bytes = new Uint8Array(0);
  #at = 0;
  /** Bytes of the begun frame, or as many as tell them. */
  #wanted = PRELUDE_BYTES;

  push(chunk: Uint8Array): void {
    this.#pieces.add(chunk);
  }

  /** null: none is whole. Throws at one that cannot be. */
  take(): Uint8Array | null {
    for (;;) {
      if (this.#left() < this.#wanted) {
        // Joined when there is enough: a provider chooses how small its pieces are.
        if (this.#left() + this.#pieces.length < this.#wanted) return null;
        this.#join();
      }
      if (this.#wanted > PRELUDE_BYTES) break;
      this.#wanted = this.#frameBytes();
    }
    const frame = this.#bytes.subarray(this.#at, this.#at + this.#wanted);
    this.#at += this.#wanted;
    this.#wanted = PRELUDE_BYTES;
    return frame;
  }

  #frameBytes(): number {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    const length = new DataView(buffer, byteOffset, byteLength).getUint32(this.#at);
    if (length >= FRAME_BYTES_MIN && length <= LIMITS.eventBytesMax) return length;
    throw new RangeError(`a frame of ${length} bytes`);
  }

  #left(): number {
    return this.#bytes.byteLength - this.#at;
  }

  #join(): void {
    const rest = this.#bytes.subarray(this.#at);
    const come = this.#pieces.joined();
    this.#bytes = rest.byteLength === 0 ? come : new Uint8Array(Buffer.concat([rest, come]));
    this.#at = 0;
    this.#pieces.clear();
  }
}

/** As server-sent events; empty for a frame that is about the connection alone. */
function eventOf({ headers, body }: Message): string {
  const kind = textIn(headers, ":message-type");
  const text = new TextDecoder().decode(body);
  if (kind === "exception") return exceptionEvent(textIn(headers, ":exception-type"), text);
  if (kind === "error") {
    const said = JSON.stringify({ message: textIn(headers, ":error-message") });
    return exceptionEvent(textIn(headers, ":error-code"), said);
  }
  // Others are about the connection alone.
  const isChunk = ["", "chunk"].includes(textIn(headers, ":event-type"));
  return isChunk ? chunkEvent(text) : "";
}

/** Its sums were right, so that the provider meant it: without it the answer would have a hole. */
function chunkEvent(text: string): string {
  const parsed = parseJsonText(text);
  const encoded = isObject(parsed) ? parsed["bytes"] : undefined;
  const bytes = Buffer.from(typeof encoded === "string" ? encoded : "", "base64");
  const event = parseJson(bytes);
  const type = isObject(event) ? event["type"] : undefined;
  if (typeof type !== "string" || !TYPE.test(type)) throw new TypeError("a frame without an event");
  return sse(type, bytes.toString("utf8"));
}

/** A name that ends no line. */
const TYPE = /^[\w.-]+$/;

/** Anthropic's word for an exception of AWS; its API says `api_error` for whatever is its own fault. */
const ERROR_TYPES: Readonly<Record<string, string>> = {
  ThrottlingException: "rate_limit_error",
  ServiceUnavailableException: "overloaded_error",
  ModelTimeoutException: "timeout_error",
  ValidationException: "invalid_request_error",
};

/** In Anthropic's shape for clients; `__type` says what AWS called it. */
function exceptionEvent(given: string, text: string): string {
  const name = given.charAt(0).toUpperCase() + given.slice(1);
  const parsed = parseJsonText(text);
  const said = isObject(parsed) ? (parsed["message"] ?? parsed["Message"]) : undefined;
  const error = {
    type: ERROR_TYPES[name] ?? "api_error",
    message: typeof said === "string" ? said : name,
  };
  return sse("error", JSON.stringify({ type: "error", error, __type: name }));
}

function sse(type: string, data: string): string {
  return `event: ${type}\ndata: ${data.replaceAll(/\r\n|\r|\n/g, "\ndata: ")}\n\n`;
}

function textIn(headers: Message["headers"], name: string): string {
  const value = headers[name]?.value;
  return typeof value === "string" ? value : "";
}
