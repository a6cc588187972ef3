/**
 * One request and answer, or several, for each surface of the table, as its provider would have them (API
 * references of OpenAI, Anthropic, Google and Cohere, 2026-11), with members and events that nobody knows
 * and characters of several bytes. What they cost is added up by hand from `PRICE`.
 */
import type { Surface } from "../../src/dialects/surfaces.ts";
import { PLAIN_TEXT as MESSAGE, TEXT_STREAM as MESSAGE_STREAM } from "./anthropic-answers.ts";
import {
  CHAT_CONTENTS,
  GEMINI_CONTENTS,
  GEMINI_STREAM_CONTENTS,
  INPUT_IMAGE,
  MESSAGE_CONTENTS,
  RESPONSE_CONTENTS,
} from "./content-examples.ts";
import {
  about,
  encoded,
  event,
  type Example,
  FILE,
  form,
  inPath,
  plain,
  SSE_TYPE,
  streamed,
} from "./example.ts";
import { FRAMINGS, STREAMED as CONTENT_STREAMED, TEXT as CONTENT } from "./google-answers.ts";
import { EMBEDDINGS_BOUNDS } from "../support/batch-bounds.ts";
import { FORM_HEADERS, formBytes, type Part } from "./multipart.ts";
import { compaction, PLAIN, TEXT_STREAM as RESPONSE_STREAM } from "./responses-answers.ts";
import { UPSTREAM_MODEL } from "./stage.ts";

const chatChunk = (choices: readonly object[], more: object = {}): string =>
  event({ id: "chatcmpl-1", object: "chat.completion.chunk", choices, ...more });
const chatDelta = (content: string): string =>
  chatChunk([{ index: 0, delta: { content }, finish_reason: null }]);
const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
/** Of `USAGE`. */
const USAGE_NANO_USD = 9 * 1_000 + 3 * 2_000;
const MESSAGES = '"messages":[{"role":"user","content":"hi"}]';
const USAGE_ASKED = ',"stream_options":{"include_usage":true}';

const CHAT = `{
  "id": "chatcmpl-1", "object": "chat.completion", "created": 1763631000, "model": "${UPSTREAM_MODEL}",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grüße 🙂"}, "finish_reason": "stop"}],
  "usage": ${JSON.stringify(USAGE)}, "x_unknown": [1.0, null]
}`;
const CHAT_STREAM =
  chatDelta("Grüße ") +
  event({ object: "x.unknown", choices: [], of: "🙂" }) +
  chatDelta("🙂") +
  chatChunk([{ index: 0, delta: {}, finish_reason: "stop" }]) +
  chatChunk([], { usage: USAGE }) +
  "data: [DONE]\n\n";

const completionChunk = (text: string, reason: string | null): string =>
  event({ object: "text_completion", choices: [{ index: 0, text, finish_reason: reason }] });
const COMPLETION_STREAM =
  completionChunk("Grüße ", null) +
  completionChunk("🙂", "stop") +
  event({ object: "text_completion", choices: [], usage: USAGE, x_unknown: 1 }) +
  "data: [DONE]\n\n";

const AUDIO_USAGE = { type: "tokens", input_tokens: 9, output_tokens: 3, total_tokens: 12 };
const TRANSCRIPT = JSON.stringify({ text: "Grüße 🙂", x_unknown: [1, null], usage: AUDIO_USAGE });
const TRANSCRIPT_STREAM =
  event({ type: "transcript.text.delta", delta: "Grüße " }) +
  event({ type: "x.unknown", of: "🙂" }) +
  event({ type: "transcript.text.done", text: "Grüße 🙂", usage: AUDIO_USAGE });
const SOUND: Part = ["file", FILE];

const PICTURE = JSON.stringify({
  created: 1_763_631_000,
  data: [{ b64_json: "aGk=".repeat(500), x_unknown: "🙂" }],
  usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
});
const pictureStream = (what: string): string =>
  event({ type: `${what}.partial_image`, b64_json: "aGk=".repeat(300), partial_image_index: 0 }) +
  event({ type: "x.unknown", of: "🙂" }) +
  event({
    type: `${what}.completed`,
    b64_json: "aGk=".repeat(500),
    usage: { input_tokens: 9, output_tokens: 3, total_tokens: 12 },
  });
