/** Streams that break off after content: who goes on with them, what the client sees, what it costs. */
import { beforeEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import type { RouteRow } from "../../src/store/contract.ts";
import { chat, eventsOf, HELLO, type ChatReply } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { SHORT_MS, twoProvidersForFile } from "./two-providers.ts";

const { tollgate, tenantId, token, first, second, change, attemptsOf } =
  await twoProvidersForFile();
const client = new OpenAI({ baseURL: `${tollgate.url}/v1`, apiKey: token, maxRetries: 0 });

const BROKEN = { providerId: first.row.id, model: "sim-small", weight: 1, priority: 0 };
const ABLE = {
  providerId: second.row.id,
  model: "sim-large",
  weight: 1,
  priority: 1,
  continues: "prefix",
} as const;
const WHOLE = "lorem ipsum dolor sit amet";
const ASKED = { stream: true, stream_options: { include_usage: true } };

/** Above what any request here may cost, so that every hold is whole. */
const ROOM_NANO_USD = 1_000_000_000;
const capped = await tollgate.addToken(tenantId);
await tollgate.addBudget({
  scopeType: "token",
  scopeId: capped.row.id,
  tenantId,
  amountNanoUsd: ROOM_NANO_USD,
  onHoldReached: "stop",
});

/** Patient until the first content, which a busy machine brings late, and short between two words. */
const timeoutsMs = { ...first.row.timeoutsMs, first_byte: 10_000, idle: 3 * SHORT_MS };
beforeEach(() => change({ ...first.row, timeoutsMs }));

let routes = 0;

async function routeOver(
  targets: RouteRow["targets"] = [BROKEN, ABLE],
  retries: RouteRow["terms"]["retries"] = { continueStreams: true },
): Promise<string> {
  routes += 1;
  const terms = retries === undefined ? {} : { retries };
  return (await tollgate.addRoute(`continued-${routes}`, targets, { terms })).model;
}

/** What a second provider answers who was told what is there already. */
function restOf(text: string, more: object = {}): string {
  const labels = { id: "other", object: "chat.completion.chunk", created: 1, model: "other" };
  const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
  const events = [
    { choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] },
    { choices: [{ index: 0, delta: { content: text, ...more }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { choices: [], usage },
  ].map((chunk) => `data: ${JSON.stringify({ ...labels, ...chunk })}\n\n`);
  return `body=${encodeURIComponent(`${events.join("")}data: [DONE]\n\n`)}`;
}

type Chunk = {
  readonly id: string;
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  /** Absent in an error. */
  readonly choices?: readonly {
    readonly delta: { readonly role?: string; readonly content?: string };
    readonly finish_reason: string | null;
  }[];
};

function chunksOf({ text }: ChatReply): Chunk[] {
  return eventsOf(text)
    .filter((event) => event.startsWith("{"))
    .map((event) => JSON.parse(event));
}

function contentOf(reply: ChatReply): string {
  return chunksOf(reply)
    .map(({ choices }) => choices?.[0]?.delta.content ?? "")
    .join("");
}

/** The messages of the last request that a provider saw. */
function messagesSeen({ upstream }: typeof first): unknown[] {
  const { body } = upstream.requests().at(-1) ?? {};
  return JSON.parse(new TextDecoder().decode(body)).messages;
}

const TOKENS = ["lorem", " ipsum", " dolor", " sit", " amet"];

function checkOneStream(reply: ChatReply): void {
  const chunks = chunksOf(reply);
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  expect(chunks.flatMap(({ choices }) => choices?.[0]?.delta.role ?? [])).toEqual(["assistant"]);
  expect(chunks.flatMap(({ choices }) => choices?.[0]?.finish_reason ?? [])).toEqual(["stop"]);
  expect(chunks.filter(({ usage }) => (usage ?? null) !== null)).toHaveLength(1);
  expect(reply.text.match(/data: \[DONE\]/g)).toHaveLength(1);
}

describe("a stream that breaks off after content", () => {
  test.each([1, 2, 3, 4])(
    "is the stream that it would have been (after %d tokens)",
    async (count) => {
      first.upstream.script(`tokens=5&stall_after=${count}`);
      const soFar = TOKENS.slice(0, count).join("");
      second.upstream.script(restOf(TOKENS.slice(count).join("")));
      const reply = await chat(tollgate.url, {
        token,
        body: { model: await routeOver(), ...ASKED },
      });
      expect(contentOf(reply)).toBe(WHOLE);
      checkOneStream(reply);
      expect(reply.text.match(/: x-tollgate-continued: 1\n\n/g)).toHaveLength(1);
      expect(messagesSeen(second)).toEqual([
        ...HELLO,
        { role: "assistant", content: soFar, prefix: true },
      ]);
      const settled = { kind: "settle", status: 200, isFree: false };
      expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
        { model: "sim-small", ...settled, outcome: "timeout_idle", estimated: true },
        { model: "sim-large", ...settled, outcome: "ok", estimated: false },
      ]);
    },
  );

  test("goes on with exactly what the client has, at whatever byte it is cut", async () => {
    const model = await routeOver();
    second.upstream.script(restOf(" end"));
    let continuedCount = 0;
    for (let cutAt = 300; cutAt < 1_900; cutAt += 90) {
      first.upstream.script(`tokens=5&token_delay_ms=2&cut_at=${cutAt}`);
      const reply = await chat(tollgate.url, { token, body: { model, ...ASKED } });
      const last = messagesSeen(second).at(-1) as { role: string; content: string };
      // Cut before its first content it was asked for anew, as ever.
      const soFar = last.role === "assistant" ? last.content : "";
      continuedCount += soFar === "" ? 0 : 1;
      expect(WHOLE.startsWith(soFar)).toBe(true);
      expect(contentOf(reply)).toBe(`${soFar} end`);
      checkOneStream(reply);
    }
    expect(continuedCount).toBeGreaterThan(5);
  });

  test("tells one usage: the first one's input, everybody's output", async () => {
    first.upstream.script("tokens=50&token_delay_ms=5&cut_at=2500");
    second.upstream.script(restOf(" end"));
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    const [usage] = chunksOf(reply).flatMap((chunk) => chunk.usage ?? []);
    await attemptsOf(reply.headers.get("x-request-id"));
    const detail = await tollgate.store.requestDetail(reply.headers.get("x-request-id") ?? "");
    const [broken] = (detail?.attempts ?? []).flatMap(({ postings }) => postings);
    expect(usage).toMatchObject({
      prompt_tokens: broken?.inputTokens ?? 0,
      completion_tokens: (broken?.outputTokens ?? 0) + 2,
    });
    expect(broken?.outputTokens).toBeGreaterThan(0);
  });

  test("goes on under an official client without a word", async () => {
    first.upstream.script("tokens=50&token_delay_ms=5&cut_at=2500");
    second.upstream.script(restOf(" end"));
    const stream = await client.chat.completions.create({
      model: await routeOver(),
      messages: [{ role: "user", content: "Hi" }],
      stream: true,
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
    const texts = chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");
    expect(texts).toMatch(/^lorem .* end$/);
  });

  test.each([
    ["silence", "tokens=50&stall_after=5", "timeout_idle"],
    ["the provider's overload", "tokens=50&error_after=5", "error_event"],
  ])("so does one that ends in %s", async (_what, script, outcome) => {
    first.upstream.script(script);
    second.upstream.script(restOf(" end"));
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    expect(contentOf(reply)).toBe("lorem ipsum dolor sit amet end");
    expect(reply.text).not.toContain('"error"');
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome, isFree: false },
      { outcome: "ok" },
    ]);
  });

  test("is asked for with what is left of the output limit, in the way of the server", async () => {
    first.upstream.script("tokens=50&stall_after=5");
    second.upstream.script(restOf(" end"));
    const able = { ...ABLE, continues: "continue_final_message" } as const;
    const body = { model: await routeOver([BROKEN, able]), max_tokens: 40, ...ASKED };
    await chat(tollgate.url, { token, body });
    const seen = JSON.parse(new TextDecoder().decode(second.upstream.requests().at(-1)?.body));
    expect(seen).toMatchObject({ continue_final_message: true, add_generation_prompt: false });
    expect(seen.messages.at(-1)).toEqual({ role: "assistant", content: WHOLE });
    expect(seen.max_tokens).toBeLessThan(40);
    expect(seen.max_tokens).toBeGreaterThan(25);
  });

  test("may break off again, up to the route's attempts", async () => {
    first.upstream.script("tokens=50&stall_after=2");
    second.upstream.script("tokens=50&stall_after=3");
    await change({ ...second.row, timeoutsMs });
    const able = { ...BROKEN, continues: "prefix" } as const;
    const model = await routeOver([able, ABLE]);
    const reply = await chat(tollgate.url, { token, body: { model, ...ASKED } });
    expect(contentOf(reply)).toBe("lorem ipsumlorem ipsum dolorlorem ipsum");
    expect(messagesSeen(first).at(-1)).toMatchObject({ content: "lorem ipsumlorem ipsum dolor" });
    expect(JSON.parse(eventsOf(reply.text).at(-1) ?? "").error).toMatchObject({
      code: "upstream_timeout",
    });
    const outcomes = await attemptsOf(reply.headers.get("x-request-id"));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual([
      "timeout_idle",
      "timeout_idle",
      "timeout_idle",
    ]);
    await change(second.row);
  });

  test("what one provider is too slow for is gone on with by another, as slow as its own rule lets it be", async () => {
    const terms = { throughputMin: { tokensPerSecond: 20, overMs: 400 } };
    await change({ ...first.row, timeoutsMs: { ...timeoutsMs, idle: 10_000 }, terms });
    first.upstream.script("tokens=50&token_delay_ms=200");
    // No faster, but nobody has asked it to be.
    second.upstream.script("tokens=6&token_delay_ms=200");
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    checkOneStream(reply);
    expect(reply.text.match(/: x-tollgate-continued: 1\n\n/g)).toHaveLength(1);
    const settled = { kind: "settle", status: 200, isFree: false };
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toEqual([
      { model: "sim-small", ...settled, outcome: "throughput_too_low", estimated: true },
      { model: "sim-large", ...settled, outcome: "ok", estimated: false },
    ]);
    expect(first.upstream.stats()).toMatchObject({ requests: 1, closedEarly: 1 });
  });
});

