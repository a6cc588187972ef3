/**
 * Pictures from a prompt, plain or streamed with previews. Older models are paid by the picture, newer ones
 * by the tokens it takes, which its size and quality decide and only its provider knows for sure.
 */
import type { Codec } from "../contract.ts";
import { numberOf, type Refused } from "../json-body.ts";
import type { JsonObject } from "../json.ts";
import { acceptJson, type JsonAsked } from "./accept-json.ts";
import { answerFailure } from "./answer.ts";
import { ALL_SHOWN, CHOICES_MAX, missing, refuseNumber, refuseStream } from "./body-checks.ts";
import { TEXT_ONLY } from "./modalities.ts";
import { FRAMES_MAX, pictureTokensMax } from "./picture-kind.ts";
import { PICTURE_EVENT_BYTES_MAX, watchPictures } from "./picture-stream.ts";
import { noText, pictureAnswerUsage } from "./picture-usage.ts";
import { bytesWithModel } from "./request.ts";

const MEMBERS = [
  "prompt",
  "stream",
  "n",
  "quality",
  "partial_images",
  "output_format",
  "frame_count",
  "svg",
] as const;

/**
 * More than any picture of the published sizes takes: 12,329 tokens at 3584×2048 and high quality
 * (OpenAI's calculator for gpt-image-2, 2026).
 */
const IMAGE_TOKENS_MAX = 16_384;
/** `xhigh` and `max`, or what the model chooses itself: nobody publishes them, so twice as much. */
const FINE_IMAGE_TOKENS_MAX = 2 * IMAGE_TOKENS_MAX;
const COARSE = new Set<unknown>(["low", "medium", "high", "standard", "hd"]);
/** 1024×1536 at high quality (gpt-image-1, 2026), where an answer without a report is estimated. */
const IMAGE_TOKENS_ESTIMATE = 6_240;
/** Each preview (OpenAI's image guide, 2026), of three at most. */
const PREVIEW_TOKENS = 100;
const PREVIEWS_MAX = 3;

export const imageGenerationsCodec: Codec = {
  surface: "image_generations",
  path: () => "/images/generations",
  accept: acceptJson({
    surface: "image_generations",
    members: MEMBERS,
    refuse: refuseImages,
    asks: images,
  }),
  eventBytesMax: PICTURE_EVENT_BYTES_MAX,
  isDeterministic: () => false,
  request: bytesWithModel,
  watch: watchPictures,
  watchContinuable: () => null,
  continued: () => null,
  usage: pictureAnswerUsage,
  failureIn: answerFailure,
  output: noText,
};

function refuseImages(body: JsonObject): Refused | null {
  if (body["prompt"] === undefined || body["prompt"] === null) return missing("prompt");
  return (
    refuseStream(body) ??
    refuseNumber(body, "n", CHOICES_MAX) ??
    refuseNumber(body, "partial_images", PREVIEWS_MAX, 0) ??
    refuseNumber(body, "frame_count", FRAMES_MAX)
  );
}

function images(body: JsonObject, { length: textBytes }: Uint8Array): JsonAsked {
  const n = numberOf(body["n"]) ?? 1;
  return {
    ...ALL_SHOWN,
    stream: body["stream"] === true,
    usageAsked: true,
    outputTokensMax: imageTokensMax(body),
    choices: n,
    generates: true,
    textBytes,
    modalities: TEXT_ONLY,
    without: ["audio_input", "image_input", "audio_output", "cache_write_1h"],
    units: { max: { images: n }, outputTokens: IMAGE_TOKENS_ESTIMATE },
  };
}

/** Of one picture: all its frames and previews. */
function imageTokensMax(body: JsonObject): number {
  const one = COARSE.has(body["quality"]) ? IMAGE_TOKENS_MAX : FINE_IMAGE_TOKENS_MAX;
  const made = pictureTokensMax(one, body["output_format"], numberOf(body["frame_count"]));
  return made + PREVIEWS_MAX * PREVIEW_TOKENS;
}
