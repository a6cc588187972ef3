/**
 * Text completions, the older surface that base models and fill-in-the-middle have: a prompt, or several
 * at once, each answered `n` times out of `best_of` that are generated and paid for.
 */
import type { Codec } from "../contract.ts";
import { numberOf, type Refused, wrong } from "../json-body.ts";
import type { JsonObject } from "../json.ts";
import { acceptJson, type JsonAsked } from "./accept-json.ts";
import { answerFailure, answerUsage } from "./answer.ts";
import {
  ALL_SHOWN,
  asksUsage,
  CHOICES_MAX,
  missing,
  refuseNumber,
  refuseStream,
  TOKENS_MAX,
} from "./body-checks.ts";
import { COMPLETION_CHUNKS, completionOutput } from "./completion-text.ts";
import { isDeterministicChat } from "./deterministic.ts";
import { cacheKinds, withoutAll } from "./extras.ts";
import { TEXT_ONLY } from "./modalities.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

const MEMBERS = [
  "prompt",
  "suffix",
  "stream",
  "stream_options",
  "max_tokens",
  "n",
  "best_of",
] as const;

/** As many as OpenAI takes of any list of inputs (API reference, 2026-11). */
const PROMPTS_MAX = 2_048;

export const completionsCodec: Codec = {
  surface: "completions",
  path: () => "/completions",
  accept: acceptJson({
    surface: "completions",
    members: MEMBERS,
    refuse: refuseCompletion,
    asks: completion,
  }),
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

function completion(body: JsonObject, bytes: Uint8Array): JsonAsked {
  const generated = Math.max(numberOf(body["n"]) ?? 1, numberOf(body["best_of"]) ?? 1);
  return {
    ...ALL_SHOWN,
    stream: body["stream"] === true,
    usageAsked: asksUsage(body),
    outputTokensMax: numberOf(body["max_tokens"]),
    choices: generated * promptsIn(body["prompt"]),
    generates: true,
    textBytes: bytes.length,
    modalities: TEXT_ONLY,
    without: withoutAll(cacheKinds(bytes)),
  };
}

/** A text or a list of token numbers is one prompt; a list of either is as many. */
function promptsIn(prompt: unknown): number {
  if (!Array.isArray(prompt) || prompt.length === 0) return 1;
  return prompt.every((item) => typeof item === "number") ? 1 : prompt.length;
}