describe("under a budget that ends streams at their hold", () => {
  test("a stream is gone on with all the same", async () => {
    first.upstream.script("tokens=5&stall_after=2");
    second.upstream.script(restOf(" dolor sit amet"));
    const body = { model: await routeOver(), ...ASKED };
    const reply = await chat(tollgate.url, { token: capped.token, body });
    expect(contentOf(reply)).toBe(WHOLE);
    checkOneStream(reply);
  });

  test("the attempt that goes on ends at its own hold, and both are paid for", async () => {
    first.upstream.script("tokens=50&stall_after=12");
    second.upstream.script("tokens=3000&token_delay_ms=5&ignore_max_tokens=1");
    const body = { model: await routeOver(), max_tokens: 40, ...ASKED };
    const reply = await chat(tollgate.url, { token: capped.token, body });
    expect(reply.text).toContain(": x-tollgate-stopped: hold_reached");
    const chunks = chunksOf(reply);
    expect(chunks.flatMap(({ choices }) => choices?.[0]?.finish_reason ?? [])).toEqual(["length"]);
    const attempts = await attemptsOf(reply.headers.get("x-request-id"));
    expect(attempts).toMatchObject([
      { outcome: "timeout_idle", isFree: false },
      { outcome: "hold_reached", isFree: false },
    ]);
    const detail = await tollgate.store.requestDetail(reply.headers.get("x-request-id") ?? "");
    const postings = (detail?.attempts ?? []).flatMap((one) => one.postings);
    const outputTokens = postings.reduce((sum, posting) => sum + posting.outputTokens, 0);
    const [usage] = chunks.flatMap((chunk) => chunk.usage ?? []);
    // By what was left of the limit, not by all of it.
    expect(postings[1]?.outputTokens).toBeLessThan(40);
    expect(usage).toMatchObject({
      prompt_tokens: postings[0]?.inputTokens ?? 0,
      completion_tokens: outputTokens,
    });
    for (const { attempt, postings: own } of detail?.attempts ?? []) {
      for (const { amountNanoUsd } of own) {
        expect(amountNanoUsd).toBeLessThanOrEqual(attempt.heldNanoUsd);
      }
    }
  });
});

