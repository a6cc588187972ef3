/** Vercel's `ai` with its OpenAI provider: the same assertions directly and through Tollgate. */
import { createOpenAI } from "@ai-sdk/openai";
import {
  APICallError,
  embedMany,
  generateText,
  isStepCount,
  Output,
  streamText,
  tool,
  type ToolSet,
} from "ai";
import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { CHAT_MODEL, EMBEDDING_MODEL, failureOf, scripted, worldsForFile } from "./worlds.ts";

const { each } = await worldsForFile();
const prompt = "Say something.";
const city = z.object({ city: z.string() });
const tools: ToolSet = {
  get_weather: tool({
    description: "The weather.",
    inputSchema: city,
    execute: (input) => `sunny in ${input.city}`,
  }),
  get_time: tool({ description: "The time.", inputSchema: city, execute: () => "noon" }),
};
const toolInputs = [
  { toolName: "get_weather", input: { city: "lorem" } },
  { toolName: "get_time", input: { city: "lorem" } },
];

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const openai = createOpenAI({ baseURL, apiKey });
  const ask = { model: openai.chat(CHAT_MODEL), prompt, maxRetries: 0 };

  test("text with its usage", async () => {
    const { text, usage, finishReason } = await generateText({
      ...ask,
      ...scripted("tokens=3&reasoning_tokens=2&cached_tokens=1"),
    });
    expect([text, finishReason]).toEqual(["lorem ipsum dolor", "stop"]);
    expect(usage).toMatchObject({ inputTokens: 4, outputTokens: 5, totalTokens: 9 });
    expect(usage.inputTokenDetails.cacheReadTokens).toBe(1);
    expect(usage.outputTokenDetails.reasoningTokens).toBe(2);
  });

  test("an output limit ends the text", async () => {
    const { text, finishReason } = await generateText({
      ...ask,
      maxOutputTokens: 2,
      ...scripted("tokens=9"),
    });
    expect([text, finishReason]).toEqual(["lorem ipsum", "length"]);
  });

  test("a stream in characters of several bytes, split anywhere", async () => {
    const result = streamText({ ...ask, ...scripted("tokens=6&unicode=1&split_every=3") });
    const parts = await Array.fromAsync(result.textStream);
    expect(parts.join("")).toBe("naïve 漢字 🙂 Привет שלום 日本語");
    expect(parts).toHaveLength(6);
    // The client asks for usage by itself, so a stream tells it in both worlds.
    expect(await result.usage).toMatchObject({ inputTokens: 4, outputTokens: 6 });
    expect(await result.finishReason).toBe("stop");
  });

  test("parallel tool calls are made, answered and put into words", async () => {
    const { text, steps } = await generateText({
      ...ask,
      tools,
      stopWhen: isStepCount(3),
      ...scripted("parallel_tools=2&tokens=2"),
    });
    const called = steps[0]?.toolCalls.map(({ toolName, input }) => ({ toolName, input }));
    expect(called).toEqual(toolInputs);
    expect(steps[0]?.toolResults.map(({ output }) => output)).toEqual(["sunny in lorem", "noon"]);
    expect([text, upstream.stats().requests]).toEqual(["lorem ipsum", 2]);
  });

  test("parallel tool calls, streamed", async () => {
    const result = streamText({ ...ask, tools, ...scripted("parallel_tools=2&split_every=5") });
    const calls = await result.toolCalls;
    expect(calls.map(({ toolName, input }) => ({ toolName, input }))).toEqual(toolInputs);
    expect(await result.finishReason).toBe("tool-calls");
  });

  test("structured output parses into its schema", async () => {
    const schema = z.object({ city: z.string(), days: z.number() });
    const { output } = await generateText({ ...ask, output: Output.object({ schema }) });
    expect(output).toEqual({ city: "lorem", days: 0 });
  });

  test("embeddings of several texts", async () => {
    const { embeddings, usage } = await embedMany({
      model: openai.embeddingModel(EMBEDDING_MODEL),
      values: ["one", "two", "one"],
      maxRetries: 0,
    });
    expect(embeddings.map((vector) => vector.length)).toEqual([256, 256, 256]);
    expect(embeddings[0]).toEqual(embeddings[2] ?? []);
    expect(embeddings[0]).not.toEqual(embeddings[1] ?? []);
    expect(usage.tokens).toBe(3);
  });

  test.each([400, 401, 404, 429, 500])("the provider's %d raises with its body", async (status) => {
    const failure = await failureOf(
      generateText({ ...ask, ...scripted(`status=${status}&retry_after=0`) }),
    );
    expect(failure).toBeInstanceOf(APICallError);
    expect(failure).toMatchObject({
      statusCode: status,
      message: `Simulated answer with status ${status}.`,
      data: { error: { message: `Simulated answer with status ${status}.` } },
    });
  });
});
