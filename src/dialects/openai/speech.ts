/**
 * Speech: text in, sound out, as bytes that are passed on as they come or as events that hold them. Older
 * models are paid by the characters read, newer ones by tokens, which only the events report.
 */
import { NOTHING_SEEN, watchBytes } from "../bytes-watch.ts";
import type { Codec } from "../contract.ts";
import { type Refused, wrong } from "../json-body.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { type JsonObject, parseJson } from "../json.ts";
import { acceptJson, type JsonAsked } from "./accept-json.ts";
import { answerFailure } from "./answer.ts";
import { ALL_SHOWN, missing } from "./body-checks.ts";
import { TEXT_ONLY } from "./modalities.ts";
import { bytesWithModel } from "./request.ts";
import { speechUsage, watchSpeech } from "./speech-stream.ts";

/**
 * Tokens of sound for one character. Newer models make about 21 a second (0.015 USD a minute at 12 USD
 * per million, OpenAI 2026); read slowly, a character that stands for a word takes a second and a half.
 */
const TOKENS_PER_CHARACTER_MAX = 32;
/** At 14 characters a second, as English is read. */
const TOKENS_PER_CHARACTER_ESTIMATE = 1.5;

export const speechCodec: Codec = {
  surface: "speech",
  path: () => "/audio/speech",
  accept: acceptJson({
    surface: "speech",
    members: ["input", "stream_format"],
    refuse: refuseSpeech,
    asks: speech,
  }),
  isDeterministic: () => false,
  request: bytesWithModel,
  watch: watchSpeech,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: () => NOTHING_SEEN,
  // Only an error comes as JSON, or sound in base64 from a server of its own kind.
  watchBytes: (contentType) => (isJson(contentType) ? null : watchBytes()),
};

function isJson(contentType: string): boolean {
  return /^application\/([\w.-]+\+)?json\b/i.test(contentType);
}

function answerUsage(answer: Uint8Array): ReturnType<Codec["usage"]> {
  const scan = scanObject(answer, ["usage"], ANSWER_BOUNDS);
  if (scan.kind !== "object") return undefined;
  const span = scan.members.get("usage")?.value;
  return span === undefined ? null : speechUsage(parseJson(answer.subarray(span.start, span.end)));
}

function refuseSpeech(body: JsonObject): Refused | null {
  const { input } = body;
  if (input === undefined || input === null) return missing("input");
  return typeof input === "string" ? null : wrong("'input' must be a string.", "input");
}

function speech(body: JsonObject, { length: textBytes }: Uint8Array): JsonAsked {
  const characters = charactersIn(String(body["input"]));
  return {
    ...ALL_SHOWN,
    stream: body["stream_format"] === "sse",
    usageAsked: true,
    outputTokensMax: Math.ceil((characters * TOKENS_PER_CHARACTER_MAX) / slowness(body["speed"])),
    choices: 1,
    generates: true,
    textBytes,
    modalities: TEXT_ONLY,
    without: ["audio_input", "image_input", "image_output", "cache_write_1h"],
    units: {
      max: { characters },
      outputTokens: Math.ceil(characters * TOKENS_PER_CHARACTER_ESTIMATE),
    },
  };
}

/** As OpenAI counts them: code points, of which an emoji may have several. */
function charactersIn(text: string): number {
  let characters = 0;
  for (const _ of text) characters++;
  return characters;
}

/** Slower is longer, down to a quarter; what is faster may still be read at its pace. */
function slowness(speed: unknown): number {
  return typeof speed === "number" && speed < 1 ? Math.max(speed, 0.25) : 1;
}
