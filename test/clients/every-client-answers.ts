/** One answer in each of the languages that clients speak: whole, as a stream, broken off, and refused. */
import {
  OVERLOADED,
  PLAIN_TEXT,
  sse,
  TEXT_STREAM,
  upTo,
} from "../conformance/anthropic-answers.ts";
import { response as geminiResponse, STOP, UNAVAILABLE } from "../conformance/google-answers.ts";
import {
  begun,
  completed,
  events,
  message,
  response,
  written,
} from "../conformance/responses-answers.ts";

export type Language = "chat" | "responses" | "messages" | "gemini";

type Answer = {
  readonly plain: string;
  /** A stream up to its first word. */
  readonly begun: string;
  /** What follows it in a whole stream. */
  readonly rest: string;
  /** What follows it in one that fails, and what this tells. */
  readonly failure: string;
  readonly failureText: string;
  /** The body of a refusal with this text. */
  readonly refusal: (text: string) => string;
};

/** The first word, and what the others are in a plain answer. */
export const WORD = "Grüße";
export const TEXT = "Grüße 🙂";

const data = (one: object): string => `data: ${JSON.stringify(one)}\n\n`;

const LABELS = { id: "chatcmpl-1", created: 1_763_631_000, model: "m" };
const CHAT_USAGE = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const FAILED = { message: "Oops.", type: "server_error", param: null, code: null };

function chunk(delta: object, finish_reason: string | null = null, more: object = {}): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
  return data({ ...LABELS, object: "chat.completion.chunk", choices, ...more });
}

function openaiRefusal(text: string): string {
  return JSON.stringify({ error: { ...FAILED, message: text } });
}

const CHAT: Answer = {
  plain: JSON.stringify({
    ...LABELS,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: TEXT, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: CHAT_USAGE,
  }),
  begun: chunk({ role: "assistant", content: "" }) + chunk({ content: WORD }),
  rest: `${chunk({ content: " 🙂" })}${chunk({}, "stop")}${data({
    ...LABELS,
    object: "chat.completion.chunk",
    choices: [],
    usage: CHAT_USAGE,
  })}data: [DONE]\n\n`,
  failure: data({ error: FAILED }),
  failureText: "Oops.",
  refusal: openaiRefusal,
};

const RESPONSE_EVENTS = [
  ...begun(),
  ...written([WORD, " 🙂"]),
  completed([message(TEXT)], {}),
] as const;
/** Two that begin, the item, its part, and the first word. */
const UP_TO_WORD = 5;

const RESPONSES: Answer = {
  plain: JSON.stringify(response([message(TEXT)])),
  begun: events(RESPONSE_EVENTS.slice(0, UP_TO_WORD)),
  rest: events(RESPONSE_EVENTS.slice(UP_TO_WORD), UP_TO_WORD),
  failure: events([{ ...FAILED, type: "error" }], UP_TO_WORD),
  failureText: "Oops.",
  refusal: openaiRefusal,
};

const MESSAGES_BEGUN = upTo(TEXT_STREAM, WORD);

const MESSAGES: Answer = {
  plain: PLAIN_TEXT,
  begun: MESSAGES_BEGUN,
  rest: TEXT_STREAM.slice(MESSAGES_BEGUN.length),
  failure: sse([OVERLOADED]),
  failureText: "Overloaded",
  refusal: (text) => JSON.stringify({ type: "error", error: { type: "api_error", message: text } }),
};

const GEMINI: Answer = {
  plain: JSON.stringify(geminiResponse([{ text: TEXT }], STOP)),
  begun: data(geminiResponse([{ text: WORD }])),
  rest: data(geminiResponse([{ text: " 🙂" }], STOP)),
  failure: data(UNAVAILABLE),
  failureText: "The model is overloaded.",
  refusal: (text) =>
    JSON.stringify({ error: { code: 400, message: text, status: "INVALID_ARGUMENT" } }),
};

export const ANSWERS: Readonly<Record<Language, Answer>> = {
  chat: CHAT,
  responses: RESPONSES,
  messages: MESSAGES,
  gemini: GEMINI,
};
