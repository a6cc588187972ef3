/**
 * Text completions, the older surface that base models and fill-in-the-middle have: a prompt, or several
 * at once, each answered `n` times out of `best_of` that are generated and paid for.
 */
import { allow, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest, Codec } from "../contract.ts";
import { BEYOND_PRICE_MEMBERS, beyondPrice } from "../beyond-price.ts";
import { keptForAnHour } from "../cache-ttl.ts";
import { numberOf, type Refused, wrong } from "../json-body.ts";
import { isObject, type JsonObject } from "../json.ts";
import { answerFailure, answerUsage } from "./answer.ts";
import {
  CHOICES_MAX,
  endUserOf,
  missing,
  readBody,
  refuseNumber,
  refuseStream,
  TOKENS_MAX,
} from "./body-checks.ts";
import { COMPLETION_CHUNKS, completionOutput } from "./completion-text.ts";
import { isDeterministicChat } from "./deterministic.ts";

import { INCLUDE_USAGE } from "./members.ts";
import { TEXT_ONLY } from "./modalities.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

const MEMBERS = [
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "n",
  "best_of",
  "prompt",
  "suffix",
  "user",
  "safety_identifier",
  ...BEYOND_PRICE_MEMBERS,
] as const;

/** As many as OpenAI takes of any list of inputs (API reference, 2026-11). */
const PROMPTS_MAX = 2_048;

export const completionsCodec: Codec = {
  surface: "completions",
  path: () => "/completions",
  accept: acceptCompletion,
  isDeterministic: isDeterministicChat,
  // Nobody who serves this surface knows the newer name of the limit.
  request: (request, edits) => upstreamBytes(request, { ...edits, outputCapMember: "max_tokens" }),
  watch: (request, manner) => watchStream(request, manner, COMPLETION_CHUNKS),
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: completionOutput,
};

function acceptCompletion(bytes: Uint8Array<ArrayBuffer>): Verdict<ClientRequest> {
  const body = readBody(bytes, MEMBERS, refuseCompletion);
  return body.allowed ? allow(completion(bytes, body.value)) : body;
}

/** A prompt of null is what the model begins with where it is given none; 0 tokens only echo it. */
function refuseCompletion(body: JsonObject): Refused | null {
  if (body["prompt"] === undefined) return missing("prompt");
  if (promptsIn(body["prompt"]) > PROMPTS_MAX) {
    return wrong(`'prompt' must not hold more than ${PROMPTS_MAX} prompts.`, "prompt");
  }
  return (
    refuseStream(body) ??
    refuseNumber(body, "max_tokens", TOKENS_MAX, 0) ??
    refuseNumber(body, "n", CHOICES_MAX) ??
    refuseNumber(body, "best_of", CHOICES_MAX)
  );
}

function completion(bytes: Uint8Array<ArrayBuffer>, body: JsonObject): ClientRequest {
  const options = body["stream_options"];
  const stream = body["stream"] === true;
  const outputTokensMax = numberOf(body["max_tokens"]);
  const generated = Math.max(numberOf(body["n"]) ?? 1, numberOf(body["best_of"]) ?? 1);
  const without = [
    "audio_input",
    "image_input",
    "audio_output",
    "image_output",
    ...(keptForAnHour(bytes) ? [] : (["cache_write_1h"] as const)),
  ] as const;
  return {
    surface: "completions",
    bytes,
    model: String(body["model"]),
    stream,
    endUserId: endUserOf(body),
    usageAsked: stream && isObject(options) && options[INCLUDE_USAGE] === true,
    outputTokensMax,
    choices: generated * promptsIn(body["prompt"]),
    generates: true,
    textBytes: bytes.length,
    images: 0,
    hasUnsized: false,
    modalities: TEXT_ONLY,
    offersTools: false,
    without,
    toolCallsMax: {},
    ...beyondPrice(body, { without }),
  };
}

/** A text or a list of token numbers is one prompt; a list of either is as many. */
function promptsIn(prompt: unknown): number {
  if (!Array.isArray(prompt) || prompt.length === 0) return 1;
  return prompt.every((item) => typeof item === "number") ? 1 : prompt.length;
}
