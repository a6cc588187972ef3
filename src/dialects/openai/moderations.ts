/** Moderations: what a text or picture is judged to be. Most providers ask nothing for it. */
import { allow, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest, Codec } from "../contract.ts";
import type { Refused } from "../json-body.ts";
import type { JsonObject } from "../json.ts";
import { endUserOf, missing, readBody } from "./body-checks.ts";
import { inputModalities } from "./modalities.ts";
import { PLAIN_CODEC } from "./plain-codec.ts";

const MEMBERS = ["model", "input", "user", "safety_identifier"] as const;

/** What OpenAI takes where the client names none (API reference, 2026-11). */
const DEFAULT_MODEL = "omni-moderation-latest";

export const moderationsCodec: Codec = {
  ...PLAIN_CODEC,
  surface: "moderations",
  path: () => "/moderations",
  accept: acceptModeration,
};

function acceptModeration(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const body = readBody(bytes, MEMBERS, refuseModeration, DEFAULT_MODEL);
  return body.allowed ? allow(moderation(bytes, body.value)) : body;
}

function refuseModeration(body: JsonObject): Refused | null {
  return body["input"] === undefined || body["input"] === null ? missing("input") : null;
}

function moderation(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): ClientRequest {
  return {
    surface: "moderations",
    bytes,
    model: typeof body["model"] === "string" ? body["model"] : DEFAULT_MODEL,
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
    without: [],
    toolCallsMax: {},
  };
}
