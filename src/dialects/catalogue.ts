/**
 * Every wire language by its name and every surface's codec: the only place where a name becomes code.
 * Failures are read in the manner of every company here, because a provider may pass on another's words.
 */
import { countTokensCodec } from "./anthropic/count-tokens.ts";
import { anthropicDialect } from "./anthropic/dialect.ts";
import { readAnthropicFailure } from "./anthropic/failure.ts";
import { messagesCodec } from "./anthropic/messages.ts";
import { readBedrockFailure } from "./bedrock/failure.ts";
import type { Codec, Dialect, Place } from "./contract.ts";
import type { FailureReading } from "./failure-contract.ts";
import { readBy } from "./failure.ts";
import { googleDialect } from "./google/dialect.ts";
import {
  batchEmbedContentsCodec,
  countContentTokensCodec,
  embedContentCodec,
} from "./google/embed-content.ts";
import { readGoogleFailure } from "./google/failure.ts";
import { generateContentCodec, streamGenerateContentCodec } from "./google/generate-content.ts";
import { batchCancelCodec, batchCodec, batchesCodec } from "./openai/batches/codec.ts";
import { chatCodec } from "./openai/chat.ts";
import { completionsCodec } from "./openai/completions.ts";
import {
  conversationCodec,
  conversationDeleteCodec,
  conversationItemCodec,
  conversationItemDeleteCodec,
  conversationItemsCodec,
  conversationItemsCreateCodec,
  conversationsCodec,
  conversationUpdateCodec,
} from "./openai/conversations.ts";
import { openaiDialect } from "./openai/dialect.ts";
import { embeddingsCodec } from "./openai/embeddings.ts";
import {
  responseCancelCodec,
  responseCodec,
  responseCompactCodec,
  responseCountCodec,
  responseDeleteCodec,
  responseInputCodec,
  responsesCodec,
} from "./openai/responses/codec.ts";
import { readOpenaiFailure } from "./openai/failure.ts";
import { fileCodec, fileContentCodec, fileDeleteCodec, filesCodec } from "./openai/files.ts";
import { imageEditsCodec, imageVariationsCodec } from "./openai/image-forms.ts";
import { imageGenerationsCodec } from "./openai/image-generations.ts";
import { moderationsCodec } from "./openai/moderations.ts";
import { rerankCodec } from "./openai/rerank.ts";
import { speechCodec } from "./openai/speech.ts";
import { transcriptionsCodec, translationsCodec } from "./openai/transcriptions.ts";
import { type Surface, SURFACES } from "./surfaces.ts";

export const DIALECTS = {
  openai: openaiDialect,
  anthropic: anthropicDialect,
  google: googleDialect,
} as const satisfies Record<string, Dialect>;

const ALL: readonly Dialect[] = Object.values(DIALECTS);

/** Of every wire language: what one's clients present is nobody else's business either. */
export const CREDENTIAL_HEADERS = ALL.flatMap(({ headers }) => headers.credentials);
export const ACCOUNT_HEADERS = ALL.flatMap(({ headers }) => headers.accounts);

/** What each surface says; its dialect is in the table of surfaces. */
const CODECS: Readonly<Record<Surface, Codec>> = {
  chat: chatCodec,
  embeddings: embeddingsCodec,
  completions: completionsCodec,
  moderations: moderationsCodec,
  image_generations: imageGenerationsCodec,
  speech: speechCodec,
  rerank: rerankCodec,
  messages: messagesCodec,
  count_tokens: countTokensCodec,
  transcriptions: transcriptionsCodec,
  translations: translationsCodec,
  image_edits: imageEditsCodec,
  image_variations: imageVariationsCodec,
  files: filesCodec,
  file: fileCodec,
  file_delete: fileDeleteCodec,
  file_content: fileContentCodec,
  batches: batchesCodec,
  batch: batchCodec,
  batch_cancel: batchCancelCodec,
  responses: responsesCodec,
  response_compact: responseCompactCodec,
  response_input_tokens: responseCountCodec,
  response: responseCodec,
  response_delete: responseDeleteCodec,
  response_cancel: responseCancelCodec,
  response_input_items: responseInputCodec,
  conversations: conversationsCodec,
  conversation: conversationCodec,
  conversation_update: conversationUpdateCodec,
  conversation_delete: conversationDeleteCodec,
  conversation_items: conversationItemsCodec,
  conversation_items_create: conversationItemsCreateCodec,
  conversation_item: conversationItemCodec,
  conversation_item_delete: conversationItemDeleteCodec,
  generate_content: generateContentCodec,
  stream_generate_content: streamGenerateContentCodec,
  count_content_tokens: countContentTokensCodec,
  embed_content: embedContentCodec,
  batch_embed_contents: batchEmbedContentsCodec,
};

export function codecOf(surface: Surface): Codec {
  return CODECS[surface];
}

/** The same for a request that came at `place`. */
export function codecAt(surface: Surface, place: Place): Codec {
  const codec = CODECS[surface];
  return codec.at?.(place) ?? codec;
}

/** The wire language that a surface belongs to. */
export function dialectOf(surface: Surface): Dialect {
  return DIALECTS[SURFACES[surface].dialect];
}

/** The most telling shapes first; the last one reads whatever is left. */
const FAILURE_READERS = [
  readBedrockFailure,
  readGoogleFailure,
  readAnthropicFailure,
  readOpenaiFailure,
];

/** What a refusal or failure says; `status` null: it came within an answer, as an event or a whole body. */
export function readFailure(
  status: number | null,
  headers: Headers,
  bytes: Uint8Array,
): FailureReading {
  return readBy(FAILURE_READERS, status, headers, bytes);
}
