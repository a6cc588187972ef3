/** The official `openai` client and its responses: the same assertions directly and through Tollgate. */
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { compaction } from "../conformance/responses-answers.ts";
import { ANSWER, MODEL, responsesWorldsForFile, STRUCTURED } from "./responses-worlds.ts";
import { failureOf } from "./worlds.ts";

const each = await responsesWorldsForFile();
const model = MODEL;
const input = "Say something.";
const parameters = { type: "object", properties: { city: { type: "string" } } };
const toolOf = (name: string) => ({ type: "function", name, parameters, strict: false }) as const;

describe.each(each)("%s", (_name, { baseURL, apiKey, upstream }) => {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });

  test("a plain response with its usage", async () => {
    const answer = await client.responses.create({ model, input });
    expect([answer.output_text, answer.status, answer.model]).toEqual([ANSWER, "completed", MODEL]);
    expect(answer.usage).toEqual({
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 2 },
      output_tokens: 4,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 13,
    } as never);
  });

  test("a stream, event by event, and put together by the client's helper", async () => {
    const stream = await client.responses.create({ model, input, stream: true });
    const list = await Array.fromAsync(stream);
    expect(list.map((event) => event.sequence_number)).toEqual(list.map((_, place) => place));
    expect([list[0]?.type, list.at(-1)?.type]).toEqual(["response.created", "response.completed"]);
    const deltas = list.filter((event) => event.type === "response.output_text.delta");
    expect(deltas.map(({ delta }) => delta).join("")).toBe(ANSWER);
    const final = await client.responses.stream({ model, input }).finalResponse();
    expect(final.output_text).toBe(ANSWER);
  });

  test("parallel tools, and the conversation that goes on from their outputs", async () => {
    const tools = [toolOf("get_weather"), toolOf("get_time")];
    const first = await client.responses.create({ model, input, tools });
    const calls = first.output.filter((item) => item.type === "function_call");
    expect(calls.map(({ name, arguments: args }) => [name, JSON.parse(args)])).toEqual([
      ["get_weather", { city: "Zürich" }],
      ["get_time", { city: "Zürich" }],
    ]);
    const outputs = calls.map(({ call_id }) => {
      return { type: "function_call_output" as const, call_id, output: "sunny" };
    });
    const previous_response_id = first.id;
    const next = await client.responses.create({
      model,
      input: outputs,
      tools,
      previous_response_id,
    });
    expect([next.output_text, next.previous_response_id]).toEqual([ANSWER, first.id]);
  });

  test("structured output parses into its schema, and a refusal reaches the caller", async () => {
    const schema = z.object({ city: z.string(), days: z.number().int() });
    const text = { format: zodTextFormat(schema, "answer") };
    const parsed = await client.responses.parse({ model, input, text });
    expect(parsed.output_parsed).toEqual(STRUCTURED);
    const refused = await client.responses.create({ model, input: "refuse" });
    expect(refused.output[0]).toMatchObject({ content: [{ refusal: "I will not." }] });
  });

  test("a response is shown, its input listed, cancelled, deleted, and gone", async () => {
    const { id } = await client.responses.create({ model, input });
    expect((await client.responses.retrieve(id)).output_text).toBe(ANSWER);
    const items = await Array.fromAsync(client.responses.inputItems.list(id, { order: "asc" }));
    expect(items.length).toBe(1);
    expect((await client.responses.cancel(id)).status).toBe("cancelled");
    await client.responses.delete(id);
    const gone = await failureOf(client.responses.retrieve(id));
    expect(gone).toBeInstanceOf(OpenAI.NotFoundError);
    expect(String(gone)).toContain(`Response with id '${id}' not found.`);
  });

  test("a conversation is compacted, and goes on from what came of it", async () => {
    const first = await client.responses.create({ model, input });
    const compacted = await client.responses.compact({ model, previous_response_id: first.id });
    expect(compacted).toEqual(compaction() as never);
    // Items of an answer are sent back as they came.
    const next = await client.responses.create({ model, input: compacted.output as never });
    expect(next.output_text).toBe(ANSWER);
  });

  test("tokens are counted before they are paid", async () => {
    const counted = await client.responses.inputTokens.count({ model, input });
    expect(counted).toEqual({ object: "response.input_tokens", input_tokens: 11 });
  });

  test("an earlier response that never was is not found", async () => {
    const previous_response_id = "resp_never";
    const failure = await failureOf(
      client.responses.create({ model, input, previous_response_id }),
    );
    expect(failure).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test("an error in a stream that has begun is thrown as an API error", async () => {
    const error = { type: "server_error", code: "server_error", message: "Oops.", param: null };
    const started =
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"a",' +
      '"item_id":"m","output_index":0,"content_index":0,"sequence_number":0}\n\n';
    const event = { type: "error", error, sequence_number: 1 };
    upstream.answer({
      headers: { "content-type": "text/event-stream" },
      pieces: [started, `event: error\ndata: ${JSON.stringify(event)}\n\n`],
    });
    const stream = await client.responses.create({ model, input, stream: true });
    const failure = await failureOf(Array.fromAsync(stream));
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ code: "server_error", error: { message: "Oops." } });
  });
});
