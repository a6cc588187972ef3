/**
 * Comments on silent streams: what the client hears while nothing comes, what becomes of a failure after the
 * stream was begun for its sake, and that a comment is never taken for anything else.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { chat, chatInit, errorOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import { twoProvidersForFile } from "./two-providers.ts";

const { tollgate, token, first, second, change, attemptsOf } = await twoProvidersForFile();
const COMMENT = ": keep-alive";
const KEEP_ALIVE_MS = 100;
const LATE = `first_token_delay_ms=${4 * KEEP_ALIVE_MS}`;

beforeAll(async () => {
  const targets = [first, second].map(({ row }, priority) => ({
    providerId: row.id,
    model: priority === 0 ? "sim-small" : "sim-large",
    weight: 1,
    priority,
  }));
  const terms = { keepAliveMs: KEEP_ALIVE_MS };
  await tollgate.addRoute("kept", targets, { terms });
  await tollgate.addRoute("kept-alone", targets.slice(0, 1), { terms });
  await tollgate.addRoute("silent", targets.slice(0, 1), { terms: { keepAliveMs: 0 } });
});

/** The first provider with its clocks far away. */
const patient = (): Promise<void> => change({ ...first.row, timeoutsMs: second.row.timeoutsMs });

const ask = (model: string, more: object = {}) =>
  chat(tollgate.url, { token, body: { model, stream: true }, ...more });

/** Whole events: comments by themselves, data parsed. */
function eventsOf(text: string): readonly unknown[] {
  expect(text).toEndWith("\n\n");
  return text
    .slice(0, -2)
    .split("\n\n")
    .map((event) => {
      if (event.startsWith(":")) return event;
      const data = event.slice("data: ".length);
      return data === "[DONE]" ? data : JSON.parse(data);
    });
}

/** Without what differs from one answer to the next. */
const withoutIds = (text: string): string => text.replaceAll(/"(?:id|created)":[^,]+,/g, "");

async function rowOf(requestId: string | null) {
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  await tollgate.store.flush();
  return (await tollgate.store.requestDetail(requestId ?? ""))?.request;
}

