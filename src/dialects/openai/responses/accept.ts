/**
 * Checks a body for a response, for a compaction or for a count as far as the gateway depends on it, and no
 * further. What it names that the provider keeps (an earlier response, a conversation, items) decides who
 * can serve it, and may make its input as long as the model can read.
 */
import { allow, type Verdict } from "../../../base/verdict.ts";
import type { ClientRequest } from "../../contract.ts";
import { beyondPrice } from "../../beyond-price.ts";
import { listOf, numberOf, readJsonBody, type Refused, wrong } from "../../json-body.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { endUserOf, refuseModel, refuseNumber, TOKENS_MAX } from "../body-checks.ts";
import { isRunByProvider, responseExtras } from "./extras.ts";
import { type InputHeld, inputHeld } from "./input.ts";
import { MEMBERS, OUTPUT_CAP_MEMBER } from "./members.ts";
import { earlier, namedBeside } from "./named.ts";

/** Refuses with `invalid_json`, or with `invalid_request` and the member's name in `param`. */
export function acceptResponse(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  return acceptGenerating(bytes, (body) => ({
    surface: "responses",
    stream: body["stream"] === true,
    outputTokensMax: numberOf(body[OUTPUT_CAP_MEMBER]),
    ...(body["background"] === true ? { background: true } : {}),
  }));
}

/** Refuses likewise. Whatever limit it names, it is one plain answer that nothing in its body bounds. */
export function acceptCompaction(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  return acceptGenerating(bytes, () => ({
    ...PLAIN,
    surface: "response_compact",
    isUncapped: true,
  }));
}

/** Refuses likewise; what is only counted makes nothing. */
export function acceptCount(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const read = readChecked(bytes);
  if (!read.allowed) return read;
  return allow({
    ...asked(bytes, read.value),
    ...PLAIN,
    surface: "response_input_tokens",
    generates: false,
  });
}

const PLAIN = { stream: false, outputTokensMax: null } as const;

type Asks = Pick<
  ClientRequest,
  "surface" | "stream" | "outputTokensMax" | "background" | "isUncapped"
>;

function acceptGenerating(
  bytes: Uint8Array<ArrayBuffer>,
  asks: (body: JsonObject) => Asks,
): Verdict<ClientRequest> {
  const read = readChecked(bytes);
  if (!read.allowed) return read;
  const body = read.value;
  const request = asked(bytes, body);
  return allow({ ...request, ...beyondPrice(body, request), ...asks(body), generates: true });
}

function readChecked(bytes: Uint8Array<ArrayBuffer>): Verdict<JsonObject> {
  const read = readJsonBody(bytes, MEMBERS);
  if (!read.allowed) return read;
  const { body } = read.value;
  return refuseMembers(body) ?? allow(body);
}

type Differing = "surface" | "stream" | "outputTokensMax" | "generates";

function asked(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): Omit<ClientRequest, Differing> {
  const held = inputHeld(body["input"]);
  const tools = listOf(body["tools"]);
  const before = earlier(body);
  const objects = [...before, ...held.references, ...namedBeside(body)];
  const hasUnsized = isUnsized(body, held) || before.length > 0;
  return {
    bytes,
    model: String(body["model"]),
    endUserId: endUserOf(body),
    usageAsked: true,
    choices: 1,
    textBytes: bytes.length - held.inlineBytes,
    images: held.images,
    hasUnsized,
    modalities: held.modalities,
    offersTools: tools.length > 0,
    ...responseExtras(bytes, body, { modalities: held.modalities, hasUnsized }),
    ...(objects.length === 0 ? {} : { objects }),
  };
}

/** Prompts of the provider's, and what its own tools find, are input that the body does not show. */
function isUnsized(body: JsonObject, { hasUnsized }: InputHeld): boolean {
  return (
    hasUnsized ||
    isObject(body["prompt"]) ||
    listOf(body["tools"]).some(isRunByProvider) ||
    // What the provider makes shorter itself it has read before.
    listOf(body["context_management"]).length > 0
  );
}

function refuseMembers(body: JsonObject): Refused | null {
  return (
    refuseModel(body["model"]) ??
    refuseInput(body["input"]) ??
    refuseFlag(body, "stream") ??
    refuseFlag(body, "background") ??
    refuseNumber(body, OUTPUT_CAP_MEMBER, TOKENS_MAX) ??
    refuseEarlier(body)
  );
}

/** Without it the provider goes on from what it keeps, or says what is missing. */
function refuseInput(input: unknown): Refused | null {
  const isTaken = (input ?? "") === "" || typeof input === "string" || Array.isArray(input);
  return isTaken ? null : wrong("'input' must be a string or an array.", "input");
}

function refuseFlag(body: JsonObject, name: string): Refused | null {
  const value = body[name] ?? false;
  return typeof value === "boolean" ? null : wrong(`'${name}' must be a boolean.`, name);
}

/** What could not be read here could be read there, and would not have been checked. */
function refuseEarlier(body: JsonObject): Refused | null {
  const before = body["previous_response_id"] ?? "";
  if (typeof before !== "string") {
    return wrong("'previous_response_id' must be a string.", "previous_response_id");
  }
  const conversation = body["conversation"] ?? "";
  const id = isObject(conversation) ? conversation["id"] : conversation;
  if (typeof id === "string") return null;
  return wrong("'conversation' must be a string or an object with an 'id'.", "conversation");
}
