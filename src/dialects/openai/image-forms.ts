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

const FIELDS = ["model", "stream", "n", "user", "safety_identifier"] as const;

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
  const count = picturesIn(fields);
  if (Number.isInteger(count) && count >= 1 && count <= PICTURES_MAX) return null;
  return wrong(`'n' must be an integer from 1 to ${PICTURES_MAX}.`, "n");
}

function picturesIn(fields: Fields): number {
  return Number(fields.get("n") ?? 1);
}

function pictures(fields: Fields, form: ClientForm): FormAsked {
  const count = picturesIn(fields);
  return {
    ...ALL_SHOWN,
    stream: isTrue(fields.get("stream")),
    usageAsked: false,
    // No field of theirs bounds it, so a smaller bound could not be kept.
    outputTokensMax: OUTPUT_TOKENS_MAX,
    choices: count,
    generates: true,
    textBytes: fieldBytes(form),
    images: form.parts.filter(({ filename }) => filename !== null).length,
    modalities: ["text", "image"],
    without: ["audio_input", "audio_output", "cache_write_1h"],
    units: { max: { images: count }, outputTokens: OUTPUT_TOKENS },
  };
}
