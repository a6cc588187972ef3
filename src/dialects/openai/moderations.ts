/** Moderations: what a text or picture is judged to be. Most providers ask nothing for it. */
import { allow, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest, Codec } from "../contract.ts";
import { endUserWord } from "../end-user.ts";
import type { Refused } from "../json-body.ts";
import type { JsonObject } from "../json.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { missing, readBody } from "./body-checks.ts";
import { END_USER_MEMBERS } from "./members.ts";
import { inputModalities } from "./modalities.ts";
import { bytesWithModel } from "./request.ts";
import { watchStream } from "./stream.ts";

const MEMBERS = ["model", "input", "user", "safety_identifier"] as const;

/** What OpenAI takes where the client names none (API reference, 2026-11). */
const DEFAULT_MODEL = "omni-moderation-latest";

export const moderationsCodec: Codec = {
  surface: "moderations",
  path: () => "/moderations",
  accept: acceptModeration,
  isDeterministic: () => true,
  request: bytesWithModel,
  watch: watchStream,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
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
    without: [],
    toolCallsMax: {},
  };
}
