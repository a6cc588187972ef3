/** LangChain's OpenAI classes: the same assertions directly and through Tollgate. */
import { HumanMessage, type AIMessageChunk } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { CHAT_MODEL, EMBEDDING_MODEL, failureOf, scripted, worldsForFile } from "./worlds.ts";

const { each } = await worldsForFile();
const prompt = [new HumanMessage("Say something.")];
const schema = z.object({ city: z.string() });
const tools = [
  tool((input) => `sunny in ${input.city}`, {
    name: "get_weather",
    description: "Weather.",
    schema,
  }),
  tool(() => "noon", { name: "get_time", description: "Time.", schema }),
];
const calls = [
  { name: "get_weather", args: { city: "lorem" }, type: "tool_call" },
  { name: "get_time", args: { city: "lorem" }, type: "tool_call" },
];

/** What the chunks of a stream add up to. */
function sumOf(chunks: readonly AIMessageChunk[]): AIMessageChunk {
  return chunks.reduce((sum, chunk) => sum.concat(chunk));
}

describe.each(each)("%s", (_name, { baseURL, apiKey }) => {
  // LangChain sends the headers of a call with plain calls only, those of a model with all.
  const modelFor = (script: string): ChatOpenAI =>
    new ChatOpenAI({
      model: CHAT_MODEL,
      apiKey,
      maxRetries: 0,
      configuration: { baseURL, defaultHeaders: scripted(script).headers },
    });

  test("a message with its usage", async () => {
    const { text, usage_metadata } = await modelFor("tokens=3&cached_tokens=2").invoke(prompt);
    expect(text).toBe("lorem ipsum dolor");
    expect(usage_metadata).toMatchObject({
      input_tokens: 4,
      output_tokens: 3,
      total_tokens: 7,
      input_token_details: { cache_read: 2 },
    });
  });

  test("a stream in characters of several bytes, split anywhere", async () => {
    const stream = await modelFor("tokens=6&unicode=1&split_every=3").stream(prompt);
    const whole = sumOf(await Array.fromAsync(stream));
    expect(whole.text).toBe("naïve 漢字 🙂 Привет שלום 日本語");
    expect(whole.usage_metadata).toMatchObject({ input_tokens: 4, output_tokens: 6 });
  });

  test("bound tools are called in parallel, plain", async () => {
    const answer = await modelFor("parallel_tools=2").bindTools(tools).invoke(prompt);
    expect(answer.tool_calls).toMatchObject(calls);
  });

  test("bound tools are called in parallel, streamed", async () => {
    const stream = await modelFor("parallel_tools=2&split_every=5").bindTools(tools).stream(prompt);
    expect(sumOf(await Array.fromAsync(stream)).tool_calls).toMatchObject(calls);
  });

  test.each(["jsonSchema", "functionCalling"] as const)(
    "structured output by %s",
    async (method) => {
      const structured = modelFor("").withStructuredOutput(schema, { method, name: "answer" });
      expect(await structured.invoke(prompt)).toEqual({ city: "lorem" });
    },
  );

  test("embeddings of several texts", async () => {
    const embedder = new OpenAIEmbeddings({
      model: EMBEDDING_MODEL,
      apiKey,
      maxRetries: 0,
      configuration: { baseURL },
    });
    const vectors = await embedder.embedDocuments(["one", "two"]);
    expect(vectors.map((vector) => vector.length)).toEqual([256, 256]);
    expect(await embedder.embedQuery("two")).toEqual(vectors[1] ?? []);
  });

  test.each([
    [400, "invalid_request_error", null],
    [401, "invalid_request_error", "invalid_api_key"],
    [404, "invalid_request_error", "model_not_found"],
    [429, "requests", "rate_limit_exceeded"],
    [500, "server_error", null],
  ])("the provider's %d raises with its words", async (status, type, code) => {
    const failure = await failureOf(modelFor(`status=${status}&retry_after=0`).invoke(prompt));
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({ status, error: { type, code } });
  });
});
