/**
 * What a script makes the answer say: tools, structured output, refusals, text, usage, headers.
 */

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { at, jsonOf, messages, postChat, textAt, upstreamForFile } from "./harness.ts";
import { eventsOf } from "./raw-client.ts";

const upstream = await upstreamForFile();

function tool(name: string, properties: object, required: string[]): object {
  const parameters = { type: "object", properties, required };
  return { type: "function", function: { name, parameters } };
}

const tools = [
  tool("get_weather", { city: { type: "string" }, days: { type: "integer" } }, ["city", "days"]),
  tool("get_time", { zone: { enum: ["UTC", "CET"] } }, ["zone"]),
];

async function callsOf(body: object): Promise<unknown[]> {
  const answer = await jsonOf(postChat(upstream, { model: "sim-small", tools, ...body }));
  const calls = at(answer, "choices", 0, "message", "tool_calls");
  return [at(answer, "choices", 0, "finish_reason"), calls];
}

/** Puts a stream together as a client does. */
async function assembled(body: object): Promise<{ message: unknown; finish: unknown }> {
  const response = await postChat(upstream, { model: "sim-small", stream: true, ...body });
  const calls: { id: string; name: string; args: string; fragments: number }[] = [];
  const texts = { content: "", refusal: "" };
  let finish: unknown;
  for (const event of eventsOf(await response.text())) {
    const choice = event === "[DONE]" ? undefined : at(JSON.parse(event), "choices", 0);
    finish = at(choice, "finish_reason") ?? finish;
    texts.content += textAt(choice, "delta", "content");
    texts.refusal += textAt(choice, "delta", "refusal");
    const index = at(choice, "delta", "tool_calls", 0, "index");
    if (typeof index === "number") {
      const part = at(choice, "delta", "tool_calls", 0);
      calls[index] ??= { id: "", name: "", args: "", fragments: 0 };
      calls[index].id += textAt(part, "id");
      calls[index].name += textAt(part, "function", "name");
      calls[index].args += textAt(part, "function", "arguments");
      calls[index].fragments += 1;
    }
  }
  return { message: { ...texts, calls }, finish };
}

const weatherCall = {
  id: "call_sim000000000000000000000",
  type: "function",
  function: { name: "get_weather", arguments: '{"city":"lorem","days":0}' },
};
const timeCall = {
  id: "call_sim000000000000000000000",
  type: "function",
  function: { name: "get_time", arguments: '{"zone":"UTC"}' },
};
const secondTimeCall = { ...timeCall, id: "call_sim000000000000000000001" };

describe("a tool is called", () => {
  const named = { type: "function", function: { name: "get_time" } };
  const cases: [name: string, body: object, calls: unknown][] = [
    ["when one is required", { tool_choice: "required" }, [weatherCall]],
    ["when it is named", { tool_choice: named }, [timeCall]],
    ["when the script says so", { model: "sim-small?tool=1" }, [weatherCall]],
    ["when the script names it", { model: "sim-small?tool=get_time" }, [timeCall]],
    [
      "together with others, in turn",
      { model: "sim-small?parallel_tools=2" },
      [weatherCall, secondTimeCall],
    ],
  ];
  test.each(cases)("%s", async (_name, body, calls) => {
    expect(await callsOf(body)).toEqual(["tool_calls", calls]);
  });
});

describe("no tool is called", () => {
  const toolAnswer = { role: "tool", tool_call_id: "x", content: "sunny" };
  const cases: [name: string, body: object][] = [
    ["when nobody asks for it", {}],
    ["when tool_choice is auto", { tool_choice: "auto" }],
    [
      "when tool_choice is none, whatever the script says",
      { tool_choice: "none", model: "m?tool=1" },
    ],
    ["when there is none", { tools: [], model: "sim-small?tool=1" }],
    ["when the script says 0", { model: "sim-small?tool=0&parallel_tools=2" }],
    [
      "once its answer has come",
      { model: "sim-small?tool=1", messages: [...messages, toolAnswer] },
    ],
  ];
  test.each(cases)("%s", async (_name, body) => {
    expect(await callsOf(body)).toEqual(["stop", undefined]);
  });
});