const PICTURE_FORM: readonly Part[] = [
  ["image", FILE],
  ["prompt", 'Grüße "🙂"\r\nin two lines'],
];

const SPEECH_STREAM =
  event({ type: "speech.audio.delta", audio: "SUQz" }) +
  event({ type: "speech.audio.unknown", of: "🙂" }) +
  event({ type: "speech.audio.delta", audio: "AAAA" }) +
  event({ type: "speech.audio.done", usage: AUDIO_USAGE });

const RERANKED = `{"results": [{"index":1,"relevance_score":0.990},{"index":0,"relevance_score":3e-1}],
  "x_unknown": "🙂", "meta":{"billed_units":{"search_units":2}}}`;

const RESPONSE_ERROR = {
  type: "error",
  code: "server_error",
  message: "overloaded",
  param: null,
  sequence_number: 99,
};
const RESPONSE = JSON.stringify({ ...PLAIN.text, x_unknown: [1, "🙂"] }, null, 2);
const COMPACTED = JSON.stringify(compaction({ x_unknown: [1, "🙂"] }), null, 2);
const RESPONSE_COUNT = '{"object" : "response.input_tokens","input_tokens":2095,"x_unknown":"🙂"}';
const BATCH =
  '{"id" : "batch_1","object":"batch","status":"in_progress","metadata":{"of":"Grüße 🙂"},"x":1.0}';
const CONVERSATION =
  '{"id" : "conv_example","object":"conversation","metadata":{"of":"Grüße 🙂"},"x":1.0}';
const ITEM = '{"id" : "msg_example","type":"message","role":"user","content":[],"x":"🙂"}';
const ITEMS = `{"object" : "list","data":[${ITEM}],"has_more":false}`;
const [EVENTS] = FRAMINGS;
const CONTENTS = '"contents" : [{"parts":[{"text":"hi"}]}]';
const PARTS = '{"parts":[{"text":"one two three"}]}';
const EMBEDDED = '"usageMetadata": {"promptTokenCount": 9}, "x_unknown": "🙂"';

/** Thoughts are output: 9 read, 4 and 7 written. */
const CONTENT_NANO_USD = 9 * 1_000 + 11 * 2_000;

