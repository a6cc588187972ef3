/**
 * One request of a batch, as a line of its input file: an envelope that says where it goes, and a body that
 * is checked as if it had come there.
 */
import { allow, refuse, type Verdict } from "../../../base/verdict.ts";
import type { ClientRequest, Codec } from "../../contract.ts";
import { readJsonBody, type Refused, wrong } from "../../json-body.ts";
import { scanObject, type Span } from "../../json-scan.ts";
import type { JsonObject } from "../../json.ts";
import { replace, splice } from "../../splice.ts";
import { missing } from "../body-checks.ts";
import { LINE_URLS, lineCodecAt } from "./line-codecs.ts";

export type InputLine = {
  readonly codec: Codec;
  readonly request: ClientRequest;
  /** Where the value of the model stands in the line. */
  readonly model: Span;
};

const MEMBERS = ["custom_id", "method", "url", "body"] as const;
const PLACE = { model: null };

const CR = 0x0d;

/** Refuses with `invalid_request` and the member's name. */
export function readInputLine(line: Uint8Array<ArrayBuffer>): Verdict<InputLine> {
  const bytes = line.at(-1) === CR ? line.subarray(0, -1) : line;
  // Some end a line there, and would find other requests than are found here.
  if (bytes.includes(CR)) return wrong("A carriage return stands within it.");
  const scan = scanObject(bytes, MEMBERS);
  const span = scan.kind === "object" ? (scan.members.get("body")?.value ?? null) : null;
  const envelope = readEnvelope(bytes, span);
  if (!envelope.allowed) return envelope;
  if (span === null) return missing("body");
  const codec = codecFor(envelope.value);
  if (!codec.allowed) return codec;
  const read = readBody(codec.value, bytes.subarray(span.start, span.end));
  if (!read.allowed) return read;
  const { request, model } = read.value;
  const start = span.start + model.start;
  return allow({
    codec: codec.value,
    request,
    model: { start, end: span.start + model.end },
  });
}

/** All but its body, which is as large as it likes and is parsed once. */
function readEnvelope(bytes: Uint8Array<ArrayBuffer>, body: Span | null): Verdict<JsonObject> {
  const envelope = body === null ? bytes : splice(bytes, [replace(body, "null")]);
  const read = readJsonBody(envelope, MEMBERS, "It");
  return read.allowed ? allow(read.value.body) : asProblem(read);
}

function codecFor({ method, url }: JsonObject): Verdict<Codec> {
  if (method !== "POST") return wrong("'method' must be \"POST\".", "method");
  const codec = typeof url === "string" ? lineCodecAt(url) : null;
  return codec === null
    ? wrong(`'url' must be one of ${LINE_URLS.join(", ")}.`, "url")
    : allow(codec);
}

type ReadBody = { readonly request: ClientRequest; readonly model: Span };

function readBody(codec: Codec, bytes: Uint8Array<ArrayBuffer>): Verdict<ReadBody> {
  const accepted = codec.accept(bytes, PLACE);
  if (!accepted.allowed) return asProblem(accepted, "body");
  const request = accepted.value;
  if (request.stream) return wrong("'body.stream' must not be true in a batch.", "body.stream");
  if (request.background === true) {
    return wrong("'body.background' must not be true in a batch.", "body.background");
  }
  const scan = scanObject(bytes, ["model"]);
  const model = scan.kind === "object" ? scan.members.get("model")?.value : undefined;
  // Where a surface has a default, every line says all the same which model it is for.
  return model === undefined ? missing("body.model") : allow({ request, model });
}

/** Whatever is wrong with a line is wrong with the file that was sent. */
function asProblem({ refusal: { message, param } }: Refused, within?: string): Verdict<never> {
  if (within === undefined) {
    return refuse("invalid_request", message, param === undefined ? {} : { param });
  }
  const named = param === undefined ? within : `${within}.${param}`;
  return refuse("invalid_request", `In '${within}': ${message}`, { param: named });
}
