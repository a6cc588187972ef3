/** The official `@anthropic-ai/sdk`: what works directly works through Tollgate, assertion by assertion. */
import Anthropic from "@anthropic-ai/sdk";
import { zodOutputFormat } from "@anthropic-ai/sdk/helpers/zod";
import { describe, expect, test } from "bun:test";
import { z } from "zod";
import {
  message as messageOf,
  OVERLOADED,
  PLAIN_TEXT,
  SEARCH_STREAM,
  sse,
  TEXT_STREAM,
  THINKING_TOOLS_STREAM,
  UNKNOWN_STREAM,
  upTo,
} from "../conformance/anthropic-answers.ts";
import { cutAt } from "../conformance/pieces.ts";
import {
  anthropicWorldsForFile,
  type AnthropicWorld,
  KEPT_MODEL,
  MODEL,
  plain,
  streamed,
} from "./anthropic-worlds.ts";
import { failureOf } from "./worlds.ts";

const { direct, each, expectAtRest, through } = await anthropicWorldsForFile();
const messages = [{ role: "user" as const, content: "Say something." }];
const asked = { model: MODEL, max_tokens: 64, messages };

function clientOf({ baseURL, apiKey }: AnthropicWorld): Anthropic {
  return new Anthropic({ baseURL, apiKey, maxRetries: 0 });
}

/** The events of a stream as the client parses them: pings are no events to it. */
function parsedOf(stream: string): unknown[] {
  const data = [...stream.matchAll(/^data: (.*)$/gm)].map(([, text]) => JSON.parse(text ?? ""));
  return data.filter(({ type }) => type !== "ping");
}

describe.each(each)("%s", (_name, world) => {
  const { upstream } = world;
  const client = clientOf(world);

  test("a plain message, its usage and its request id", async () => {
    upstream.answer(plain(PLAIN_TEXT));
    const message = await client.messages.create(asked);
    const { _request_id: requestId, ...body } = message;
    expect(body).toEqual(JSON.parse(PLAIN_TEXT));
    expect(requestId).toMatch(/^req_/);
  });

  test.each([
    ["text", TEXT_STREAM],
    ["thinking and tools", THINKING_TOOLS_STREAM],
    ["a search and its citations", SEARCH_STREAM],
    ["events that nobody knows", UNKNOWN_STREAM],
  ])("a stream of %s, cut anywhere, event for event", async (_what, answer) => {
    const places = Array.from({ length: 300 }, (_, place) => 7 * place);
    upstream.answer(streamed(cutAt(answer, places)));
    const events = await Array.fromAsync(await client.messages.create({ ...asked, stream: true }));
    expect(events as unknown[]).toEqual(parsedOf(answer));
  });

  test("a stream that the client's helper puts together", async () => {
    upstream.answer(streamed([THINKING_TOOLS_STREAM]));
    const message = await client.messages.stream(asked).finalMessage();
    expect(message).toMatchObject({
      content: [
        { type: "thinking", thinking: "Both cities are asked for.", signature: /^EqQB/ },
        { type: "redacted_thinking", data: "EmwKAhgBEgy3va3pzix" },
        { type: "text", text: "I look at both." },
        { type: "tool_use", name: "get_weather", input: { city: "Zürich" } },
        { type: "tool_use", name: "get_weather", input: { city: "東京" } },
      ].map((block) => expect.objectContaining(patternOf(block))),
      stop_reason: "tool_use",
      usage: { input_tokens: 472, cache_read_input_tokens: 2_000, output_tokens: 89 },
    });
  });

  test("structured output parses into its schema", async () => {
    const text = '{"city":"Zürich","days":3}';
    upstream.answer(plain(messageOf([{ type: "text", text }], "end_turn", { output_tokens: 12 })));
    const format = zodOutputFormat(z.object({ city: z.string(), days: z.number() }));
    const parsed = await client.messages.parse({ ...asked, output_config: { format } });
    expect(parsed.parsed_output).toEqual({ city: "Zürich", days: 3 });
  });

  test("betas, and the version of the client", async () => {
    upstream.answer(plain(PLAIN_TEXT));
    upstream.forget();
    await client.beta.messages.create({ ...asked, betas: ["aurora-2031-01-01"] });
    expect(upstream.seen.map(({ headers }) => headers)).toMatchObject([
      { "anthropic-beta": "aurora-2031-01-01", "anthropic-version": "2026-10-21" },
    ]);
  });

  test("tokens are counted", async () => {
    upstream.answer(plain('{"input_tokens":14}'));
    const counted = await client.messages.countTokens({ model: MODEL, messages });
    expect(counted.input_tokens).toBe(14);
  });

  test("models are listed and looked up", async () => {
    const model = {
      type: "model",
      id: MODEL,
      display_name: MODEL,
      created_at: "2026-11-29T00:00:00Z",
    };
    const list = { data: [model], has_more: false, first_id: MODEL, last_id: MODEL };
    upstream.answer(({ path }) =>
      plain(JSON.stringify(path.startsWith(`/v1/models/${MODEL}`) ? model : list)),
    );
    const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
    expect(ids).toContain(MODEL);
    const found = await client.models.retrieve(MODEL);
    expect(found).toMatchObject({ ...model, created_at: expect.stringMatching(/Z$/) });
  });

  test.each([
    [400, "invalid_request_error", Anthropic.BadRequestError],
    [403, "permission_error", Anthropic.PermissionDeniedError],
    [404, "not_found_error", Anthropic.NotFoundError],
    [413, "request_too_large", Anthropic.APIError],
  ])("the provider's %d raises with its words", async (status, type, raised) => {
    const body = { type: "error", error: { type, message: "No." }, request_id: "req_011" };
    upstream.answer(plain(JSON.stringify(body), status));
    const failure = await failureOf(client.messages.create(asked));
    expect(failure).toBeInstanceOf(raised);
    expect(failure).toMatchObject({ status, type, error: body, apiMessage: "No." });
  });

  test("an error event before content, and one after it, raise", async () => {
    for (const begun of ["", upTo(TEXT_STREAM, "Grüße")]) {
      const error = begun === "" ? OVERLOADED.replace("overloaded", "invalid_request") : OVERLOADED;
      upstream.answer(streamed([begun + sse([error])]));
      const failure = await failureOf(client.messages.stream(asked).finalMessage());
      expect(failure).toBeInstanceOf(Anthropic.APIError);
      expect(failure).toMatchObject({ error: JSON.parse(error) });
    }
  });

  test("a stream that is cut after its first words raises", async () => {
    const come = Promise.withResolvers<void>();
    upstream.answer(streamed([upTo(TEXT_STREAM, "Grüße"), come.promise], "cut"));
    const words: string[] = [];
    const stream = client.messages.stream(asked).on("text", (text) => {
      words.push(text);
      come.resolve();
    });
    const failure = await failureOf(stream.finalMessage());
    expect([words, failure]).toEqual([["Grüße"], expect.any(Anthropic.AnthropicError)]);
  });

  test("an abort mid-stream closes the provider's connection", async () => {
    upstream.answer(streamed([upTo(TEXT_STREAM, "Grüße")], "hang"));
    const stream = client.messages.stream(asked);
    stream.on("text", () => stream.abort());
    expect(await failureOf(stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError);
    await upstream.quiet();
  });

  test("comments before the first token and between tokens are passed over", async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const [early, late] = gates.map(({ promise }) => promise);
    const half = TEXT_STREAM.indexOf("Grüße");
    const pieces = [early, TEXT_STREAM.slice(0, half), late, TEXT_STREAM.slice(half)];
    upstream.answer(streamed(pieces.filter((piece) => piece !== undefined)));
    // Directly nobody speaks in the silence.
    if (world.name === "directly") for (const { resolve } of gates) resolve();
    let comments = 0;
    const watching = clientOf(world).withOptions({
      fetch: watchedFetch(": keep-alive", () => {
        gates[comments]?.resolve();
        comments += 1;
      }),
    });
    const message = await watching.messages.stream({ ...asked, model: KEPT_MODEL }).finalMessage();
    expect(message.content).toMatchObject([{ type: "text", text: "Grüße aus 東京 🙂" }]);
    expect(comments >= 2).toBe(world.name === "through Tollgate");
  });
});

