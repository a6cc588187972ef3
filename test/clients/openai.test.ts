/** The official `openai` client: what works directly works through Tollgate, assertion by assertion. */
import { Agent, OpenAIProvider, Runner, tool as agentTool } from "@openai/agents";
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { CHAT_MODEL, EMBEDDING_MODEL, LISTED_MODEL, scripted, worldsForFile } from "./worlds.ts";

const { each } = await worldsForFile();
const model = CHAT_MODEL;
const messages = [{ role: "user" as const, content: "Say something." }];

function functionTool(name: string): OpenAI.Chat.Completions.ChatCompletionFunctionTool {
  const properties = { city: { type: "string" } };
  return {
    type: "function",
    function: { name, parameters: { type: "object", properties, required: ["city"] } },
  };
}

const tools = [functionTool("get_weather"), functionTool("get_time")];
const calls = [
  {
    id: "call_sim000000000000000000000",
    type: "function",
    function: { name: "get_weather", arguments: '{"city":"lorem"}' },
  },
  {
    id: "call_sim000000000000000000001",
    type: "function",
    function: { name: "get_time", arguments: '{"city":"lorem"}' },
  },
];

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

  test("a plain completion, its usage and its request id", async () => {
    const script = scripted("tokens=4&answer_model=gpt-any&fingerprint=fp_1&cached_tokens=1");
    const { data, request_id } = await client.chat.completions
      .create({ model, messages }, script)
      .withResponse();
    expect(data).toEqual({
      id: expect.stringMatching(/^chatcmpl-/),
      object: "chat.completion",
      created: expect.any(Number),
      model: "gpt-any",
      service_tier: "default",
      system_fingerprint: "fp_1",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "lorem ipsum dolor sit",
            refusal: null,
            annotations: [],
          },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 4,
        total_tokens: 8,
        prompt_tokens_details: { cached_tokens: 1, audio_tokens: 0 },
        completion_tokens_details: {
          reasoning_tokens: 0,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
      },
    });
    expect(request_id).toMatch(/^req_/);
  });

  test("several choices and an output limit", async () => {
    const answer = await client.chat.completions.create(
      { model, messages, n: 3, max_completion_tokens: 2 },
      scripted("tokens=9"),
    );
    const told = answer.choices.map(({ message, finish_reason }) => [
      message.content,
      finish_reason,
    ]);
    expect(told).toEqual(Array.from({ length: 3 }, () => ["lorem ipsum", "length"]));
  });

  test("a stream in characters of several bytes, split anywhere, with the usage asked for", async () => {
    const stream = await client.chat.completions.create(
      { model, messages, stream: true, stream_options: { include_usage: true } },
      scripted("tokens=6&unicode=1&split_every=3"),
    );
    const chunks = await Array.fromAsync(stream);
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    expect(text).toBe("naïve 漢字 🙂 Привет שלום 日本語");
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 } });
  });

  test("a stream without usage brings none", async () => {
    const stream = await client.chat.completions.create(
      { model, messages, stream: true },
      scripted("tokens=2"),
    );
    const chunks = await Array.fromAsync(stream);
    const deltas = chunks.map(({ choices }) => choices[0]?.delta.content);
    expect(deltas).toEqual(["", "lorem", " ipsum", undefined]);
    expect(chunks.filter((chunk) => (chunk.usage ?? null) !== null)).toEqual([]);
  });

  test("parallel tool calls, plain", async () => {
    const answer = await client.chat.completions.create(
      { model, messages, tools },
      scripted("parallel_tools=2"),
    );
    expect(answer.choices[0]?.message.tool_calls).toMatchObject(calls);
    expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
  });

  test("parallel tool calls, streamed and put together by the client's helper", async () => {
    const stream = client.chat.completions.stream(
      { model, messages, tools },
      scripted("parallel_tools=2&split_every=7"),
    );
    const message = (await stream.finalChatCompletion()).choices[0]?.message;
    expect(message?.tool_calls).toMatchObject(calls);
  });

  test("an agent's loop over a tool ends with text", async () => {
    const runner = client.chat.completions.runTools(
      {
        model,
        messages,
        tools: [
          {
            type: "function",
            function: {
              name: "get_weather",
              description: "The weather of a city.",
              parse: JSON.parse,
              parameters: tools[0]?.function.parameters ?? {},
              function: (args: { city: string }) => `sunny in ${args.city}`,
            },
          },
        ],
      },
      scripted("tool=1&tokens=2"),
    );
    expect(await runner.finalContent()).toBe("lorem ipsum");
    expect(upstream.stats().requests).toBe(2);
  });

  test.each([false, true])(
    "an agent that speaks chats calls parallel tools and ends with text (streamed: %p)",
    async (stream) => {
      const { headers } = scripted("parallel_tools=2&tokens=2");
      const openAIClient = client.withOptions({ defaultHeaders: headers });
      const modelProvider = new OpenAIProvider({ openAIClient, useResponses: false });
      const runner = new Runner({ modelProvider, tracingDisabled: true });
      const agentTools = ["get_weather", "get_time"].map((name) =>
        agentTool({
          name,
          description: "It tells.",
          parameters: z.object({ city: z.string() }),
          execute: ({ city }) => `${name} in ${city}`,
        }),
      );
      const agent = new Agent({ name: "Guide", model, tools: agentTools });
      const asked = "Say something.";
      const result = stream
        ? await runner.run(agent, asked, { stream: true })
        : await runner.run(agent, asked);
      if ("completed" in result) await result.completed;
      const outputs = result.newItems.filter(({ type }) => type === "tool_call_output_item");
      expect(outputs).toMatchObject([
        { output: "get_weather in lorem" },
        { output: "get_time in lorem" },
      ]);
      expect([result.finalOutput, upstream.stats().requests]).toEqual(["lorem ipsum", 2]);
    },
  );

  test("structured output parses into its schema", async () => {
    const schema = z.object({ city: z.string(), days: z.number().int(), kind: z.enum(["a", "b"]) });
    const answer = await client.chat.completions.parse({
      model,
      messages,
      response_format: zodResponseFormat(schema, "answer"),
    });
    expect(answer.choices[0]?.message.parsed).toEqual({ city: "lorem", days: 0, kind: "a" });
  });

  test("a refusal of the model reaches the caller", async () => {
    const answer = await client.chat.completions.create({ model, messages }, scripted("refusal=1"));
    expect(answer.choices[0]?.message.refusal).toBe("I'm sorry, but I can't help with that.");
  });

  test("embeddings: base64 on the wire by default, floats when asked for, the same numbers", async () => {
    const asked = { model: EMBEDDING_MODEL, input: ["one", "two"], dimensions: 8 };
    const decoded = await client.embeddings.create(asked);
    const floats = await client.embeddings.create({ ...asked, encoding_format: "float" });
    const raw = await client.embeddings.create({ ...asked, encoding_format: "base64" });
    expect(decoded.data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
    expect(decoded.data).toEqual(floats.data);
    const bytes = raw.data.map(({ embedding }) => Buffer.from(embedding, "base64"));
    expect(bytes.map(({ byteLength }) => byteLength)).toEqual([32, 32]);
    expect(decoded.usage).toEqual({ prompt_tokens: 2, total_tokens: 2 });
  });

  test("models are listed and looked up", async () => {
    const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
    expect(ids).toContain(LISTED_MODEL);
    expect(await client.models.retrieve(LISTED_MODEL)).toEqual({
      id: LISTED_MODEL,
      object: "model",
      created: expect.any(Number),
      owned_by: expect.any(String),
    });
  });
});
