/**
 * Checks a client's body as far as the gateway depends on it, and no further: the provider decides
 * about everything else, so a member that OpenAI adds tomorrow works today.
 */
import { allow, type Verdict } from "../../base/verdict.ts";
import { listOf, numberOf, type Refused, wrong } from "../json-body.ts";
import type { ClientRequest } from "../contract.ts";
import { beyondPrice } from "../beyond-price.ts";
import { isObject, type JsonObject } from "../json.ts";
import {
  CHOICES_MAX,
  endUserOf,
  missing,
  readBody,
  refuseNumber,
  refuseStream,
  TOKENS_MAX,
} from "./body-checks.ts";
import { chatExtras, embeddingExtras } from "./extras.ts";
import { countNotText } from "./images.ts";
import { inputModalities } from "./modalities.ts";
import { INCLUDE_USAGE, MEMBERS, OUTPUT_CAP_MEMBERS } from "./members.ts";

/** Refuses with `invalid_json`, or with `invalid_request` and the member's name in `param`. */
export function acceptChat(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const body = readBody(bytes, MEMBERS, refuseChat);
  return body.allowed ? allow(chat(bytes, body.value)) : body;
}

/** Refuses likewise. */
export function acceptEmbeddings(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const body = readBody(bytes, MEMBERS, refuseEmbeddings);
  return body.allowed ? allow(embeddings(bytes, body.value)) : body;
}

function chat(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): ClientRequest {
  const options = body["stream_options"];
  const stream = body["stream"] === true;
  const { images, inlineBytes, hasUnsized, modalities, files } = countNotText(
    listOf(body["messages"]),
  );
  const extras = chatExtras(bytes, body);
  const caps = OUTPUT_CAP_MEMBERS.map((name) => numberOf(body[name]) ?? 0);
  return {
    surface: "chat",
    bytes,
    model: String(body["model"]),
    stream,
    endUserId: endUserOf(body),
    usageAsked: stream && isObject(options) && options[INCLUDE_USAGE] === true,
    outputTokensMax: Math.max(...caps) || null,
    choices: numberOf(body["n"]) ?? 1,
    generates: true,
    textBytes: bytes.length - inlineBytes,
    images,
    hasUnsized,
    modalities,
    offersTools: listOf(body["tools"]).length > 0 || listOf(body["functions"]).length > 0,
    ...extras,
    ...beyondPrice(body, extras),
    ...(files !== null && { objects: files }),
  };
}

function embeddings(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): ClientRequest {
  const extras = embeddingExtras(bytes, body);
  return {
    surface: "embeddings",
    bytes,
    model: String(body["model"]),
    stream: false,
    endUserId: endUserOf(body),
    usageAsked: false,
    outputTokensMax: null,
    choices: 1,
    generates: false,
    textBytes: bytes.length,
    images: 0,
    hasUnsized: false,
    modalities: inputModalities(body["input"]),
    offersTools: false,
    ...extras,
    ...beyondPrice(body, extras),
  };
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
    refuseNumber(body, "n", CHOICES_MAX)
  );
}

function refuseMessages(messages: unknown): Refused | null {
  if (messages === undefined || messages === null) return missing("messages");
  if (!Array.isArray(messages)) return wrong("'messages' must be an array.", "messages");
  if (messages.length === 0) return wrong("'messages' must not be empty.", "messages");
  const odd = messages.findIndex((message) => !isObject(message));
  return odd < 0 ? null : wrong(`'messages[${odd}]' must be an object.`, `messages[${odd}]`);
}
