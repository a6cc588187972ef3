/** The surfaces whose bodies are multipart forms, as the OpenAPI document describes them. */
import type { DocumentDecoration } from "elysia";
import { askedHeaders, client, EXCHANGE_HEADERS, exchangeRefusals, headersOf } from "./describe.ts";

const text = { type: "string" as const };
const file = { type: "string" as const, format: "binary" };

/** A form as a whole; fields that it does not name are passed on as they came. */
function form(required: readonly string[], properties: Record<string, object>) {
  const schema = { type: "object" as const, required: [...required], properties };
  return { required: true, content: { "multipart/form-data": { schema } } };
}

const MODEL = { ...text, description: "The only value that is replaced on the way, by its route." };
const SOUND = { ...file, description: "The sound; it is never held in memory as a whole." };

const TRANSCRIPT = { text: "Hello.", usage: { type: "duration", seconds: 1 } };
const TRANSCRIPT_STREAM = `data: {"type":"transcript.text.delta","delta":"Hello."}

data: {"type":"transcript.text.done","text":"Hello."}

`;

const PAID =
  "Paid by the second or by tokens, as the model's price says. Held before the call: the length of a WAV file by its header, of every other the longest that its kind can be.";

const PICTURE = { ...file, description: "A picture; it is never held in memory as a whole." };
const PICTURES_PAID =
  "Paid by the picture or by tokens, as the model's price says; held before the call for as many as are asked for.";
const pictures = {
  "application/json": {
    schema: { type: "object" as const },
    example: { created: 1_763_631_000, data: [{ b64_json: "iVBORw0KGgo=" }] },
  },
};
const PICTURE_STREAM = `event: image_edit.completed
data: {"type":"image_edit.completed","b64_json":"iVBORw0KGgo="}

`;
const COUNT = { type: "integer" as const, description: "How many pictures to make; 1 without it." };

function answered(content: Record<string, object>) {
  return {
    200: {
      description: "The provider's answer, whatever format was asked for.",
      headers: headersOf(EXCHANGE_HEADERS),
      content,
    },
    ...exchangeRefusals(),
  };
}

const transcript = {
  "application/json": { schema: { type: "object" as const }, example: TRANSCRIPT },
  "text/plain": { schema: text, example: "Hello." },
};

export const transcriptionsDetail: DocumentDecoration = {
  ...client("create_transcription", "Transcribe sound"),
  description: PAID,
  parameters: askedHeaders(),
  requestBody: form(["file", "model"], {
    file: SOUND,
    model: MODEL,
    stream: { type: "boolean", description: "Server-sent events, where the model can." },
    response_format: { ...text, description: "As `json`, `verbose_json`, `text`, `srt` or `vtt`." },
  }),
  responses: answered({
    ...transcript,
    "text/event-stream": { schema: text, example: TRANSCRIPT_STREAM },
  }),
};

export const translationsDetail: DocumentDecoration = {
  ...client("create_translation", "Translate sound into English text"),
  description: PAID,
  parameters: askedHeaders(),
  requestBody: form(["file", "model"], {
    file: SOUND,
    model: MODEL,
    response_format: { ...text, description: "As `json`, `verbose_json`, `text`, `srt` or `vtt`." },
  }),
  responses: answered(transcript),
};

export const imageEditsDetail: DocumentDecoration = {
  ...client("create_image_edit", "Edit pictures"),
  description: PICTURES_PAID,
  parameters: askedHeaders(),
  requestBody: form(["image", "model", "prompt"], {
    image: PICTURE,
    mask: PICTURE,
    prompt: { ...text, description: "What is to be seen." },
    model: MODEL,
    n: COUNT,
    stream: { type: "boolean", description: "Server-sent events, where the model can." },
  }),
  responses: answered({
    ...pictures,
    "text/event-stream": { schema: text, example: PICTURE_STREAM },
  }),
};

export const imageVariationsDetail: DocumentDecoration = {
  ...client("create_image_variation", "Vary a picture"),
  description: PICTURES_PAID,
  parameters: askedHeaders(),
  requestBody: form(["image", "model"], { image: PICTURE, model: MODEL, n: COUNT }),
  responses: answered(pictures),
};