/** A `fetch` that tells of every chunk with this text in it, before the client reads it. */
function watchedFetch(text: string, onText: () => void) {
  return async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    const watch = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        if (new TextDecoder().decode(chunk).includes(text)) onText();
        controller.enqueue(chunk);
      },
    });
    const { status, headers } = response;
    return new Response(response.body?.pipeThrough(watch) ?? null, { status, headers });
  };
}

/** Texts as they are, patterns as what matches them. */
function patternOf(block: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(block).map(([name, value]) => [
      name,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]),
  );
}

test("a conversation with thinking and tools has the same transcript, event for event", async () => {
  const transcripts = [];
  for (const world of [direct, through]) {
    world.upstream.forget();
    transcripts.push(await converse(clientOf(world), world));
  }
  const [past, relayed] = transcripts;
  expect(relayed).toEqual(past ?? { events: [], bodies: [] });
  expect(past?.events.map((turn) => turn.length)).toEqual(
    [THINKING_TOOLS_STREAM, SEARCH_STREAM, TEXT_STREAM].map((turn) => parsedOf(turn).length),
  );
});

/** Three turns: tools are called with thinking before, answered, and put into words after a search. */
async function converse(client: Anthropic, { upstream }: AnthropicWorld) {
  const turns = [THINKING_TOOLS_STREAM, SEARCH_STREAM, TEXT_STREAM];
  upstream.answer(() => streamed([turns[upstream.seen.length - 1] ?? ""]));
  const said: Anthropic.MessageParam[] = [{ role: "user", content: "How is the weather?" }];
  const events: Anthropic.MessageStreamEvent[][] = [];
  for (const _ of turns) {
    const stream = client.messages.stream({
      model: MODEL,
      max_tokens: 2_048,
      thinking: { type: "enabled", budget_tokens: 1_024 },
      tools: [
        { name: "get_weather", input_schema: { type: "object" } },
        { type: "web_search_20250305", name: "web_search", max_uses: 2 },
      ],
      messages: said,
    });
    events.push(await Array.fromAsync(stream));
    const { content, role } = await stream.finalMessage();
    said.push({ role, content: content as Anthropic.ContentBlockParam[] });
    const calls = content.filter(({ type }) => type === "tool_use") as Anthropic.ToolUseBlock[];
    const results = calls.map(({ id }) => {
      return { type: "tool_result" as const, tool_use_id: id, content: "sunny" };
    });
    said.push({ role: "user", content: results.length > 0 ? results : "And tomorrow?" });
  }
  const bodies = upstream.seen.map(({ body }) => {
    const { model: _model, ...rest } = JSON.parse(new TextDecoder().decode(body));
    return rest;
  });
  return { events, bodies };
}

test("everything was given back", expectAtRest);