export const EXAMPLES: Readonly<Record<Surface, readonly Example[]>> = {
  chat: [
    plain(MESSAGES, CHAT, { costNanoUsd: USAGE_NANO_USD }),
    streamed(MESSAGES + USAGE_ASKED, CHAT_STREAM, { costNanoUsd: USAGE_NANO_USD }),
    ...CHAT_CONTENTS,
  ],
  completions: [
    plain(
      '"prompt":"hi"',
      JSON.stringify({
        object: "text_completion",
        choices: [{ index: 0, text: "Grüße 🙂", finish_reason: "length" }],
        usage: USAGE,
        x_unknown: [1, null],
      }),
      { costNanoUsd: USAGE_NANO_USD, shows: ["length_stop"] },
    ),
    streamed(`"prompt":"hi"${USAGE_ASKED}`, COMPLETION_STREAM, { costNanoUsd: USAGE_NANO_USD }),
  ],
  embeddings: [
    plain(
      '"input":["Grüße 🙂"],"encoding_format":"float"',
      '{"object":"list","data":[{"index":0,"embedding":[0.0230, -1e-2]}],"x_unknown":"🙂","usage":{"prompt_tokens":9,"total_tokens":9}}',
      { costNanoUsd: 9 * 1_000 },
    ),
  ],
  moderations: [
    plain(
      '"input":"Grüße 🙂"',
      '{"id":"modr-1","results":[{"flagged":false,"category_scores":{"hate":1.0e-7}}],"x_unknown":"🙂","usage":{"prompt_tokens":9,"total_tokens":9}}',
      { costNanoUsd: 9 * 1_000 },
    ),
    plain(
      '"input":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]',
      '{"id":"modr-2","results":[{"flagged":false,"x_unknown":"🙂"}],"usage":{"prompt_tokens":90}}',
      { name: "a picture", costNanoUsd: 90 * 1_000, shows: ["image_input"] },
    ),
  ],
  image_generations: [
    plain('"prompt":"Grüße 🙂"', PICTURE, { costNanoUsd: USAGE_NANO_USD }),
    streamed('"prompt":"Grüße 🙂"', pictureStream("image_generation"), {
      costNanoUsd: USAGE_NANO_USD,
    }),
  ],
  speech: [
    plain('"input":"Grüße 🙂","voice":"alloy"', "", {
      name: "sound",
      kind: "bytes",
      contentType: "audio/mpeg",
      answer: FILE,
      // Nobody reports it; with a price per token it is as many as are likely, of text and of sound.
      costNanoUsd: 28 * 1_000 + 11 * 2_000,
      estimated: true,
    }),
    plain('"input":"Grüße 🙂","voice":"alloy","stream_format":"sse"', SPEECH_STREAM, {
      name: "streamed",
      kind: "events",
      contentType: SSE_TYPE,
      costNanoUsd: USAGE_NANO_USD,
    }),
  ],
  rerank: [plain('"query":"Grüße","documents":["a","🙂"]', RERANKED, { costNanoUsd: 2 * 7_000 })],
  transcriptions: [
    form([SOUND], TRANSCRIPT, { costNanoUsd: USAGE_NANO_USD }),
    form([SOUND, ["stream", "true"]], TRANSCRIPT_STREAM, {
      name: "streamed",
      kind: "events",
      contentType: SSE_TYPE,
      costNanoUsd: USAGE_NANO_USD,
    }),
  ],
  translations: [form([SOUND], TRANSCRIPT, { costNanoUsd: USAGE_NANO_USD })],
  image_edits: [
    form(PICTURE_FORM, PICTURE, { costNanoUsd: USAGE_NANO_USD, shows: ["image_input"] }),
    form([...PICTURE_FORM, ["stream", "true"]], pictureStream("image_edit"), {
      name: "streamed",
      kind: "events",
      contentType: SSE_TYPE,
      costNanoUsd: USAGE_NANO_USD,
    }),
  ],
  image_variations: [
    form([["image", FILE]], PICTURE, { costNanoUsd: USAGE_NANO_USD, shows: ["image_input"] }),
  ],
  files: [
    plain("", '{"id":"file-example","object":"file","status":"processed","x_unknown":"🙂"}', {
      body: () =>
        formBytes([
          ["purpose", "user_data"],
          ["file", FILE],
        ]),
      headers: (model) => ({ ...FORM_HEADERS, "x-tollgate-model": model }),
      costNanoUsd: 0,
    }),
  ],
  file: [about("file", '{"id" : "file-1","object":"file","filename":"Grüße 🙂.txt","x":1.0}')],
  file_delete: [about("file", '{"id" : "file-1","object":"file","deleted":true,"x":"🙂"}')],
  file_content: [
    about("file", "", {
      name: "of any type",
      kind: "bytes",
      contentType: "application/octet-stream",
      answer: FILE,
    }),
  ],
  batches: [
    about("file", BATCH, {
      goesOn: true,
      keptBounds: EMBEDDINGS_BOUNDS,
      body: () =>
        encoded(
          '{"input_file_id" : "file_1","endpoint":"/v1/embeddings","completion_window":"24h","x":1.50}',
        ),
    }),
  ],
  batch: [about("batch", BATCH)],
  batch_cancel: [about("batch", BATCH)],
  responses: [
    plain('"input":"hi"', RESPONSE, { costNanoUsd: 25 * 1_000 + 15 * 2_000 }),
    streamed('"input":"hi"', RESPONSE_STREAM, {
      costNanoUsd: 25 * 1_000 + 15 * 2_000,
      errorWithin: RESPONSE_ERROR,
    }),
    ...RESPONSE_CONTENTS,
  ],
  response_compact: [
    plain('"input":"hi"', COMPACTED, { costNanoUsd: 25 * 1_000 + 15 * 2_000 }),
    plain(INPUT_IMAGE, COMPACTED, {
      name: "a picture",
      costNanoUsd: 25 * 1_000 + 15 * 2_000,
      shows: ["image_input"],
    }),
  ],
  response_input_tokens: [
    plain('"input":"Grüße"', RESPONSE_COUNT, { costNanoUsd: 0 }),
    plain(INPUT_IMAGE, RESPONSE_COUNT, {
      name: "a picture",
      costNanoUsd: 0,
      shows: ["image_input"],
    }),
  ],
  response: [
    about("response", RESPONSE, { query: "?include[]=reasoning.encrypted_content" }),
    about("response", RESPONSE_STREAM, {
      name: "streamed again",
      query: "?stream=true&starting_after=1",
      kind: "events",
      contentType: SSE_TYPE,
      errorWithin: RESPONSE_ERROR,
    }),
  ],
  response_delete: [
    about("response", '{"id" : "resp_1","object":"response","deleted":true,"x_unknown":"🙂"}'),
  ],
  response_cancel: [about("response", RESPONSE)],
  response_input_items: [
    about("response", '{"object" : "list","data":[],"has_more":false,"x_unknown":"🙂"}', {
      query: "?limit=2&order=asc",
    }),
  ],
  conversations: [
    plain("", CONVERSATION, {
      body: () => encoded('{"metadata" : {"of":"🙂"},"items":[{"role":"user","content":"hi"}]}'),
      headers: (model) => ({ "x-tollgate-model": model }),
      costNanoUsd: 0,
    }),
  ],
  conversation: [about("conversation", CONVERSATION)],
  conversation_update: [
    about("conversation", CONVERSATION, {
      body: () => encoded('{"metadata" : {"of":"🙂"},"x":1.50}'),
    }),
  ],
  conversation_delete: [
    about("conversation", '{"id" : "conv_1","object":"conversation.deleted","x":"🙂"}'),
  ],
  conversation_items: [
    about("conversation", ITEMS, {
      query: "?limit=2&order=asc&include[]=message.input_image.image_url",
    }),
  ],
  conversation_items_create: [
    about("conversation", ITEMS, {
      body: () => encoded('{"items" : [{"role":"user","content":"hi"}]}'),
    }),
    about("conversation", ITEMS, {
      name: "a picture",
      query: "?include[]=message.input_image.image_url",
      body: () => encoded(`{${INPUT_IMAGE.replace("input", "items")}}`),
      shows: ["image_input"],
    }),
  ],
  conversation_item: [about("conversation", ITEM)],
  conversation_item_delete: [about("conversation", CONVERSATION)],
  messages: [
    plain(`"max_tokens":64,${MESSAGES}`, MESSAGE, { costNanoUsd: 25 * 1_000 + 15 * 2_000 }),
    streamed(`"max_tokens":64,${MESSAGES}`, MESSAGE_STREAM, {
      costNanoUsd: 25 * 1_000 + 15 * 2_000,
    }),
    ...MESSAGE_CONTENTS,
  ],
  count_tokens: [
    plain(MESSAGES, '{"input_tokens" : 2095, "x_unknown":"🙂"}', {
      query: "?beta=true",
      costNanoUsd: 0,
    }),
  ],
  generate_content: [
    inPath(CONTENTS, CONTENT, { costNanoUsd: CONTENT_NANO_USD }),
    ...GEMINI_CONTENTS,
  ],
  stream_generate_content: [
    ...FRAMINGS.map((framing) =>
      inPath(CONTENTS, framing.closed(CONTENT_STREAMED), {
        name: framing.name,
        query: framing.query,
        kind: "events",
        contentType: framing === EVENTS ? SSE_TYPE : framing.contentType,
        costNanoUsd: CONTENT_NANO_USD,
      }),
    ),
    ...GEMINI_STREAM_CONTENTS,
  ],
  count_content_tokens: [
    inPath(CONTENTS, '{"totalTokens" : 4,"x_unknown":"🙂"}', { costNanoUsd: 0 }),
  ],
  embed_content: [
    inPath(`"content":${PARTS}`, `{"embedding": {"values": [0.130, -1e-2]}, ${EMBEDDED}}`, {
      costNanoUsd: 9 * 1_000,
    }),
  ],
  batch_embed_contents: [
    inPath("", `{"embeddings": [{"values": [0.10]}], ${EMBEDDED}}`, {
      body: (model) =>
        encoded(`{"requests" : [ {"model":"models/${model}","content":${PARTS}} ],"x":1.50}`),
      costNanoUsd: 9 * 1_000,
    }),
  ],
};
