/**
 * Delays: nothing comes before its time, and what was sent before a wait is there during it. Upper
 * bounds are left to the benchmark, for a busy machine is not a failure.
 */

import { describe, expect, test } from "bun:test";
import { postChat, upstreamForFile } from "./harness.ts";
import { chatBody, converse, eventsOf, exchange } from "./raw-client.ts";

const upstream = await upstreamForFile();
const { port } = upstream;
const streamBody = { ...chatBody, stream: true };

async function lastedMs(script: string, body: object): Promise<number> {
  const startMs = performance.now();
  const answer = await exchange({ port, script, body });
  expect([answer.status, answer.isComplete]).toEqual([200, true]);
  return performance.now() - startMs;
}

describe("an answer takes as long as its script says", () => {
  const cases: [script: string, body: object, leastMs: number][] = [
    ["delay_ms=40", chatBody, 40],
    ["headers_delay_ms=40&delay_ms=1", chatBody, 40],
    ["headers_delay_ms=40", streamBody, 40],
    ["first_token_delay_ms=40", chatBody, 40],
    ["first_token_delay_ms=40", streamBody, 40],
    ["tokens=5&token_delay_ms=10", chatBody, 40],
    ["tokens=5&token_delay_ms=10", streamBody, 40],
    ["tokens=3&headers_delay_ms=15&first_token_delay_ms=15&token_delay_ms=5", streamBody, 40],
    ["tokens=3&headers_delay_ms=15&first_token_delay_ms=15&token_delay_ms=5", chatBody, 40],
    ["split_at=100&split_pause_ms=40", chatBody, 40],
  ];
  test.each(cases)("%s", async (script, body, leastMs) => {
    expect(await lastedMs(script, body)).toBeGreaterThanOrEqual(leastMs);
  });
});

test("headers leave at once and wait for the first token alone", async () => {
  const script = "first_token_delay_ms=60000";
  const conversation = await converse({ port, script, body: streamBody });
  const soFar = await conversation.until((answer) => answer.status === 200);
  expect([soFar.body.byteLength, soFar.isComplete]).toEqual([0, false]);
  conversation.close();
  await upstream.until((stats) => stats.closedEarly === 1);
  expect(upstream.requests()[0]).toMatchObject({ tokensGenerated: 0, status: 200 });
});

test("no header leaves before its delay", async () => {
  const conversation = await converse({ port, script: "headers_delay_ms=60000" });
  await upstream.until((stats) => stats.requestBytes > 0);
  conversation.close();
  expect((await conversation.answer).reads).toEqual([]);
  await upstream.until((stats) => stats.closedEarly === 1);
  expect(upstream.requests()[0]).toMatchObject({ status: 0, firstByteAtMs: undefined });
});

test("each token leaves in a write of its own when tokens are paced", async () => {
  const script = "tokens=4&token_delay_ms=15";
  const answer = await exchange({ port, script, body: streamBody });
  const events = eventsOf(answer.body);
  // Opening and first token; one each for the rest; the last with everything that ends the stream.
  expect([events.length, answer.chunks.length]).toEqual([7, 4]);
});

test("many paced streams run side by side, each complete", async () => {
  const body = { model: "sim-small?tokens=10&token_delay_ms=5", stream: true };
  const texts = await Promise.all(
    Array.from({ length: 200 }, async () => (await postChat(upstream, body)).text()),
  );
  expect(new Set(texts.map((text) => eventsOf(text).length))).toEqual(new Set([13]));
  const stats = await upstream.until(({ completed }) => completed === 200);
  expect([stats.tokensGenerated, stats.inFlight]).toEqual([2_000, 0]);
  expect(stats.inFlightMax).toBeGreaterThan(100);
});

test("a stream without delays leaves as one write", async () => {
  const answer = await exchange({ port, body: streamBody });
  expect(answer.chunks).toEqual([answer.body.byteLength]);
});

test("a large answer arrives whole and is complete, however often its reader lags", async () => {
  const model = "sim-small?tokens=800&token_bytes=20000";
  const events = eventsOf(await (await postChat(upstream, { model, stream: true })).text());
  expect([events.length, events.at(-1)]).toEqual([803, "[DONE]"]);
  const plain = await (await postChat(upstream, { model })).bytes();
  expect(plain.byteLength).toBeGreaterThan(16_000_000);
  expect((await upstream.until((stats) => stats.completed === 2)).inFlight).toBe(0);
});

test("nothing is generated any more once the client has gone", async () => {
  const script = "tokens=100000&token_delay_ms=1";
  const conversation = await converse({ port, script, body: streamBody });
  await conversation.until((answer) => eventsOf(answer.body).length > 3);
  conversation.close();
  await upstream.until((stats) => stats.closedEarly === 1);
  const generated = upstream.requests()[0]?.tokensGenerated;
  await exchange({ port, script: "tokens=20&token_delay_ms=1", body: streamBody });
  expect(upstream.requests()[0]?.tokensGenerated).toBe(Number(generated));
});

test("a slow reader stops the stream instead of filling memory", async () => {
  const script = "tokens=2000&token_bytes=20000";
  const conversation = await converse({ port, script, body: streamBody }, { paused: true });
  await upstream.until((stats) => stats.byStatus["200"] === 1);
  const [received] = upstream.requests();
  conversation.close();
  await upstream.until((stats) => stats.closedEarly === 1);
  expect(received?.tokensGenerated).toBeGreaterThan(0);
  expect(received?.tokensGenerated).toBeLessThan(2_000);
});