describe("the client is told honestly, and nobody else is asked,", () => {
  const able = [BROKEN, ABLE];
  const on = { continueStreams: true };
  const format = { response_format: { type: "json_object" } };
  test.each([
    ["where the route does not want it", able, {}, {}],
    ["where no model can do it", [BROKEN, { ...BROKEN, priority: 1 }], on, {}],
    ["where the attempts are used up", able, { ...on, attemptsMax: 1 }, {}],
    ["where the answer has a format", able, on, format],
    ["of two answers at once", able, on, { n: 2 }],
    ["where the output limit is reached", able, on, { max_tokens: 5, user: "u" }],
  ])("%s", async (_what, targets, retries, more) => {
    const isFormatted = "response_format" in more;
    first.upstream.script(`tokens=50&ignore_max_tokens=1&stall_after=${isFormatted ? 1 : 8}`);
    const model = await routeOver(targets, retries);
    const reply = await chat(tollgate.url, { token, body: { model, ...ASKED, ...more } });
    expect(JSON.parse(eventsOf(reply.text).at(-1) ?? "").error).toMatchObject({
      code: "upstream_timeout",
    });
    expect(reply.text).not.toContain("[DONE]");
    expect(reply.text).not.toContain("x-tollgate-continued");
    expect(second.upstream.stats().requests).toBe(0);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome: "timeout_idle", isFree: false },
    ]);
  });

  test("of a tool call that breaks off", async () => {
    first.upstream.script("tool=1&tokens=50&stall_after=1");
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
    const body = { model: await routeOver(), tools, ...ASKED };
    const reply = await chat(tollgate.url, { token, body });
    expect(JSON.parse(eventsOf(reply.text).at(-1) ?? "").error).toBeDefined();
    expect(second.upstream.stats().requests).toBe(0);
  });
});

