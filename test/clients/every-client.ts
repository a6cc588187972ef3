/**
 * Every client that Tollgate is tested with, each as two functions: how it asks and how it streams. What
 * holds for all of them is asserted once, over this table.
 */
import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { GoogleGenAI } from "@google/genai";
import { ChatAnthropic } from "@langchain/anthropic";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { Agent, OpenAIProvider, Runner, type AgentInputItem } from "@openai/agents";
import { generateText, streamText, type LanguageModel } from "ai";
import OpenAI from "openai";
import type { Language } from "./every-client-answers.ts";

/** Where a client is pointed, without `/v1`. */
export type Place = { readonly url: string; readonly apiKey: string };

export type Asking = {
  /** A picture in base64 that goes with the question. */
  readonly picture?: string;
  /** How often the client may ask again by itself. */
  readonly retries?: number;
  readonly signal?: AbortSignal;
};

export type EveryClient = {
  readonly name: string;
  readonly language: Language;
  /** Whether it asks again only where a header or the error says that it helps. */
  readonly heedsRefusals: boolean;
  /** The words of a plain answer; raises what the client raises. */
  readonly ask: (place: Place, asking?: Asking) => Promise<string>;
  /** The words of a stream, as they come. */
  readonly stream: (place: Place, asking?: Asking) => AsyncIterable<string>;
};

/** The same name at the provider, so that nothing of a request need change. */
export const MODELS: Readonly<Record<Language, string>> = {
  chat: "gpt-4o",
  responses: "gpt-4o",
  messages: "claude-sonnet-4-5",
  gemini: "gemini-2.5-flash",
};

const PROMPT = "Say something.";
const MEDIA_TYPE = "image/png";

const urlOf = (picture: string): string => `data:${MEDIA_TYPE};base64,${picture}`;

/** With the abort signal only where there is one. */
function within({ signal }: Asking): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function openaiClient({ url, apiKey }: Place, { retries = 0 }: Asking): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: retries });
}

const openaiChat: EveryClient = {
  name: "openai, chat",
  language: "chat",
  heedsRefusals: true,
  ask: async (place, asking = {}) => {
    const body = { model: MODELS.chat, messages: chatMessages(asking) };
    const { choices } = await openaiClient(place, asking).chat.completions.create(
      body,
      within(asking),
    );
    return choices[0]?.message.content ?? "";
  },
  stream: async function* (place, asking = {}) {
    const body = { model: MODELS.chat, messages: chatMessages(asking), stream: true } as const;
    const client = openaiClient(place, asking);
    for await (const { choices } of await client.chat.completions.create(body, within(asking))) {
      yield choices[0]?.delta.content ?? "";
    }
  },
};

function chatMessages({ picture }: Asking): OpenAI.Chat.ChatCompletionMessageParam[] {
  if (picture === undefined) return [{ role: "user", content: PROMPT }];
  const image = { type: "image_url", image_url: { url: urlOf(picture) } } as const;
  return [{ role: "user", content: [{ type: "text", text: PROMPT }, image] }];
}

const openaiResponses: EveryClient = {
  name: "openai, responses",
  language: "responses",
  heedsRefusals: true,
  ask: async (place, asking = {}) => {
    const body = { model: MODELS.responses, input: responsesInput(asking) };
    const { output_text } = await openaiClient(place, asking).responses.create(
      body,
      within(asking),
    );
    return output_text;
  },
  stream: async function* (place, asking = {}) {
    const body = { model: MODELS.responses, input: responsesInput(asking), stream: true } as const;
    const client = openaiClient(place, asking);
    for await (const event of await client.responses.create(body, within(asking))) {
      if (event.type === "response.output_text.delta") yield event.delta;
    }
  },
};