test("streamed tool calls open with id and name and grow by fragments", async () => {
  expect(await assembled({ model: "sim-small?parallel_tools=2", tools })).toEqual({
    finish: "tool_calls",
    message: {
      content: "",
      refusal: "",
      calls: [
        {
          id: weatherCall.id,
          name: "get_weather",
          args: weatherCall.function.arguments,
          fragments: 5,
        },
        { id: secondTimeCall.id, name: "get_time", args: '{"zone":"UTC"}', fragments: 3 },
      ],
    },
  });
});

test("a tool call is cut by the output limit like any text", async () => {
  const body = { tools, tool_choice: "required", max_tokens: 2 };
  const { message, finish } = await assembled(body);
  expect([at(message, "calls", 0, "args"), finish]).toEqual(['{"city":', "length"]);
  expect(await callsOf(body)).toEqual([
    "length",
    [{ ...weatherCall, function: { name: "get_weather", arguments: '{"city":' } }],
  ]);
});

test("structured output fits its schema, plain and streamed", async () => {
  const properties = { ok: { type: "boolean" }, tags: { type: "array", items: {}, minItems: 1 } };
  const schema = { type: "object", properties, required: ["ok", "tags"] };
  const json_schema = { name: "answer", strict: true, schema };
  const response_format = { type: "json_schema", json_schema };
  const expected = '{"ok":true,"tags":[null]}';
  const plain = await jsonOf(postChat(upstream, { model: "sim-small", response_format }));
  expect(at(plain, "choices", 0, "message", "content")).toBe(expected);
  const { message, finish } = await assembled({ response_format });
  expect([at(message, "content"), finish]).toEqual([expected, "stop"]);
});

test("json_object answers with an object, text with text", async () => {
  const contents: unknown[] = [];
  for (const type of ["json_object", "text"]) {
    const body = { model: "sim-small?tokens=1", response_format: { type } };
    const answer = await jsonOf(postChat(upstream, body));
    contents.push(at(answer, "choices", 0, "message", "content"));
  }
  expect(contents).toEqual(['{"text":"lorem"}', "lorem"]);
});

test("a refusal takes the place of the content", async () => {
  const refusal = "I'm sorry, but I can't help with that.";
  const plain = await jsonOf(postChat(upstream, { model: "sim-small?refusal=1" }));
  expect(at(plain, "choices", 0, "message")).toEqual({
    role: "assistant",
    content: null,
    refusal,
    annotations: [],
  });
  const { message } = await assembled({ model: "sim-small?refusal=1" });
  expect(message).toEqual({ content: "", refusal, calls: [] });
});

test("a filtered answer says so at its end", async () => {
  const { message, finish } = await assembled({ model: "m?content_filter=1&tokens=2" });
  expect([at(message, "content"), finish]).toEqual(["lorem ipsum", "content_filter"]);
});

test("tokens have the bytes asked for, in any alphabet", async () => {
  const { message } = await assembled({ model: "m?token_bytes=100&tokens=7&unicode=1" });
  expect(Buffer.byteLength(textAt(message, "content"))).toBe(700);
  const { message: words } = await assembled({ model: "m?tokens=3&unicode=1" });
  expect(at(words, "content")).toBe("naïve 漢字 🙂");
});

test("echo answers with the hash and length of the bytes that came", async () => {
  const body = JSON.stringify({ model: "sim-small?echo=1", messages, extra: "ünïcode 🙂 1.0e3" });
  const response = await fetch(`${upstream.url}/v1/chat/completions`, { method: "POST", body });
  const hash = createHash("sha256").update(body).digest("hex");
  const content = at(await response.json(), "choices", 0, "message", "content");
  expect(content).toBe(`sha256:${hash} bytes:${Buffer.byteLength(body)}`);
});

/** The five numbers of a usage member, in the order of the table below. */
function numbersOf(usage: unknown): unknown {
  return [
    at(usage, "prompt_tokens"),
    at(usage, "completion_tokens"),
    at(usage, "total_tokens"),
    at(usage, "prompt_tokens_details", "cached_tokens"),
    at(usage, "completion_tokens_details", "reasoning_tokens"),
  ];
}

