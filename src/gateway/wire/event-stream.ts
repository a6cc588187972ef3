/**
 * AWS's event stream (docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html): the only
 * importer of @smithy/eventstream-codec, which is loaded with the first stream and checks each frame's sums.
 * A frame holds `{"bytes"}`, one event in base64, or an exception; a stream whose frames are damaged breaks off.
 */
import type { Message } from "@smithy/eventstream-codec";
import { LIMITS } from "../../base/limits.ts";
import { isObject, parseJsonText } from "../../dialects/json.ts";
import { BytePieces } from "../byte-pieces.ts";
import type { ByteReader } from "../transport.ts";

type Decode = (frame: Uint8Array) => Message;

/** The events of a body in frames; each read gives whole ones. */
export async function framesToEvents(reader: ByteReader): Promise<ByteReader> {
  const decode = await loadDecode();
  const frames = new Frames();
  return {
    read: async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { done };
        const events = frames.push(value).map((frame) => eventOf(decode(frame)));
        const text = events.join("");
        if (text !== "") return { done: false, value: new TextEncoder().encode(text) };
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

  push(chunk: Uint8Array): readonly Uint8Array[] {
    this.#pieces.add(chunk);
    if (this.#pieces.length < PRELUDE_BYTES) return [];
    const bytes = this.#pieces.joined();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (bytes.byteLength - at >= PRELUDE_BYTES) {
      const length = view.getUint32(at);
      if (length < FRAME_BYTES_MIN || length > LIMITS.eventBytesMax) {
        throw new RangeError(`a frame of ${length} bytes`);
      }
      if (bytes.byteLength - at < length) break;
      frames.push(bytes.subarray(at, at + length));
      at += length;
    }
    this.#pieces.clear();
    if (at < bytes.byteLength) this.#pieces.add(bytes.subarray(at));
    return frames;
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
  const parsed = parseJsonText(text);
  const encoded = isObject(parsed) ? parsed["bytes"] : undefined;
  if (typeof encoded !== "string") return "";
  const data = Buffer.from(encoded, "base64").toString("utf8");
  const event = parseJsonText(data);
  const type = isObject(event) ? event["type"] : undefined;
  return typeof type === "string" ? sse(type, data) : "";
}

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
  return `event: ${type}\ndata: ${data}\n\n`;
}

function textIn(headers: Message["headers"], name: string): string {
  const value = headers[name]?.value;
  return typeof value === "string" ? value : "";
}