function responsesInput({ picture }: Asking): string | OpenAI.Responses.ResponseInput {
  if (picture === undefined) return PROMPT;
  const image_url = urlOf(picture);
  const image = { type: "input_image", image_url, detail: "auto" } as const;
  return [{ role: "user", content: [{ type: "input_text", text: PROMPT }, image] }];
}

const anthropic: EveryClient = {
  name: "@anthropic-ai/sdk",
  language: "messages",
  heedsRefusals: true,
  ask: async (place, asking = {}) => {
    const client = anthropicClient(place, asking);
    const { content } = await client.messages.create(messagesBody(asking), within(asking));
    return content.map((block) => (block.type === "text" ? block.text : "")).join("");
  },
  stream: async function* (place, asking = {}) {
    const client = anthropicClient(place, asking);
    const body = { ...messagesBody(asking), stream: true } as const;
    for await (const event of await client.messages.create(body, within(asking))) {
      if (event.type !== "content_block_delta") continue;
      if (event.delta.type === "text_delta") yield event.delta.text;
    }
  },
};

function anthropicClient({ url, apiKey }: Place, { retries = 0 }: Asking): Anthropic {
  return new Anthropic({ baseURL: url, apiKey, maxRetries: retries });
}

function messagesBody({ picture }: Asking): Anthropic.MessageCreateParamsNonStreaming {
  const source = { type: "base64", media_type: MEDIA_TYPE, data: picture ?? "" } as const;
  const text = { type: "text", text: PROMPT } as const;
  const content = picture === undefined ? PROMPT : [{ type: "image", source } as const, text];
  return { model: MODELS.messages, max_tokens: 64, messages: [{ role: "user", content }] };
}

const genai: EveryClient = {
  name: "@google/genai",
  language: "gemini",
  heedsRefusals: false,
  ask: async (place, asking = {}) => {
    const { models } = genaiClient(place, asking);
    return (await models.generateContent(geminiBody(asking))).text ?? "";
  },
  stream: async function* (place, asking = {}) {
    const { models } = genaiClient(place, asking);
    for await (const { text } of await models.generateContentStream(geminiBody(asking))) {
      yield text ?? "";
    }
  },
};

function genaiClient({ url, apiKey }: Place, { retries = 0 }: Asking): GoogleGenAI {
  // Without this member it asks once.
  const retryOptions = retries === 0 ? {} : { retryOptions: { attempts: 1 + retries } };
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url, ...retryOptions } });
}

function geminiBody({ picture, signal }: Asking) {
  const text = { text: PROMPT };
  const image = { inlineData: { mimeType: MEDIA_TYPE, data: picture ?? "" } };
  const parts = picture === undefined ? [text] : [image, text];
  const config = signal === undefined ? {} : { config: { abortSignal: signal } };
  return { model: MODELS.gemini, contents: [{ role: "user", parts }], ...config };
}

function vercel(
  name: string,
  language: Language,
  modelOf: (place: Place) => LanguageModel,
): EveryClient {
  const askedWith = (place: Place, { picture, retries = 0, signal }: Asking) => {
    const text = { type: "text", text: PROMPT } as const;
    const image = { type: "file", mediaType: MEDIA_TYPE, data: picture ?? "" } as const;
    const content = picture === undefined ? [text] : [text, image];
    return {
      model: modelOf(place),
      messages: [{ role: "user" as const, content }],
      maxRetries: retries,
      ...(signal === undefined ? {} : { abortSignal: signal }),
    };
  };
  return {
    name: `ai, ${name}`,
    language,
    heedsRefusals: false,
    ask: async (place, asking = {}) => (await generateText(askedWith(place, asking))).text,
    stream: async function* (place, asking = {}) {
      const told = streamText({ ...askedWith(place, asking), onError: () => undefined });
      for await (const part of told.fullStream) {
        if (part.type === "text-delta") yield part.text;
        if (part.type === "error") throw part.error;
      }
    },
  };
}

