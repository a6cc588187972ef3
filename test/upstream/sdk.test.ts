/**
 * The official `openai` client against the simulated provider: if it understands us, so does
 * whoever else speaks OpenAI.
 */

import { expect, test } from "bun:test";
import OpenAI, { APIError, RateLimitError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { upstreamForFile } from "./harness.ts";

const upstream = await upstreamForFile();
const client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: "sk-any", maxRetries: 0 });
const messages = [{ role: "user" as const, content: "Say something." }];

const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
    },
  },
};

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

test("a plain completion", async () => {
  const answer = await client.chat.completions.create({ model: "sim-small?tokens=2", messages });
  expect(answer.choices[0]?.message.content).toBe("lorem ipsum");
  expect(answer.usage?.total_tokens).toBe(6);
});

test("a stream with usage, in tokens of several bytes split anywhere", async () => {
  const stream = await client.chat.completions.create({
    model: "sim-small?tokens=6&unicode=1&split_every=3",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let totalTokens = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    totalTokens += chunk.usage?.total_tokens ?? 0;
  }
  expect([text, totalTokens]).toEqual(["naïve 漢字 🙂 Привет שלום 日本語", 10]);
});

test("the stream helper puts a message together", async () => {
  const stream = client.chat.completions.stream({
    model: "sim-small?parallel_tools=2",
    messages,
    tools: [weather],
  });
  const message = (await stream.finalChatCompletion()).choices[0]?.message;
  const called = { name: "get_weather", arguments: '{"city":"lorem"}' };
  expect(message?.tool_calls).toMatchObject([
    { id: "call_sim000000000000000000000", type: "function", function: called },
    { id: "call_sim000000000000000000001", type: "function", function: called },
  ]);
});

test("an agent's loop over a tool ends with text", async () => {
  const runner = client.chat.completions.runTools({
    model: "sim-small?tool=1&tokens=2",
    messages,
    tools: [
      {
        type: "function",
        function: {
          name: "get_weather",
          description: "The weather of a city.",
          parse: JSON.parse,
          parameters: weather.function.parameters,
          function: (args: { city: string }) => `sunny in ${args.city}`,
        },
      },
    ],
  });
  expect(await runner.finalContent()).toBe("lorem ipsum");
  expect(upstream.stats().requests).toBe(2);
});

test("structured output parses into its schema", async () => {
  const schema = z.object({ city: z.string(), days: z.number().int(), kind: z.enum(["a", "b"]) });
  const answer = await client.chat.completions.parse({
    model: "sim-small",
    messages,
    response_format: zodResponseFormat(schema, "answer"),
  });
  expect(answer.choices[0]?.message.parsed).toEqual({ city: "lorem", days: 0, kind: "a" });
});

test("a refusal reaches the caller", async () => {
  const answer = await client.chat.completions.create({ model: "sim-small?refusal=1", messages });
  expect(answer.choices[0]?.message.refusal).toBe("I'm sorry, but I can't help with that.");
});

test("embeddings, which the client asks for in base64", async () => {
  const input = ["one", "two"];
  const { data } = await client.embeddings.create({ model: "sim-embed", input, dimensions: 8 });
  const floats = await client.embeddings.create({
    model: "sim-embed",
    input,
    dimensions: 8,
    encoding_format: "float",
  });
  expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8]);
  expect(data).toEqual(floats.data);
});

test("models", async () => {
  const ids: string[] = [];
  for await (const model of client.models.list()) {
    ids.push(model.id);
  }
  expect(ids).toContain("sim-small");
  expect((await client.models.retrieve("sim-large")).id).toBe("sim-large");
});

test("errors carry status, code and retry-after", async () => {
  const model = "sim-small?status=429&retry_after=9";
  const failure = await failureOf(client.chat.completions.create({ model, messages }));
  expect(failure).toBeInstanceOf(RateLimitError);
  expect(failure).toMatchObject({ status: 429, code: "rate_limit_exceeded", type: "requests" });
});

test("the client's own retries succeed once the failures are over", async () => {
  const model = "sim-small?fail_times=2&status=500&retry_after=0&tokens=1";
  const answer = await client.chat.completions.create({ model, messages }, { maxRetries: 2 });
  expect(answer.choices[0]?.message.content).toBe("lorem");
  expect(upstream.stats().byStatus).toEqual({ "500": 2, "200": 1 });
});

async function streamFailure(model: string): Promise<unknown> {
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  return failureOf(
    (async () => {
      for await (const chunk of stream) {
        expect(chunk.object).toBe("chat.completion.chunk");
      }
    })(),
  );
}

test("a stream that is cut or carries an error raises", async () => {
  expect(await streamFailure("sim-small?cut_at=700")).toBeInstanceOf(Error);
  const failure = await streamFailure("sim-small?error_after=2");
  expect(failure).toBeInstanceOf(APIError);
  expect(failure).toMatchObject({ type: "server_error" });
});

test("an abort is seen upstream", async () => {
  const stream = await client.chat.completions.create({
    model: "sim-small?token_delay_ms=60000",
    messages,
    stream: true,
  });
  stream.controller.abort();
  const stats = await upstream.until(({ closedEarly }) => closedEarly === 1);
  expect(stats).toMatchObject({ completed: 0, inFlight: 0 });
});