describe("before the first content", () => {
  test("the stream is begun after the silence, and the answer follows as it came", async () => {
    await patient();
    first.upstream.script(`tokens=3&${LATE}`);
    const reply = await ask("kept");
    const events = eventsOf(reply.text);
    const comments = events.filter((event) => event === COMMENT);
    expect(reply.status).toBe(200);
    expect(comments.length).toBeGreaterThanOrEqual(2);
    expect(events.slice(0, comments.length)).toEqual(comments);
    expect(events.at(-1)).toBe("[DONE]");
    expect(first.upstream.stats().requests).toBe(1);
    const row = await rowOf(reply.headers.get("x-request-id"));
    // A comment is no content: the first token is as late as it was.
    expect(row?.firstTokenMs).toBeGreaterThanOrEqual(3.9 * KEEP_ALIVE_MS);
    expect(row).toMatchObject({ status: 200, errorCode: null, attemptNotes: null });
  });

  test("its headers name the request, and nobody who may still be replaced", async () => {
    await patient();
    first.upstream.script(`tokens=3&${LATE}`);
    const { headers } = await ask("kept");
    expect(headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(headers.get("x-request-id")).toStartWith("req_");
    expect(headers.has("x-ratelimit-remaining-requests")).toBe(true);
    const names = ["x-tollgate-provider", "x-tollgate-model", "x-tollgate-attempts"];
    expect(names.map((name) => headers.has(name))).toEqual([false, false, false]);
  });

  test("attempts and failovers go on behind it", async () => {
    const timeoutsMs = { ...second.row.timeoutsMs, first_byte: 3 * KEEP_ALIVE_MS };
    await change({ ...first.row, timeoutsMs });
    first.upstream.script("hang=1");
    second.upstream.script("tokens=3");
    const reply = await ask("kept");
    const events = eventsOf(reply.text);
    expect([events[0], events.at(-1)]).toEqual([COMMENT, "[DONE]"]);
    expect(await attemptsOf(reply.headers.get("x-request-id"))).toMatchObject([
      { model: "sim-small", outcome: "timeout_first_byte" },
      { model: "sim-large", outcome: "ok" },
    ]);
    const row = await rowOf(reply.headers.get("x-request-id"));
    expect(row).toMatchObject({ status: 200, provider: "second", attemptCount: 2 });
  });

  test("a failure of our own word comes as an event", async () => {
    const timeoutsMs = { ...second.row.timeoutsMs, total: 3 * KEEP_ALIVE_MS };
    await change({ ...first.row, timeoutsMs });
    first.upstream.script("hang=1");
    const reply = await ask("kept-alone");
    const events = eventsOf(reply.text);
    expect([reply.status, events[0]]).toEqual([200, COMMENT]);
    expect(events.at(-1)).toMatchObject({ error: { code: "upstream_timeout" } });
    expect(reply.text).not.toContain("[DONE]");
    const row = await rowOf(reply.headers.get("x-request-id"));
    expect(row).toMatchObject({ status: 200, errorCode: "upstream_timeout" });
  });

  test.each([
    ["of its shape", '{"error":{"message":"Bad.","code":null},"odd":1.50}', { odd: 1.5 }],
    ["in a list", '[{"error":{"message":"Bad.","status":"X"}}]', { error: { status: "X" } }],
    ["of another shape", "<html>", { error: { code: "upstream_error" } }],
  ])("a refusal %s comes as an event", async (_what, body, told) => {
    await patient();
    const delay = `headers_delay_ms=${3 * KEEP_ALIVE_MS}`;
    first.upstream.script(`status=400&${delay}&body=${encodeURIComponent(body)}`);
    const reply = await ask("kept");
    const events = eventsOf(reply.text);
    expect([reply.status, events[0]]).toEqual([200, COMMENT]);
    expect(events.at(-1)).toMatchObject(told);
    const row = await rowOf(reply.headers.get("x-request-id"));
    expect(row).toMatchObject({ status: 200, errorCode: "upstream_error" });
  });

  test("an answer that is no stream comes as an error, because nobody could read it", async () => {
    await patient();
    first.upstream.script(
      `headers_delay_ms=${3 * KEEP_ALIVE_MS}&body=%7B%22choices%22%3A%5B%5D%7D`,
    );
    const reply = await ask("kept");
    expect(eventsOf(reply.text).at(-1)).toMatchObject({ error: { code: "upstream_error" } });
  });

  test("until the silence is over, a failure has its own status", async () => {
    first.upstream.script("status=400");
    expect((await ask("kept")).status).toBe(400);
  });

  test("a plain answer gets none, however late it is", async () => {
    await patient();
    first.upstream.script(`tokens=3&${LATE}`);
    const reply = await chat(tollgate.url, { token, body: { model: "kept" } });
    expect(JSON.parse(reply.text).choices).toHaveLength(1);
  });

  test("a route can do without", async () => {
    await patient();
    first.upstream.script(`tokens=3&${LATE}`);
    const reply = await ask("silent");
    expect(reply.text).not.toContain(COMMENT);
    expect(reply.headers.get("x-tollgate-provider")).toBe("first");
  });

  test("a client that leaves meanwhile ends the attempt", async () => {
    await patient();
    first.upstream.script("hang=1");
    const controller = new AbortController();
    const init = chatInit({
      token,
      body: { model: "kept", stream: true },
      signal: controller.signal,
    });
    const response = await fetch(`${tollgate.url}/v1/chat/completions`, init);
    const read = await response.body?.getReader().read();
    expect(new TextDecoder().decode(read?.value)).toBe(`${COMMENT}\n\n`);
    controller.abort();
    await first.upstream.until(({ closedEarly }) => closedEarly === 1);
    const row = await rowOf(response.headers.get("x-request-id"));
    expect(row).toMatchObject({ status: 499, clientGone: true });
    expect(tollgate.gateway.watchdog.armedCount()).toBe(0);
  });

  test.each([
    ["an answer", `tokens=3&${LATE}`, "[DONE]", null],
    [
      "a failure",
      `status=400&headers_delay_ms=${3 * KEEP_ALIVE_MS}&body=%7B%22error%22%3A%7B%7D%7D`,
      { error: {} },
      "upstream_error",
    ],
  ])("%s that several clients share comes to each of them", async (what, script, last, code) => {
    await patient();
    first.upstream.script(script);
    const headers = { "idempotency-key": `kept-${what}` };
    const replies = await Promise.all([ask("kept", { headers }), ask("kept", { headers })]);
    for (const reply of replies) {
      const events = eventsOf(reply.text);
      expect([reply.status, events[0]]).toEqual([200, COMMENT]);
      expect(events.at(-1)).toEqual(last);
      const row = await rowOf(reply.headers.get("x-request-id"));
      expect(row).toMatchObject({ status: 200, errorCode: code });
    }
    expect(first.upstream.stats().requests).toBe(1);
  });

  test("the time that the client gave ends it with an event", async () => {
    await patient();
    first.upstream.script("hang=1");
    const reply = await ask("kept", {
      headers: { "x-tollgate-timeout-ms": String(3 * KEEP_ALIVE_MS) },
    });
    expect(eventsOf(reply.text).at(-1)).toMatchObject({ error: { code: "upstream_timeout" } });
  });
});

describe("after the first content", () => {
  test("a comment stands between two events, never within one", async () => {
    await patient();
    // The provider stops in the middle of an event, then between two.
    const pause = `split_pause_ms=${3 * KEEP_ALIVE_MS}`;
    first.upstream.script(`tokens=4&split_at=700&${pause}`);
    const reply = await ask("kept");
    const events = eventsOf(reply.text);
    expect(events.filter((event) => event === COMMENT).length).toBeGreaterThanOrEqual(1);
    expect(events.at(-1)).toBe("[DONE]");
    expect(reply.headers.get("x-tollgate-provider")).toBe("first");
    // Without the comments it is what the provider sent.
    first.upstream.script("tokens=4");
    const plain = await ask("silent");
    expect(withoutIds(reply.text.replaceAll(`${COMMENT}\n\n`, ""))).toBe(withoutIds(plain.text));
  });

  test("it keeps no clock of the provider's from firing", async () => {
    const timeoutsMs = { ...second.row.timeoutsMs, idle: 3 * KEEP_ALIVE_MS };
    await change({ ...first.row, timeoutsMs });
    first.upstream.script("tokens=9&stall_after=2");
    const reply = await ask("kept");
    const events = eventsOf(reply.text);
    expect(events).toContain(COMMENT);
    expect(events.at(-1)).toMatchObject({ error: { code: "upstream_timeout" } });
  });

  test("a stream that has something to say needs none", async () => {
    await patient();
    first.upstream.script(`tokens=9&token_delay_ms=${KEEP_ALIVE_MS / 4}`);
    const reply = await ask("kept");
    expect(reply.text).not.toContain(COMMENT);
  });
});

test("a refusal before the first attempt has its own status, whatever the route says", async () => {
  const reply = await chat(tollgate.url, {
    token: "sk-tg-nobody",
    body: { model: "kept", stream: true },
  });
  expect(reply.status).toBe(401);
  expect(errorOf(reply)).toMatchObject({ code: "invalid_api_key" });
});