function langchain(
  name: string,
  language: Language,
  modelOf: (place: Place, maxRetries: number) => ChatOpenAI | ChatAnthropic,
): EveryClient {
  return {
    name: `@langchain/${name}`,
    language,
    heedsRefusals: true,
    ask: async (place, asking = {}) => {
      const model = modelOf(place, asking.retries ?? 0);
      return (await model.invoke(langchainMessages(asking), within(asking))).text;
    },
    stream: async function* (place, asking = {}) {
      const model = modelOf(place, asking.retries ?? 0);
      for await (const { text } of await model.stream(langchainMessages(asking), within(asking)))
        yield text;
    },
  };
}

function langchainMessages({ picture }: Asking): HumanMessage[] {
  if (picture === undefined) return [new HumanMessage(PROMPT)];
  const image = { type: "image" as const, mimeType: MEDIA_TYPE, data: picture };
  return [new HumanMessage({ contentBlocks: [{ type: "text", text: PROMPT }, image] })];
}

function langchainOpenai(useResponsesApi: boolean) {
  return ({ url, apiKey }: Place, maxRetries: number): ChatOpenAI => {
    const configuration = { baseURL: `${url}/v1` };
    return new ChatOpenAI({
      model: MODELS.chat,
      apiKey,
      maxRetries,
      useResponsesApi,
      configuration,
    });
  };
}

function langchainAnthropic({ url, apiKey }: Place, maxRetries: number): ChatAnthropic {
  const model = MODELS.messages;
  return new ChatAnthropic({ model, maxTokens: 64, apiKey, anthropicApiUrl: url, maxRetries });
}

function agents(language: "chat" | "responses"): EveryClient {
  const agent = new Agent({ name: "Guide", instructions: "Help.", model: MODELS[language] });
  const runnerFor = (place: Place, asking: Asking): Runner => {
    const openAIClient = openaiClient(place, asking);
    const useResponses = language === "responses";
    const modelProvider = new OpenAIProvider({ openAIClient, useResponses });
    return new Runner({ modelProvider, tracingDisabled: true });
  };
  return {
    name: `@openai/agents, ${language}`,
    language,
    heedsRefusals: true,
    ask: async (place, asking = {}) => {
      const runner = runnerFor(place, asking);
      return (await runner.run(agent, agentInput(asking), within(asking))).finalOutput ?? "";
    },
    stream: async function* (place, asking = {}) {
      const runner = runnerFor(place, asking);
      const told = await runner.run(agent, agentInput(asking), { stream: true, ...within(asking) });
      yield* told.toTextStream();
      await told.completed;
    },
  };
}

function agentInput({ picture }: Asking): string | AgentInputItem[] {
  if (picture === undefined) return PROMPT;
  const image = { type: "input_image", image: urlOf(picture) } as const;
  return [{ role: "user", content: [{ type: "input_text", text: PROMPT }, image] }];
}

const v1 = ({ url, apiKey }: Place) => ({ baseURL: `${url}/v1`, apiKey });

export const EVERY_CLIENT: readonly EveryClient[] = [
  openaiChat,
  openaiResponses,
  anthropic,
  genai,
  vercel("OpenAI's chat", "chat", (place) => createOpenAI(v1(place)).chat(MODELS.chat)),
  vercel("OpenAI's responses", "responses", (place) => createOpenAI(v1(place))(MODELS.responses)),
  vercel("Anthropic", "messages", (place) => createAnthropic(v1(place))(MODELS.messages)),
  vercel("Google", "gemini", (place) => createGoogleGenerativeAI(v1(place))(MODELS.gemini)),
  vercel("compatible", "chat", (place) =>
    createOpenAICompatible({ name: "any", ...v1(place) })(MODELS.chat),
  ),
  langchain("openai, chat", "chat", langchainOpenai(false)),
  langchain("openai, responses", "responses", langchainOpenai(true)),
  langchain("anthropic", "messages", langchainAnthropic),
  agents("chat"),
  agents("responses"),
];
