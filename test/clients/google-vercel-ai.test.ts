/** Vercel's `ai` with its Google provider: the same assertions directly and through Tollgate. */
import { createGoogleGenerativeAI } from "@ai-sdk/google";
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
import {
  BLOCKED,
  response,
  STOP,
  STREAMED,
  TOOLS,
  UNAVAILABLE,
} from "../conformance/google-answers.ts";
import { answerWith, googleWorldsForFile } from "./google-worlds.ts";
import { failureOf } from "./worlds.ts";

const each = await googleWorldsForFile();
const city = z.object({ city: z.string() });
const tools: ToolSet = {
  get_weather: tool({
    description: "The weather.",
    inputSchema: city,
    execute: (input) => `sunny in ${input.city}`,
  }),
  get_time: tool({ description: "The time.", inputSchema: city, execute: () => "noon" }),
};

describe.each(each)("%s", (_name, { baseUrl, apiKey, model, upstream }) => {
  const google = createGoogleGenerativeAI({ baseURL: `${baseUrl}/v1`, apiKey });
  const ask = { model: google(model), prompt: "Say something.", maxRetries: 0 };

  test("text with its usage", async () => {
    answerWith(upstream, response([{ text: "Grüße 🙂" }], STOP));
    const { text, usage, finishReason } = await generateText(ask);
    expect([text, finishReason]).toEqual(["Grüße 🙂", "stop"]);
    expect(usage).toMatchObject({ inputTokens: 9, outputTokens: 11 });
  });

  test("a stream, with its reasoning", async () => {
    answerWith(upstream, ...STREAMED);
    const stream = streamText(ask);
    expect(await stream.text).toBe('Grüße 🙂 "quoted" \\ ] } ');
    expect(await stream.reasoningText).toBe("Thinking about it.");
    expect(await stream.finishReason).toBe("stop");
  });

  test("parallel calls of tools", async () => {
    answerWith(upstream, TOOLS);
    const { toolCalls } = await generateText({ ...ask, tools });
    expect(toolCalls.map(({ toolName, input }) => ({ toolName, input }))).toEqual([
      { toolName: "get_weather", input: { city: "Köln" } },
      { toolName: "get_time", input: { city: "Köln" } },
    ]);
  });

  test("tools are called from a stream, answered and put into words", async () => {
    let turn = 0;
    upstream.answer(() => {
      turn += 1;
      const told = turn === 1 ? TOOLS : response([{ text: "Grüße 🙂" }], STOP);
      const headers = { "content-type": "text/event-stream" };
      return { headers, pieces: [`data: ${JSON.stringify(told)}\r\n\r\n`] };
    });
    const stream = streamText({ ...ask, tools, stopWhen: isStepCount(2) });
    expect(await stream.text).toBe("Grüße 🙂");
    const [first] = await stream.steps;
    expect(first?.toolResults.map(({ output }) => output)).toEqual(["sunny in Köln", "noon"]);
  });

  test("structured output parses into its schema", async () => {
    answerWith(upstream, response([{ text: '{"city":"Köln"}' }], STOP));
    const { output } = await generateText({ ...ask, output: Output.object({ schema: city }) });
    expect(output).toEqual({ city: "Köln" });
  });

  test("a blocked prompt is filtered content", async () => {
    answerWith(upstream, BLOCKED);
    expect(await streamText(ask).finishReason).toBe("content-filter");
  });

  test("an answer that its limit ended", async () => {
    const candidate = { finishReason: "MAX_TOKENS" };
    answerWith(upstream, response([{ text: "one" }], { candidate }));
    expect((await generateText({ ...ask, maxOutputTokens: 1 })).finishReason).toBe("length");
  });

  test("embeddings, one and many", async () => {
    upstream.answer(({ path }) => ({
      pieces: [
        path.endsWith(":embedContent")
          ? '{"embedding":{"values":[0.25]}}'
          : '{"embeddings":[{"values":[0.5]},{"values":[-1]}]}',
      ],
    }));
    const embedding = google.textEmbedding(model);
    const many = await embedMany({ model: embedding, values: ["one", "two"] });
    const one = await embedMany({ model: embedding, values: ["one"] });
    expect([many.embeddings, one.embeddings]).toEqual([[[0.5], [-1]], [[0.25]]]);
  });

  test("an error of the provider is the client's own kind of error", async () => {
    upstream.answer({ status: 503, pieces: [JSON.stringify(UNAVAILABLE)] });
    const error = await failureOf(generateText(ask));
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 503, message: "The model is overloaded." });
  });
});
