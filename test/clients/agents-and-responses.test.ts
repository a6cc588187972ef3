/**
 * Clients that speak responses unless they are told otherwise: Vercel's `ai` with its OpenAI provider,
 * OpenAI's agents, and LangChain where it is asked to. The same assertions directly and through Tollgate.
 */
import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage, type AIMessageChunk } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import {
  Agent,
  OpenAIConversationsSession,
  OpenAIProvider,
  Runner,
  tool as agentTool,
} from "@openai/agents";
import { generateText, isStepCount, Output, streamText, tool } from "ai";
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { z } from "zod";
import { ANSWER, MODEL, responsesWorldsForFile, STRUCTURED } from "./responses-worlds.ts";

const each = await responsesWorldsForFile();
const prompt = "Say something.";
const city = z.object({ city: z.string() });
const described = { name: "get_weather", description: "The weather." };

function weatherIn({ city: name }: { readonly city: string }): string {
  return `sunny in ${name}`;
}

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const model = createOpenAI({ baseURL, apiKey })(MODEL);
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const paths = (): string[] => [...new Set(upstream.seen.map(({ path }) => path))];

  test("ai: text with its usage, plain and streamed", async () => {
    const plain = await generateText({ model, prompt, maxRetries: 0 });
    expect([plain.text, plain.finishReason]).toEqual([ANSWER, "stop"]);
    expect(plain.usage).toMatchObject({ inputTokens: 9, outputTokens: 4, totalTokens: 13 });
    expect(plain.usage.inputTokenDetails.cacheReadTokens).toBe(2);
    expect(plain.usage.outputTokenDetails.reasoningTokens).toBe(1);
    const stream = streamText({ model, prompt, maxRetries: 0 });
    expect((await Array.fromAsync(stream.textStream)).join("")).toBe(ANSWER);
    expect(paths()).toEqual(["/v1/responses"]);
  });

  test("ai: a loop over a tool", async () => {
    const get_weather = tool({ ...described, inputSchema: city, execute: weatherIn });
    const stopWhen = isStepCount(3);
    const ask = { model, prompt, tools: { get_weather }, stopWhen, maxRetries: 0 };
    const { text, steps } = await generateText(ask);
    expect(steps[0]?.toolResults.map(({ output }) => output)).toEqual(["sunny in Zürich"]);
    expect([text, upstream.seen.length]).toEqual([ANSWER, 2]);
  });

  test("ai: a conversation goes on from items that are referred to by their ids", async () => {
    const first = await generateText({ model, prompt, maxRetries: 0 });
    const asked = { role: "user" as const, content: prompt };
    const messages = [asked, ...first.response.messages, asked];
    const next = await generateText({ model, messages, maxRetries: 0 });
    expect(next.text).toBe(ANSWER);
    const { input } = JSON.parse(new TextDecoder().decode(upstream.seen[1]?.body));
    expect(input[1]).toEqual({ type: "item_reference", id: expect.stringMatching(/^msg_/) });
  });

  test("ai: structured output", async () => {
    const schema = z.object({ city: z.string(), days: z.number() });
    const output = Output.object({ schema });
    const answer = await generateText({ model, prompt, output, maxRetries: 0 });
    expect(answer.output).toEqual(STRUCTURED);
  });

  test.each([false, true])(
    "agents: an agent calls its tool and ends (streamed: %p)",
    async (stream) => {
      const modelProvider = new OpenAIProvider({
        openAIClient: client,
        useResponses: true,
      });
      const runner = new Runner({ modelProvider, tracingDisabled: true });
      const get_weather = agentTool({
        ...described,
        parameters: city,
        execute: weatherIn,
      });
      const agent = new Agent({
        name: "Guide",
        instructions: "Help.",
        model: MODEL,
        tools: [get_weather],
      });
      const result = stream
        ? await runner.run(agent, prompt, { stream: true })
        : await runner.run(agent, prompt);
      if ("completed" in result) await result.completed;
      expect([result.finalOutput, upstream.seen.length]).toEqual([ANSWER, 2]);
      expect(paths()).toEqual(["/v1/responses"]);
    },
  );

  test("agents: a session that is a conversation holds what was said and called", async () => {
    const modelProvider = new OpenAIProvider({ openAIClient: client, useResponses: true });
    const runner = new Runner({ modelProvider, tracingDisabled: true });
    const tools = [agentTool({ ...described, parameters: city, execute: weatherIn })];
    const agent = new Agent({ name: "Guide", model: MODEL, tools });
    const session = new OpenAIConversationsSession({ client });
    for (const said of ["Weather?", "And now?"]) {
      expect((await runner.run(agent, said, { session })).finalOutput).toBe(ANSWER);
    }
    const items = await session.getItems();
    expect(items.map(({ type }) => type)).toEqual([
      "message",
      "function_call",
      "function_call_result",
      "message",
      "message",
      "message",
    ]);
    await session.popItem();
    expect((await session.getItems()).length).toBe(items.length - 1);
    await session.clearSession();
  });

  test("agents: parallel tools and a schema, and the usage of both turns", async () => {
    const modelProvider = new OpenAIProvider({ openAIClient: client, useResponses: true });
    const runner = new Runner({ modelProvider, tracingDisabled: true });
    const tools = ["get_weather", "get_time"].map((name) =>
      agentTool({ ...described, name, parameters: city, execute: weatherIn }),
    );
    const outputType = z.object({ city: z.string(), days: z.number() });
    const agent = new Agent({ name: "Guide", model: MODEL, tools, outputType });
    const { finalOutput, newItems, runContext } = await runner.run(agent, prompt);
    expect(finalOutput).toEqual(STRUCTURED);
    const outputs = newItems.filter(({ type }) => type === "tool_call_output_item");
    expect(outputs).toMatchObject([{ output: "sunny in Zürich" }, { output: "sunny in Zürich" }]);
    expect(runContext.usage).toMatchObject({
      requests: 2,
      inputTokens: 18,
      outputTokens: 8,
      totalTokens: 26,
    });
  });

  test("LangChain: a message, its stream, and a tool's call", async () => {
    const chat = new ChatOpenAI({
      model: MODEL,
      apiKey,
      maxRetries: 0,
      useResponsesApi: true,
      configuration: { baseURL },
    });
    const messages = [new HumanMessage(prompt)];
    const plain: AIMessageChunk = await chat.invoke(messages);
    const { total_tokens } = z.object({ total_tokens: z.number() }).parse(plain.usage_metadata);
    expect([plain.text, total_tokens]).toEqual([ANSWER, 13]);
    const chunks: AIMessageChunk[] = await Array.fromAsync(await chat.stream(messages));
    expect(chunks.map(({ text }) => text).join("")).toBe(ANSWER);
    const weather = langchainTool(() => "sunny", { ...described, schema: city });
    const called = await chat.bindTools([weather]).invoke(messages);
    expect(called.tool_calls).toMatchObject([{ name: "get_weather", args: { city: "Zürich" } }]);
    expect(paths()).toEqual(["/v1/responses"]);
  });
});
