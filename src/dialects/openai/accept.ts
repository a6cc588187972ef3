/**
 * Checks a client's body as far as the gateway depends on it, and no further: the provider decides
 * about everything else, so a member that OpenAI adds tomorrow works today.
 */
import { listOf, numberOf, type Refused, wrong } from "../json-body.ts";
import { isObject, type JsonObject } from "../json.ts";
import { acceptJson } from "./accept-json.ts";
import {
  ALL_SHOWN,
  asksUsage,
  CHOICES_MAX,
  missing,
  NOTHING_MADE,
  refuseNumber,
  refuseStream,
  TOKENS_MAX,
} from "./body-checks.ts";
import { chatExtras, embeddingExtras } from "./extras.ts";
import { countNotText } from "./images.ts";
import { inputModalities } from "./modalities.ts";
import { MEMBERS, OUTPUT_CAP_MEMBERS } from "./members.ts";

export const acceptChat = acceptJson({
  surface: "chat",
  members: MEMBERS,
  refuse: refuseChat,
  asks: (body, bytes) => {
    const { images, inlineBytes, hasUnsized, modalities, files } = countNotText(
      listOf(body["messages"]),
    );
    const caps = OUTPUT_CAP_MEMBERS.map((name) => numberOf(body[name]) ?? 0);
    return {
      stream: body["stream"] === true,
      usageAsked: asksUsage(body),
      outputTokensMax: Math.max(...caps) || null,
      choices: numberOf(body["n"]) ?? 1,
      generates: true,
      textBytes: bytes.length - inlineBytes,
      images,
      hasUnsized,
      modalities,
      offersTools: listOf(body["tools"]).length > 0 || listOf(body["functions"]).length > 0,
      ...chatExtras(bytes, body),
      ...(files !== null && { objects: files }),
    };
  },
});

export const acceptEmbeddings = acceptJson({
  surface: "embeddings",
  members: MEMBERS,
  refuse: refuseEmbeddings,
  asks: (body, bytes) => ({
    ...NOTHING_MADE,
    ...ALL_SHOWN,
    textBytes: bytes.length,
    modalities: inputModalities(body["input"]),
    ...embeddingExtras(bytes, body),
  }),
});

function refuseEmbeddings(body: JsonObject): Refused | null {
  return body["input"] === undefined || body["input"] === null ? missing("input") : null;
}

function refuseChat(body: JsonObject): Refused | null {
  return (
    refuseMessages(body["messages"]) ??
    refuseStream(body) ??
    refuseNumber(body, "max_tokens", TOKENS_MAX) ??
    refuseNumber(body, "max_completion_tokens", TOKENS_MAX) ??
    refuseNumber(body, "n", CHOICES_MAX)
  );
}

function refuseMessages(messages: unknown): Refused | null {
  if (messages === undefined || messages === null) return missing("messages");
  if (!Array.isArray(messages)) return wrong("'messages' must be an array.", "messages");
  if (messages.length === 0) return wrong("'messages' must not be empty.", "messages");
  const odd = messages.findIndex((message) => !isObject(message));
  return odd < 0 ? null : wrong(`'messages[${odd}]' must be an object.`, `messages[${odd}]`);
}
