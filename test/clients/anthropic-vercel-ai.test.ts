/** Vercel's `ai` with its Anthropic provider: the same assertions directly and through Tollgate. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { APICallError, generateText, isStepCount, Output, streamText, tool } from "ai";
import { describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  LENGTH_STREAM,
  message,
  PLAIN_TEXT,
  SEARCH_STREAM,
  STRUCTURED_STREAM,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
} from "../conformance/anthropic-answers.ts";
import { cutAt } from "../conformance/pieces.ts";
import { anthropicWorldsForFile, MODEL, plain, streamed } from "./anthropic-worlds.ts";
import { failureOf } from "./worlds.ts";

const { each, expectAtRest } = await anthropicWorldsForFile();
const tools = {
  get_weather: tool({
    description: "The weather.",
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => `sunny in ${city}`,
  }),
};

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const anthropic = createAnthropic({ baseURL: `${baseURL}/v1`, apiKey });
  const model = anthropic(MODEL);
  const ask = { model, prompt: "Say something.", maxRetries: 0, maxOutputTokens: 64 };

  test("text with its usage", async () => {
    upstream.answer(plain(PLAIN_TEXT));
    const { text, usage, finishReason } = await generateText(ask);
    expect([text, finishReason]).toEqual(["Grüße 🙂", "stop"]);
    expect(usage).toMatchObject({ inputTokens: 25, outputTokens: 15 });
  });

  test("a stream in characters of several bytes, split anywhere", async () => {
    const places = Array.from({ length: 300 }, (_, place) => 3 * place);
    upstream.answer(streamed(cutAt(TEXT_STREAM, places)));
    const result = streamText(ask);
    const parts = await Array.fromAsync(result.textStream);
    expect(parts).toEqual(["Grüße", " aus 東京", " 🙂"]);
    expect(await result.usage).toMatchObject({ inputTokens: 25, outputTokens: 15 });
  });

  test("a length stop, streamed", async () => {
    upstream.answer(streamed([LENGTH_STREAM]));
    const result = streamText({ ...ask, maxOutputTokens: 2 });
    expect([await result.text, await result.finishReason]).toEqual(["Once upon", "length"]);
  });

  test("thinking and two tools, which are called, answered and put into words", async () => {
    const turns = [THINKING_TOOLS_STREAM, TEXT_STREAM];
    upstream.forget();
    upstream.answer(() => streamed([turns[upstream.seen.length - 1] ?? ""]));
    const result = streamText({ ...ask, tools, stopWhen: isStepCount(2) });
    expect(await result.text).toBe("Grüße aus 東京 🙂");
    const [first] = await result.steps;
    expect(first?.reasoningText).toBe("Both cities are asked for.");
    expect(first?.toolResults.map(({ output }) => output)).toEqual([
      "sunny in Zürich",
      "sunny in 東京",
    ]);
    // The provider gets its own thinking back with the proof that it is its own.
    const second = new TextDecoder().decode(upstream.seen[1]?.body);
    expect(second).toContain('"signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds"');
  });

  test("structured output parses into its schema, plain and streamed", async () => {
    const schema = z.object({ city: z.string(), days: z.number() });
    const asked = { ...ask, output: Output.object({ schema }) };
    const text = '{"city":"Zürich","days":3}';
    upstream.answer(plain(message([{ type: "text", text }], "end_turn", { output_tokens: 12 })));
    const told = await generateText(asked);
    upstream.answer(streamed([STRUCTURED_STREAM]));
    const outputs = [told.output, await streamText(asked).output];
    expect(outputs).toEqual([
      { city: "Zürich", days: 3 },
      { city: "Zürich", days: 3 },
    ]);
  });

  test("the provider's own search, with its sources", async () => {
    upstream.answer(streamed([SEARCH_STREAM]));
    const search = { web_search: anthropic.tools.webSearch_20250305({ maxUses: 1 }) };
    const result = streamText({ ...ask, tools: search });
    expect(await result.text).toContain("It is sunny.");
    expect(await result.sources).toMatchObject([{ url: "https://example.com/weather" }]);
  });

  test("a refusal of the model reaches the caller", async () => {
    upstream.answer(plain(message([], "refusal", { output_tokens: 5 })));
    const { text, finishReason } = await generateText(ask);
    expect([text, finishReason]).toEqual(["", "content-filter"]);
  });

  test.each([
    [400, "invalid_request_error"],
    [404, "not_found_error"],
  ])("the provider's %d raises with its words", async (status, type) => {
    const error = { type: "error", error: { type, message: "No." } };
    upstream.answer(plain(JSON.stringify(error), status));
    const failure = await failureOf(generateText(ask));
    expect(failure).toBeInstanceOf(APICallError);
    expect(failure).toMatchObject({ statusCode: status, data: error, message: "No." });
  });
});

test("everything was given back", expectAtRest);
