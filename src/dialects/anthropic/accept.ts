/**
 * Checks a client's body as far as the gateway depends on it, in the words of Anthropic's own refusals
 * (`max_tokens: Field required`, seen 2026-11), and no further: the provider decides about everything
 * else, so a member that Anthropic adds tomorrow works today.
 */
import { allow, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest } from "../contract.ts";
import { beyondPrice } from "../beyond-price.ts";
import { endUserWord } from "../end-user.ts";
import {
  listOf,
  numberOf,
  readJsonBody,
  type Refused,
  refuseModelName,
  wrong,
} from "../json-body.ts";
import { isObject, type JsonObject } from "../json.ts";
import { containerNamed } from "./container.ts";
import { readContent } from "./content.ts";
import { extrasOf } from "./extras.ts";
import { MEMBERS } from "./members.ts";

const tokensMax = 2 ** 31 - 1;

/** Refuses with `invalid_json`, or with `invalid_request` and the member's name in `param`. */
export function acceptMessages(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const read = readJsonBody(bytes, MEMBERS);
  if (!read.allowed) return read;
  const { body } = read.value;
  const refused =
    refuseModel(body["model"]) ??
    refuseMessages(body["messages"]) ??
    refuseMaxTokens(body["max_tokens"]) ??
    refuseStream(body["stream"]);
  if (refused !== null) return refused;
  const request = asked(bytes, body);
  return allow({
    ...request,
    ...beyondPrice(body, request),
    ...containerNamed(body),
    surface: "messages",
    stream: body["stream"] === true,
    outputTokensMax: numberOf(body["max_tokens"]),
    generates: true,
  });
}

/** Refuses likewise; what is only counted needs no output limit and has no stream. */
export function acceptCount(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const read = readJsonBody(bytes, MEMBERS);
  if (!read.allowed) return read;
  const { body } = read.value;
  const refused = refuseModel(body["model"]) ?? refuseMessages(body["messages"]);
  if (refused !== null) return refused;
  return allow({
    ...asked(bytes, body),
    surface: "count_tokens",
    stream: false,
    outputTokensMax: null,
    generates: false,
  });
}

type Differing = "surface" | "stream" | "outputTokensMax" | "generates";

function asked(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): Omit<ClientRequest, Differing> {
  const { images, inlineBytes, hasUnsized, modalities } = readContent(body);
  const { metadata } = body;
  return {
    bytes,
    model: String(body["model"]),
    endUserId: endUserWord([isObject(metadata) ? metadata["user_id"] : null]),
    // Usage comes with every stream, asked for or not.
    usageAsked: true,
    choices: 1,
    textBytes: bytes.length - inlineBytes,
    images,
    hasUnsized,
    modalities,
    offersTools: listOf(body["tools"]).length > 0 || listOf(body["mcp_servers"]).length > 0,
    ...extrasOf(bytes, body, images > 0 || hasUnsized),
  };
}

function refuseModel(model: unknown): Refused | null {
  if (model === undefined) return missing("model");
  if (typeof model !== "string") return wrong("model: Input should be a valid string", "model");
  if (model === "") return wrong("model: String should have at least 1 character", "model");
  return refuseModelName(model);
}

function refuseMessages(messages: unknown): Refused | null {
  if (messages === undefined) return missing("messages");
  if (!Array.isArray(messages)) {
    return wrong("messages: Input should be a valid array", "messages");
  }
  if (messages.length === 0) {
    return wrong("messages: at least one message is required", "messages");
  }
  const odd = messages.findIndex((message) => !isObject(message));
  const name = `messages.${odd}`;
  return odd < 0 ? null : wrong(`${name}: Input should be an object`, name);
}

/** 0 fills the provider's cache and generates nothing (API reference, 2026-11). */
function refuseMaxTokens(value: unknown): Refused | null {
  const name = "max_tokens";
  if (value === undefined) return missing(name);
  if (typeof value !== "number" || !Number.isInteger(value)) {
    return wrong(`${name}: Input should be a valid integer`, name);
  }
  if (value < 0) return wrong(`${name}: Input should be greater than or equal to 0`, name);
  if (value <= tokensMax) return null;
  return wrong(`${name}: Input should be less than or equal to ${tokensMax}`, name);
}

function refuseStream(stream: unknown): Refused | null {
  if (stream === undefined || stream === null || typeof stream === "boolean") return null;
  return wrong("stream: Input should be a valid boolean", "stream");
}

function missing(name: string): Refused {
  return wrong(`${name}: Field required`, name);
}
