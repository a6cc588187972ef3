/**
 * The OpenAI endpoints behind the script: what a request that met no fault is answered with.
 */

import { chatChoices } from "./chat-choices.ts";
import { type ChatAnswer, chatCompletion, chatSteps } from "./chat-reply.ts";
import { readChatRequest } from "./chat-request.ts";
import { deliver, deliverError, jsonReply } from "./deliver.ts";
import { embeddingList, readEmbeddingRequest } from "./embeddings.ts";
import type { JsonObject } from "./json.ts";
import { listedModel, modelList } from "./models.ts";
import { invalidRequest, isOpenaiError, modelNotFound, unknownUrl } from "./openai-error.ts";
import type { Script } from "./script-members.ts";
import { pumpStream } from "./stream-pump.ts";
import { goOnAfter, type Turn } from "./turn.ts";
import { embeddingUsage, promptTokensOf } from "./usage.ts";

const modelsPath = "/v1/models";

/** `POST /v1/chat/completions` */
export function answerChat(turn: Turn, body: JsonObject): void {
  const { received, script, world } = turn;
  const request = readChatRequest(body);
  if (isOpenaiError(request)) {
    deliverError(turn, request);
    return;
  }
  if (request.hasStreamOptions && script.refuse_stream_options === true) {
    const message = "Unrecognized request argument supplied: stream_options";
    deliverError(turn, invalidRequest(message, "stream_options"));
    return;
  }
  received.isStream = request.stream;
  received.promptTokens = promptTokensOf(request.promptCharacters);
  const answer: ChatAnswer = {
    received,
    script,
    model: script.answer_model ?? received.model,
    createdAtSeconds: world.nowSeconds(),
    choices: chatChoices(request, script, script.tokens ?? 0, () => echoOf(turn.requestBody)),
    includeUsage: request.includeUsage,
  };
  if (!request.stream && textBytesMax(answer) > plainBytesMax) {
    const message = `An answer of more than ${plainBytesMax} bytes must be streamed.`;
    deliverError(turn, invalidRequest(message, "stream"));
    return;
  }
  if (request.stream) {
    pumpStream(turn, chatSteps(answer));
    return;
  }
  goOnAfter(turn, generationMs(answer), () => {
    const { value, usage } = chatCompletion(answer);
    deliver(turn, { ...jsonReply(value, script.status), usage });
  });
}

/** Bounds what one request can make us hold in memory; a stream is made as it is read. */
const plainBytesMax = 33_554_432;

/** No word is longer than 28 bytes with its space. */
function textBytesMax({ script, choices }: ChatAnswer): number {
  const tokens = choices.reduce((sum, choice) => sum + choice.tokens, 0);
  return tokens * (script.token_bytes ?? 28);
}

/** A plain answer takes as long as its tokens would have taken in a stream. */
function generationMs({ script, choices }: ChatAnswer): number {
  const { first_token_delay_ms: firstMs = 0, token_delay_ms: betweenMs = 0 } = script;
  const tokens = choices.reduce((longest, choice) => Math.max(longest, choice.tokens), 0);
  return firstMs + betweenMs * Math.max(0, tokens - 1);
}

/** Lets a client check that its bytes came through unchanged. */
function echoOf(body: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(body).digest("hex")} bytes:${body.byteLength}`;
}

/** `POST /v1/embeddings` */
export function answerEmbeddings(turn: Turn, body: JsonObject): void {
  const { received, script } = turn;
  const request = readEmbeddingRequest(body);
  if (isOpenaiError(request)) {
    deliverError(turn, request);
    return;
  }
  received.promptTokens = request.promptTokens;
  const usage = embeddingsUsed(request.promptTokens, script);
  goOnAfter(turn, script.first_token_delay_ms ?? 0, () => {
    const model = script.answer_model ?? received.model;
    const list = embeddingList(request, model, usage);
    const reported =
      usage === undefined ? undefined : { promptTokens: usage.prompt_tokens, completionTokens: 0 };
    deliver(turn, { ...jsonReply(list, script.status), usage: reported });
  });
}

/** Undefined when the script omits it. */
function embeddingsUsed(promptTokens: number, script: Script) {
  return script.omit_usage === true ? undefined : embeddingUsage(promptTokens, script);
}

/** `GET /v1/models`, `GET /v1/models/{model}`, and everything that is not there. */
export function answerOther(turn: Turn): void {
  const { method, path } = turn.received;
  if (method !== "GET" || (path !== modelsPath && !path.startsWith(`${modelsPath}/`))) {
    deliverError(turn, unknownUrl(method, path));
    return;
  }
  if (path === modelsPath) {
    deliver(turn, jsonReply(modelList(), turn.script.status));
    return;
  }
  const id = path.slice(modelsPath.length + 1);
  const model = listedModel(id);
  if (model === undefined) {
    deliverError(turn, modelNotFound(id));
  } else {
    deliver(turn, jsonReply(model, turn.script.status));
  }
}