describe("usage can be scripted", () => {
  const cases: [script: string, usage: unknown][] = [
    ["tokens=2", [4, 2, 6, 0, 0]],
    ["tokens=2&prompt_tokens=100", [100, 2, 102, 0, 0]],
    ["tokens=2&completion_tokens=0&prompt_tokens=0", [0, 0, 0, 0, 0]],
    ["tokens=2&total_tokens=99", [4, 2, 99, 0, 0]],
    ["tokens=2&cached_tokens=3", [4, 2, 6, 3, 0]],
    ["tokens=2&reasoning_tokens=50", [4, 52, 56, 0, 50]],
    ["tokens=2&reasoning_tokens=50&completion_tokens=60", [4, 60, 64, 0, 50]],
    ["omit_usage=1", [undefined, undefined, undefined, undefined, undefined]],
  ];
  test.each(cases)("%s", async (script, usage) => {
    const model = `sim-small?${script}`;
    const plain = await jsonOf(postChat(upstream, { model }));
    expect(numbersOf(at(plain, "usage"))).toEqual(usage);
    const asked = { model, stream: true, stream_options: { include_usage: true } };
    const events = eventsOf(await (await postChat(upstream, asked)).text());
    const last = JSON.parse(events.at(-2) ?? "null");
    expect(numbersOf(at(last, "usage"))).toEqual(usage);
  });
});

test("a stream can send its usage twice, and lose its [DONE]", async () => {
  const body = { stream: true, stream_options: { include_usage: true } };
  const eventsFor = async (script: string): Promise<string[]> =>
    eventsOf(await (await postChat(upstream, { ...body, model: `m?${script}` })).text());
  const twice = await eventsFor("usage_twice=1&tokens=1");
  expect(twice.at(-2)).toBe(String(twice.at(-3)));
  expect([at(JSON.parse(String(twice.at(-2))), "choices"), twice.at(-1)]).toEqual([[], "[DONE]"]);
  expect(at(JSON.parse(String((await eventsFor("omit_done=1")).at(-1))), "choices")).toEqual([]);
});

describe("what one request can make the simulator hold is bounded", () => {
  const deep = { type: "array", minItems: 1e9, items: { type: "string", minLength: 1e9 } };
  const hostile = { type: "function", function: { name: "f", parameters: deep } };
  const cases: [name: string, body: object][] = [
    ["endless text", { model: "m?tokens=100000000" }],
    ["large tokens", { model: "m?tokens=33&token_bytes=1048576" }],
    ["many choices", { model: "m?tokens=20&token_bytes=1048576", n: 2 }],
    ["many calls of a hostile tool", { model: "m?parallel_tools=32", n: 128, tools: [hostile] }],
  ];
  test.each(cases)("%s: only as a stream", async (_name, body) => {
    const plain = await postChat(upstream, body);
    expect([plain.status, at(await plain.json(), "error", "param")]).toEqual([400, "stream"]);
    const abort = new AbortController();
    const stream = await postChat(upstream, { ...body, stream: true }, {}, abort.signal);
    const first = await stream.body?.getReader().read();
    abort.abort();
    expect([stream.status, first?.done]).toEqual([200, false]);
  });
});

test("stream_options can be refused, and only they", async () => {
  const body = { model: "sim-small?refuse_stream_options=1", stream: true };
  const refused = await postChat(upstream, { ...body, stream_options: { include_usage: true } });
  expect([refused.status, at(await refused.json(), "error", "param")]).toEqual([
    400,
    "stream_options",
  ]);
  expect((await postChat(upstream, body)).status).toBe(200);
});

test("the answer can name another model and fingerprint", async () => {
  const model = "sim-small?answer_model=gpt-4o-2024-08-06&fingerprint=fp_other";
  const answer = await jsonOf(postChat(upstream, { model }));
  expect([at(answer, "model"), at(answer, "system_fingerprint")]).toEqual([
    "gpt-4o-2024-08-06",
    "fp_other",
  ]);
});

test("the header's script wins over the model's, member by member, and over the server's", async () => {
  upstream.script("tokens=7&answer_model=server");
  const answer = await jsonOf(
    postChat(upstream, { model: "sim-large?tokens=3" }, { "x-sim-script": "prompt_tokens=1" }),
  );
  const header = await jsonOf(
    postChat(upstream, { model: "sim-large?tokens=3" }, { "x-sim-script": "tokens=5" }),
  );
  upstream.script("");
  expect([
    at(answer, "model"),
    at(answer, "usage", "prompt_tokens"),
    at(answer, "usage", "completion_tokens"),
    at(header, "usage", "completion_tokens"),
  ]).toEqual(["server", 1, 3, 5]);
  expect(() => upstream.script("speed=1")).toThrow("unknown member `speed`");
});
