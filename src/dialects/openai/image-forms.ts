/**
 * Pictures out of pictures: edits and variations, paid by the picture or by tokens. Their requests are
 * forms with files; their answers are JSON or a stream.
 */
import { LIMITS } from "../../base/limits.ts";
import { allow, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest, Codec } from "../contract.ts";
import { wrong } from "../json-body.ts";
import type { ClientForm } from "../multipart.ts";
import type { Surface } from "../surfaces.ts";
import { endUserOf } from "./body-checks.ts";
import { answerFailure } from "./answer.ts";
import { fieldBytes, formCodec, formOf, isTrue, modelIn, readFields } from "./form.ts";
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

const WANTED = ["model", "stream", "n", "user", "safety_identifier"] as const;

export const imageEditsCodec = pictureCodec("image_edits", "/images/edits");
export const imageVariationsCodec = pictureCodec("image_variations", "/images/variations");

function pictureCodec(surface: Surface, path: string): Codec {
  return {
    ...formCodec(LIMITS.imageFormBytesMax),
    surface,
    path: () => path,
    accept: (bytes, _place, form) => accept(surface, bytes, formOf(form)),
    eventBytesMax: PICTURE_EVENT_BYTES_MAX,
    watch: watchPictures,
    usage: pictureAnswerUsage,
    failureIn: answerFailure,
    output: noText,
  };
}

function accept(
  surface: Surface,
  bytes: Uint8Array<ArrayBuffer>,
  form: ClientForm,
): Verdict<ClientRequest> {
  const fields = readFields(form, WANTED);
  if (!fields.allowed) return fields;
  const model = modelIn(fields.value);
  if (!model.allowed) return model;
  const pictures = Number(fields.value.get("n") ?? 1);
  if (!Number.isInteger(pictures) || pictures < 1 || pictures > PICTURES_MAX) {
    return wrong(`'n' must be an integer from 1 to ${PICTURES_MAX}.`, "n");
  }
  return allow({
    surface,
    bytes,
    form,
    model: model.value,
    stream: isTrue(fields.value.get("stream")),
    endUserId: endUserOf(Object.fromEntries(fields.value)),
    usageAsked: false,
    // No field of theirs bounds it, so a smaller bound could not be kept.
    outputTokensMax: OUTPUT_TOKENS_MAX,
    choices: pictures,
    generates: true,
    textBytes: fieldBytes(form),
    images: form.parts.filter(({ filename }) => filename !== null).length,
    hasUnsized: false,
    modalities: ["text", "image"],
    offersTools: false,
    without: ["audio_input", "audio_output", "cache_write_1h"],
    toolCallsMax: {},
    units: { max: { images: pictures }, outputTokens: OUTPUT_TOKENS },
  });
}
