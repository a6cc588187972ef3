/** LangChain's Anthropic class: the same assertions directly and through Tollgate. */
import { ChatAnthropic } from "@langchain/anthropic";
import { type AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  CACHED_STREAM,
  message,
  PLAIN_TEXT,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
} from "../conformance/anthropic-answers.ts";
import { cutAt } from "../conformance/pieces.ts";
import { anthropicWorldsForFile, MODEL, plain, streamed } from "./anthropic-worlds.ts";
import { failureOf } from "./worlds.ts";

const { each, expectAtRest } = await anthropicWorldsForFile();
const prompt = [new HumanMessage("Say something.")];
const schema = z.object({ city: z.string() });
const weather = tool(({ city }) => `sunny in ${city}`, {
  name: "get_weather",
  description: "The weather.",
  schema,
});

/** What the chunks of a stream add up to. */
function sumOf(chunks: readonly AIMessageChunk[]): AIMessageChunk {
  return chunks.reduce((sum, chunk) => sum.concat(chunk));
}

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const model = new ChatAnthropic({
    model: MODEL,
    maxTokens: 64,
    anthropicApiKey: apiKey,
    anthropicApiUrl: baseURL,
    maxRetries: 0,
  });

  test("a message with its usage", async () => {
    upstream.answer(plain(PLAIN_TEXT));
    const { text, usage_metadata } = await model.invoke(prompt);
    expect(text).toBe("Grüße 🙂");
    expect(usage_metadata).toMatchObject({ input_tokens: 25, output_tokens: 15 });
  });

  test("a stream in characters of several bytes, split anywhere", async () => {
    const places = Array.from({ length: 300 }, (_, place) => 3 * place);
    upstream.answer(streamed(cutAt(TEXT_STREAM, places)));
    const whole = sumOf(await Array.fromAsync(await model.stream(prompt)));
    expect(whole.text).toBe("Grüße aus 東京 🙂");
    // This class adds the count that the message starts with to the whole one, in both worlds.
    expect(whole.usage_metadata).toMatchObject({ input_tokens: 25, output_tokens: 1 + 15 });
  });

  test("what the cache gave and took", async () => {
    upstream.answer(streamed([CACHED_STREAM]));
    const whole = sumOf(await Array.fromAsync(await model.stream(prompt)));
    expect(whole.usage_metadata).toMatchObject({
      input_token_details: { cache_read: 1_000, cache_creation: 300 },
    });
  });

  test("bound tools are called in parallel, streamed", async () => {
    upstream.answer(streamed([THINKING_TOOLS_STREAM]));
    const stream = await model.bindTools([weather]).stream(prompt);
    expect(sumOf(await Array.fromAsync(stream)).tool_calls).toMatchObject([
      { name: "get_weather", args: { city: "Zürich" } },
      { name: "get_weather", args: { city: "東京" } },
    ]);
  });

  test("bound tools are called in parallel, plain", async () => {
    const calls = ["Zürich", "東京"].map((city, index) => {
      return { type: "tool_use", id: `toolu_0${index}`, name: "get_weather", input: { city } };
    });
    upstream.answer(plain(message(calls, "tool_use", { output_tokens: 9 })));
    const answer = await model.bindTools([weather]).invoke(prompt);
    expect(answer.tool_calls).toMatchObject([
      { name: "get_weather", args: { city: "Zürich" } },
      { name: "get_weather", args: { city: "東京" } },
    ]);
  });

  test("structured output", async () => {
    const input = { city: "Zürich" };
    const call = { type: "tool_use", id: "toolu_01", name: "answer", input };
    upstream.answer(plain(message([call], "tool_use", { output_tokens: 9 })));
    const structured = model.withStructuredOutput(schema, {
      name: "answer",
      method: "functionCalling",
    });
    expect(await structured.invoke(prompt)).toEqual(input);
  });

  test.each([
    [400, "invalid_request_error"],
    [404, "not_found_error"],
  ])("the provider's %d raises with its words", async (status, type) => {
    const error = { type: "error", error: { type, message: "No." } };
    upstream.answer(plain(JSON.stringify(error), status));
    expect(await failureOf(model.invoke(prompt))).toMatchObject({ status, error });
  });
});

test("everything was given back", expectAtRest);