describe("where nobody can go on after all", () => {
  test("the provider's own error event comes as it came, once", async () => {
    first.upstream.script("tokens=50&error_after=5");
    second.upstream.script("status=500");
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    const errors = eventsOf(reply.text).filter((event) => event.includes('"error"'));
    expect(errors).toHaveLength(1);
    expect(eventsOf(reply.text).at(-1)).toBe(errors[0] ?? "");
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome: "error_event", isFree: false },
      { outcome: "status_500", isFree: false },
    ]);
  });

  test.each([
    ["fails", "status=500", 1],
    ["breaks off before content", "cut_at=10", 1],
    ["answers with something else", "body=%7B%7D&header=content-type%3Aapplication%2Fjson", 1],
  ])("ours comes: the other %s", async (_what, script, asked) => {
    first.upstream.script("tokens=50&stall_after=5");
    second.upstream.script(script);
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    expect(JSON.parse(eventsOf(reply.text).at(-1) ?? "").error).toMatchObject({
      code: "upstream_timeout",
    });
    expect(contentOf(reply)).toBe(WHOLE);
    expect(second.upstream.stats().requests).toBe(asked);
    const requestId = reply.headers.get("x-request-id") ?? "";
    expect(await attemptsOf(requestId)).toHaveLength(2);
    // The request has cost what its attempts have, each once.
    const detail = await tollgate.store.requestDetail(requestId);
    const paid = (detail?.attempts ?? []).flatMap(({ postings }) => postings);
    expect(detail?.request?.costNanoUsd).toBe(
      paid.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0),
    );
  });

  test("a client that leaves meanwhile pays for both, and nothing stays held", async () => {
    first.upstream.script("tokens=50&stall_after=5");
    second.upstream.script("hang=1");
    const controller = new AbortController();
    const { signal } = controller;
    const body = { model: await routeOver(), ...ASKED };
    const left = chat(tollgate.url, { token, body, signal }).catch((error: unknown) => error);
    await second.upstream.until(({ inFlight }) => inFlight === 1);
    controller.abort();
    await left;
    await second.upstream.until(({ closedEarly, inFlight }) => closedEarly === 1 && inFlight === 0);
    await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
    await tollgate.store.flush();
    const { rows } = await tollgate.store.requestPage({}, { limit: 1, cursor: null });
    expect(await attemptsOf(rows[0]?.id ?? null)).toMatchObject([
      { outcome: "timeout_idle", isFree: false },
      { outcome: "client_gone", isFree: false },
    ]);
  });

  test("how long it took to go on is no lack of throughput of the one who does", async () => {
    const terms = { throughputMin: { tokensPerSecond: 2, overMs: 1_000 } };
    await change({ ...first.row, terms });
    first.upstream.script("tokens=5&stall_after=3");
    second.upstream.script("tokens=6&headers_delay_ms=1200&token_delay_ms=150");
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    checkOneStream(reply);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome: "timeout_idle" },
      { outcome: "ok" },
    ]);
  });

  test("a stream that was too slow ends with its own clock where nobody goes on", async () => {
    const terms = { throughputMin: { tokensPerSecond: 20, overMs: 400 } };
    await change({ ...first.row, timeoutsMs: { ...timeoutsMs, idle: 10_000 }, terms });
    first.upstream.script("tokens=50&token_delay_ms=200");
    second.upstream.script("status=500");
    const reply = await chat(tollgate.url, { token, body: { model: await routeOver(), ...ASKED } });
    const { error } = JSON.parse(eventsOf(reply.text).at(-1) ?? "");
    expect([error.code, error.message]).toEqual([
      "upstream_timeout",
      expect.stringContaining("(clock: throughput)"),
    ]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome: "throughput_too_low", isFree: false },
      { outcome: "status_500", isFree: false },
    ]);
  });

  test("the client's deadline ends it with its own event", async () => {
    first.upstream.script("tokens=50&stall_after=5");
    second.upstream.script("hang=1");
    const reply = await chat(tollgate.url, {
      token,
      body: { model: await routeOver(), ...ASKED },
      headers: { "x-tollgate-timeout-ms": "1500" },
    });
    expect(JSON.parse(eventsOf(reply.text).at(-1) ?? "").error).toMatchObject({
      code: "upstream_timeout",
    });
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { outcome: "timeout_idle" },
      { outcome: "deadline", isFree: false },
    ]);
  });
});
