/** The official `@google/genai` client: what works directly works through Tollgate, assertion by assertion. */
import { ApiError, type FunctionDeclaration, GoogleGenAI, Type } from "@google/genai";
import { describe, expect, test } from "bun:test";
import {
  BLOCKED,
  response,
  type Shape,
  STOP,
  STREAMED,
  TOOLS,
  UNAVAILABLE,
} from "../conformance/google-answers.ts";
import { answerWith, googleWorldsForFile } from "./google-worlds.ts";
import { failureOf } from "./worlds.ts";

const each = await googleWorldsForFile();
const contents = "Say something.";

const getWeather: FunctionDeclaration = {
  name: "get_weather",
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } } },
};

describe.each(each)("%s", (_name, { baseUrl, apiKey, model, upstream }) => {
  const { models } = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });

  test("text with its usage", async () => {
    answerWith(upstream, response([{ text: "Grüße 🙂" }], STOP));
    const answer = await models.generateContent({
      model,
      contents,
      config: { systemInstruction: "Be kind.", maxOutputTokens: 20, temperature: 0 },
    });
    expect(answer.text).toBe("Grüße 🙂");
    expect(answer.usageMetadata).toMatchObject({ promptTokenCount: 9, thoughtsTokenCount: 7 });
    expect(answer.candidates?.[0]?.finishReason as string).toBe("STOP");
  });

  test("a stream, with thoughts, piece by piece", async () => {
    answerWith(upstream, ...STREAMED);
    const stream = await models.generateContentStream({ model, contents });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.map(({ text }) => text ?? "").join("")).toBe('Grüße 🙂 "quoted" \\ ] } ');
    expect(chunks.at(-1)?.usageMetadata?.candidatesTokenCount).toBe(4);
  });

  test("parallel calls of tools", async () => {
    answerWith(upstream, TOOLS);
    const config = { tools: [{ functionDeclarations: [getWeather] }] };
    const answer = await models.generateContent({ model, contents, config });
    expect(answer.functionCalls).toEqual([
      { name: "get_weather", args: { city: "Köln" } },
      { name: "get_time", args: { city: "Köln" } },
    ]);
  });

  test("parallel calls of tools, streamed", async () => {
    answerWith(upstream, response([{ text: "Looking.", thought: true }]), TOOLS);
    const config = { tools: [{ functionDeclarations: [getWeather] }] };
    const chunks = await Array.fromAsync(
      await models.generateContentStream({ model, contents, config }),
    );
    expect(chunks.flatMap(({ functionCalls }) => functionCalls ?? [])).toEqual([
      { name: "get_weather", args: { city: "Köln" } },
      { name: "get_time", args: { city: "Köln" } },
    ]);
  });

  test("structured output is asked for with its schema, and comes", async () => {
    answerWith(upstream, response([{ text: '{"city":"Köln"}' }], STOP));
    const responseSchema = getWeather.parameters ?? {};
    const config = { responseMimeType: "application/json", responseSchema };
    const answer = await models.generateContent({ model, contents, config });
    expect(JSON.parse(answer.text ?? "")).toEqual({ city: "Köln" });
    expect(bodySeen()["generationConfig"]).toEqual(config);
  });

  test("a blocked prompt has its reason", async () => {
    answerWith(upstream, BLOCKED);
    const answer = await models.generateContent({ model, contents });
    expect(answer.promptFeedback?.blockReason as string).toBe("PROHIBITED_CONTENT");
  });

  test("a picture goes in, and one comes back", async () => {
    const image = { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" } };
    answerWith(upstream, response([image], STOP));
    const answer = await models.generateContent({
      model,
      contents: [{ role: "user", parts: [image, { text: "Draw." }] }],
      config: { responseModalities: ["IMAGE"] },
    });
    expect(answer.data).toBe("iVBORw0KGgo=");
    expect(bodySeen()).toMatchObject({ contents: [{ parts: [image, { text: "Draw." }] }] });
  });

  test("a chat keeps its history", async () => {
    answerWith(upstream, response([{ text: "one" }], STOP));
    const chat = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } }).chats.create({ model });
    await chat.sendMessage({ message: "first" });
    await chat.sendMessage({ message: "second" });
    const said = (bodySeen()["contents"] as readonly Shape[]).map(({ role }) => role);
    expect(said).toEqual(["user", "model", "user"]);
  });

  test("tokens are counted", async () => {
    answerWith(upstream, { totalTokens: 31, promptTokensDetails: [] });
    expect((await models.countTokens({ model, contents })).totalTokens).toBe(31);
  });

  test("embeddings of a batch", async () => {
    answerWith(upstream, { embeddings: [{ values: [0.5] }, { values: [-1] }] });
    const { embeddings } = await models.embedContent({ model, contents: ["one", "two"] });
    expect(embeddings?.map(({ values }) => values)).toEqual([[0.5], [-1]]);
  });

  test("an error of the provider is the client's own kind of error", async () => {
    upstream.answer({ status: 503, pieces: [JSON.stringify(UNAVAILABLE)] });
    const error = await failureOf(models.generateContent({ model, contents }));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 503 });
  });

  test("an error within a stream is thrown", async () => {
    answerWith(upstream, ...STREAMED.slice(0, 2), UNAVAILABLE);
    const stream = await models.generateContentStream({ model, contents });
    const error = await failureOf(Array.fromAsync(stream));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 503 });
  });

  function bodySeen(): Shape {
    return JSON.parse(new TextDecoder().decode(upstream.seen.at(-1)?.body)) as Shape;
  }
});

const [, [, { baseUrl, apiKey, model, upstream }]] = each as [(typeof each)[0], (typeof each)[1]];

describe("what Tollgate itself says", () => {
  const { models } = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });

  test("is the client's own kind of error, with our code in its details", async () => {
    const error = await failureOf(models.generateContent({ model: "unknown", contents }));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 404 });
    expect((error as ApiError).message).toContain('"reason":"MODEL_NOT_FOUND"');
  });

  test("ends a stream that broke off with an error that is thrown", async () => {
    answerWith(upstream, ...STREAMED.slice(0, 2));
    const stream = await models.generateContentStream({ model, contents });
    const error = await failureOf(Array.fromAsync(stream));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 502 });
  });

  test("lists the models and shows one", async () => {
    const listed = await Array.fromAsync(await models.list());
    expect(listed.map(({ name }) => name)).toEqual([`models/${model}`]);
    expect((await models.get({ model })).displayName).toBe(model);
  });
});
