/**
 * Pictures out of pictures: edits and variations, paid by the picture or by tokens. Their requests are
 * forms with files; their answers are JSON or a stream.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Codec } from "../contract.ts";
import { type Refused, wrong } from "../json-body.ts";
import type { ClientForm } from "../multipart.ts";
import type { Surface } from "../surfaces.ts";
import { answerFailure } from "./answer.ts";
import { ALL_SHOWN } from "./body-checks.ts";
import {
  acceptForm,
  fieldBytes,
  type FormAsked,
  formCodec,
  type FormFields,
  isTrue,
} from "./form.ts";
import { FRAMES_MAX, pictureTokensMax } from "./picture-kind.ts";
import { PICTURE_EVENT_BYTES_MAX, watchPictures } from "./picture-stream.ts";
import { noText, pictureAnswerUsage } from "./picture-usage.ts";

/**
 * Five times a picture of gpt-image-1 in its largest size and best quality (6,240 tokens): later models
 * have larger sizes and better qualities, and do not tell what they take (2026-11).
 */
const OUTPUT_TOKENS_MAX = 32_768;
/** A square one of middle quality. */
const OUTPUT_TOKENS = 1_056;

/** OpenAI makes 10 at most; nobody more than this. */
const PICTURES_MAX = 128;

const FIELDS = [
  "model",
  "stream",
  "n",
  "output_format",
  "frame_count",
  "user",
  "safety_identifier",
] as const;

export const imageEditsCodec = pictureCodec("image_edits", "/images/edits");
export const imageVariationsCodec = pictureCodec("image_variations", "/images/variations");

function pictureCodec(surface: Surface, path: string): Codec {
  return {
    ...formCodec(LIMITS.imageFormBytesMax),
    surface,
    path: () => path,
    accept: acceptForm({
      surface,
      fields: FIELDS,
      refuse: refusePictures,
      asks: pictures,
    }),
    eventBytesMax: PICTURE_EVENT_BYTES_MAX,
    watch: watchPictures,
    usage: pictureAnswerUsage,
    failureIn: answerFailure,
    output: noText,
  };
}

type Fields = FormFields<(typeof FIELDS)[number]>;

function refusePictures(fields: Fields): Refused | null {
  return (
    refuseNumber(picturesIn(fields), "n", PICTURES_MAX) ??
    refuseNumber(framesIn(fields) ?? 1, "frame_count", FRAMES_MAX)
  );
}

function refuseNumber(value: number, name: string, max: number): Refused | null {
  if (Number.isInteger(value) && value >= 1 && value <= max) return null;
  return wrong(`'${name}' must be an integer from 1 to ${max}.`, name);
}

function picturesIn(fields: Fields): number {
  return Number(fields.get("n") ?? 1);
}

/** null: it does not say. */
function framesIn(fields: Fields): number | null {
  const told = fields.get("frame_count");
  return told === undefined ? null : Number(told);
}

function pictures(fields: Fields, form: ClientForm): FormAsked {
  const count = picturesIn(fields);
  return {
    ...ALL_SHOWN,
    stream: isTrue(fields.get("stream")),
    usageAsked: false,
    // No other field of theirs bounds it, so a smaller bound could not be kept.
    outputTokensMax: pictureTokensMax(
      OUTPUT_TOKENS_MAX,
      fields.get("output_format"),
      framesIn(fields),
    ),
    choices: count,
    generates: true,
    textBytes: fieldBytes(form),
    images: form.parts.filter(({ filename }) => filename !== null).length,
    modalities: ["text", "image"],
    without: ["audio_input", "audio_output", "cache_write_1h"],
    units: { max: { images: count }, outputTokens: OUTPUT_TOKENS },
  };
}
