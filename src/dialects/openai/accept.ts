/**
 * Checks a client's body as far as the gateway depends on it, and no further: the provider decides
 * about everything else, so a member that OpenAI adds tomorrow works today.
 */
import { allow, type Verdict } from "../../base/verdict.ts";
import {
  listOf,
  numberOf,
  readJsonBody,
  type Refused,
  refuseModelName,
  repeated,
  wrong,
} from "../json-body.ts";
import type { ClientRequest } from "../contract.ts";
import { endUserWord } from "../end-user.ts";
import { type ScannedObject, scanObject } from "../json-scan.ts";
import { isObject, type JsonObject } from "../json.ts";
import { chatExtras, embeddingExtras } from "./extras.ts";
import { countNotText } from "./images.ts";
import { inputModalities } from "./modalities.ts";
import { END_USER_MEMBERS, INCLUDE_USAGE, MEMBERS, OUTPUT_CAP_MEMBERS } from "./members.ts";

export const TOKENS_MAX = 2 ** 31 - 1;
const choicesMax = 128;

/** Refuses with `invalid_json`, or with `invalid_request` and the member's name in `param`. */
export function acceptChat(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const body = readBody(bytes, refuseChat);
  return body.allowed ? allow(chat(bytes, body.value)) : body;
}

/** Refuses likewise. */
export function acceptEmbeddings(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const body = readBody(bytes, refuseEmbeddings);
  return body.allowed ? allow(embeddings(bytes, body.value)) : body;
}

function readBody(
  bytes: Uint8Array<ArrayBuffer>,
  refuseMembers: (body: JsonObject) => Refused | null,
): Verdict<JsonObject> {
  const read = readJsonBody(bytes, MEMBERS);
  if (!read.allowed) return read;
  const { body, scan } = read.value;
  const refused =
    refuseRepeatedOption(scan, bytes) ?? refuseModel(body["model"]) ?? refuseMembers(body);
  return refused ?? allow(body);
}

function chat(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): ClientRequest {
  const options = body["stream_options"];
  const stream = body["stream"] === true;
  const { images, inlineBytes, hasUnsized, modalities } = countNotText(listOf(body["messages"]));
  const caps = OUTPUT_CAP_MEMBERS.map((name) => numberOf(body[name]) ?? 0);
  return {
    surface: "chat",
    bytes,
    model: String(body["model"]),
    stream,
    endUserId: endUserWord(END_USER_MEMBERS.map((member) => body[member])),
    usageAsked: stream && isObject(options) && options[INCLUDE_USAGE] === true,
    outputTokensMax: Math.max(...caps) || null,
    choices: numberOf(body["n"]) ?? 1,
    generates: true,
    textBytes: bytes.length - inlineBytes,
    images,
    hasUnsized,
    modalities,
    offersTools: listOf(body["tools"]).length > 0 || listOf(body["functions"]).length > 0,
    ...chatExtras(bytes, body),
  };
}

function embeddings(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): ClientRequest {
  return {
    surface: "embeddings",
    bytes,
    model: String(body["model"]),
    stream: false,
    endUserId: endUserWord(END_USER_MEMBERS.map((member) => body[member])),
    usageAsked: false,
    outputTokensMax: null,
    choices: 1,
    generates: false,
    textBytes: bytes.length,
    images: 0,
    hasUnsized: false,
    modalities: inputModalities(body["input"]),
    offersTools: false,
    ...embeddingExtras(bytes, body),
  };
}

function refuseRepeatedOption(scan: ScannedObject, bytes: Uint8Array): Refused | null {
  const options = scan.members.get("stream_options")?.value;
  if (options === undefined) return null;
  const inner = scanObject(bytes.subarray(options.start, options.end), [INCLUDE_USAGE]);
  const isRepeated = inner.kind === "object" && inner.repeated !== null;
  return isRepeated ? repeated(`stream_options.${INCLUDE_USAGE}`) : null;
}

export function refuseModel(model: unknown): Refused | null {
  if (model === undefined || model === null) return missing("model");
  if (typeof model !== "string") return wrong("'model' must be a string.", "model");
  if (model === "") return wrong("'model' must not be empty.", "model");
  return refuseModelName(model);
}

function refuseEmbeddings(body: JsonObject): Refused | null {
  return body["input"] === undefined || body["input"] === null ? missing("input") : null;
}

function refuseChat(body: JsonObject): Refused | null {
  return (
    refuseMessages(body["messages"]) ??
    refuseStream(body) ??
    refuseNumber(body, "max_tokens", TOKENS_MAX) ??
    refuseNumber(body, "max_completion_tokens", TOKENS_MAX) ??
    refuseNumber(body, "n", choicesMax)
  );
}

function refuseMessages(messages: unknown): Refused | null {
  if (messages === undefined || messages === null) return missing("messages");
  if (!Array.isArray(messages)) return wrong("'messages' must be an array.", "messages");
  if (messages.length === 0) return wrong("'messages' must not be empty.", "messages");
  const odd = messages.findIndex((message) => !isObject(message));
  return odd < 0 ? null : wrong(`'messages[${odd}]' must be an object.`, `messages[${odd}]`);
}

/** As OpenAI, we take null for an absent optional member (types of openai-node 7.55, 2026-11). */
function refuseStream(body: JsonObject): Refused | null {
  const stream = body["stream"] ?? false;
  if (typeof stream !== "boolean") return wrong("'stream' must be a boolean.", "stream");
  const options = body["stream_options"] ?? {};
  if (!isObject(options)) return wrong("'stream_options' must be an object.", "stream_options");
  const asked = options[INCLUDE_USAGE] ?? false;
  const name = `stream_options.${INCLUDE_USAGE}`;
  return typeof asked === "boolean" ? null : wrong(`'${name}' must be a boolean.`, name);
}

export function refuseNumber(body: JsonObject, name: string, max: number): Refused | null {
  const value = body[name] ?? 1;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max)
    return null;
  return wrong(`'${name}' must be an integer from 1 to ${max}.`, name);
}

function missing(name: string): Refused {
  return wrong(`Missing required parameter: '${name}'.`, name);
}
