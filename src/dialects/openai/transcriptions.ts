/**
 * Sound into text: transcriptions and translations, paid by the second or by tokens. Their requests are
 * forms with a file; their answers are JSON, subtitles, plain text or a stream.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Codec } from "../contract.ts";
import type { ClientForm } from "../multipart.ts";
import { soundSecondsMax } from "../sound-length.ts";
import type { Surface } from "../surfaces.ts";
import { answerFailure } from "./answer.ts";
import { ALL_SHOWN } from "./body-checks.ts";
import { acceptForm, fieldBytes, type FormAsked, formCodec, isTrue } from "./form.ts";
import { transcriptOutput, transcriptUsage } from "./transcript.ts";
import { watchTranscript } from "./transcript-stream.ts";

/**
 * The most that a second of sound is read as: Gemini's 32 tokens; OpenAI's models read it as 10 (their
 * prices per token and per minute compared, 2026-11).
 */
const INPUT_TOKENS_PER_SECOND_MAX = 32;

/** Nobody speaks so fast; the least is for what a model makes of silence. */
const OUTPUT_TOKENS_PER_SECOND_MAX = 50;
const OUTPUT_TOKENS_LEAST = 2_000;

/** Fast speech: 200 words a minute are some 5 tokens a second. */
const OUTPUT_TOKENS_PER_SECOND = 5;

/** A transcription can be streamed; a translation cannot. */
type Kind = { readonly surface: Surface; readonly path: string; readonly streams: boolean };

export const transcriptionsCodec = soundCodec({
  surface: "transcriptions",
  path: "/audio/transcriptions",
  streams: true,
});

export const translationsCodec = soundCodec({
  surface: "translations",
  path: "/audio/translations",
  streams: false,
});

function soundCodec({ surface, path, streams }: Kind): Codec {
  return {
    ...formCodec(LIMITS.audioFormBytesMax),
    surface,
    path: () => path,
    accept: acceptForm({
      surface,
      fields: ["model", "stream"],
      asks: (fields, form) => sound(form, streams && isTrue(fields.get("stream"))),
    }),
    watch: watchTranscript,
    usage: transcriptUsage,
    failureIn: answerFailure,
    output: transcriptOutput,
  };
}

function sound(form: ClientForm, stream: boolean): FormAsked {
  const seconds = soundSecondsMax(form.parts);
  return {
    ...ALL_SHOWN,
    stream,
    usageAsked: false,
    // No field of theirs bounds what they write, so a smaller bound could not be kept.
    outputTokensMax: Math.max(OUTPUT_TOKENS_LEAST, seconds * OUTPUT_TOKENS_PER_SECOND_MAX),
    choices: 1,
    generates: true,
    textBytes: fieldBytes(form) + seconds * INPUT_TOKENS_PER_SECOND_MAX,
    modalities: ["audio"],
    without: ["image_input", "audio_output", "image_output", "cache_write_1h"],
    units: { max: { audio_seconds: seconds }, outputTokens: seconds * OUTPUT_TOKENS_PER_SECOND },
  };
}
