/**
 * What goes wrong when a script says so, as a plain socket and a fetch client see it.
 */

import { describe, expect, test } from "bun:test";
import { at, jsonOf, postChat, upstreamForFile } from "./harness.ts";
import { chatBody, converse, eventsOf, exchange, masked } from "./raw-client.ts";

const upstream = await upstreamForFile();
const { port } = upstream;
const streamBody = { ...chatBody, stream: true };

const forms: [name: string, body: object][] = [
  ["stream", streamBody],
  ["plain answer", chatBody],
];

describe.each(forms)("a %s", (name, body) => {
  test("is cut at exactly every byte, and never ends properly", async () => {
    const script = "tokens=1&unicode=1";
    const whole = await exchange({ port, script, body });
    expect(whole.isComplete).toBe(true);
    const length = whole.body.byteLength;
    // All of a plain answer is complete by its announced length; a stream lacks its last chunk.
    const cuts = name === "stream" ? length + 1 : length;
    for (let cutAt = 0; cutAt < cuts; cutAt += 1) {
      const cut = await exchange({ port, script: `${script}&cut_at=${cutAt}`, body });
      expect([cut.status, cut.body.byteLength, cut.isComplete]).toEqual([200, cutAt, false]);
      const prefix = masked(whole.body).slice(0, Math.max(0, cutAt - 21));
      expect(masked(cut.body).startsWith(prefix)).toBe(true);
    }
    const { cut, completed } = await upstream.until((stats) => stats.inFlight === 0);
    expect([cut, completed]).toEqual([cuts, 1]);
  });

  test("fails for a fetch client wherever it is cut", async () => {
    const whole = await exchange({ port, script: "tokens=2", body });
    for (let cutAt = 0; cutAt < whole.body.byteLength; cutAt += 7) {
      const headers = { "x-sim-script": `tokens=2&cut_at=${cutAt}` };
      const outcome = await postChat(upstream, body, headers)
        .then((response) => response.text())
        .catch((error: unknown) => at(error, "code"));
      expect(outcome).toBe("ECONNRESET");
    }
  });

  test("is whole when the cut lies beyond its end", async () => {
    const answer = await exchange({ port, script: "tokens=1&cut_at=100000", body });
    expect(answer.isComplete).toBe(true);
    expect((await upstream.until((stats) => stats.inFlight === 0)).cut).toBe(0);
  });

  test("is split after the byte asked for, with a pause between two network reads", async () => {
    const whole = await exchange({ port, script: "tokens=1", body });
    for (const splitAt of [1, 2, 300, whole.body.byteLength - 1]) {
      const split = await exchange({
        port,
        script: `tokens=1&split_pause_ms=20&split_at=${splitAt}`,
        body,
      });
      expect(masked(split.body)).toBe(masked(whole.body));
      // Nothing of the second part may have come with the first read.
      const firstRead = split.reads[0] ?? 0;
      const wholeRead = whole.reads[0] ?? 0;
      expect([split.reads.length > 1, split.isComplete]).toEqual([true, true]);
      expect(wholeRead - firstRead).toBeGreaterThanOrEqual(whole.body.byteLength - splitAt - 16);
    }
  });

  test("is sent in pieces of the size asked for", async () => {
    const whole = await exchange({ port, script: "tokens=1", body });
    const pieces = await exchange({ port, script: "tokens=1&split_every=64", body });
    expect([masked(pieces.body), pieces.isComplete]).toEqual([masked(whole.body), true]);
    expect(pieces.reads.length).toBeGreaterThan(1);
    if (name === "stream") {
      const last = whole.body.byteLength % 64;
      const full = Array.from({ length: Math.floor(whole.body.byteLength / 64) }, () => 64);
      expect(pieces.chunks).toEqual(last === 0 ? full : [...full, last]);
    }
  });

  test("can be split byte by byte and cut on the way", async () => {
    const script = "tokens=1&split_every=1&cut_at=200";
    const answer = await exchange({ port, script, body });
    expect([answer.body.byteLength, answer.isComplete]).toEqual([200, false]);
  });

  test("of megabytes is cut at exactly the byte asked for, though the client reads late", async () => {
    const script = "tokens=80&token_bytes=100000&cut_at=7654321";
    const answer = await exchange({ port, script, body });
    expect([answer.body.byteLength, answer.isComplete]).toEqual([7_654_321, false]);
  });

  test("can be reset before its first byte", async () => {
    const answer = await exchange({ port, script: "connection_reset=1", body });
    expect([answer.status, answer.reads]).toEqual([0, []]);
    const refused = postChat(upstream, body, { "x-sim-script": "connection_reset=1" });
    expect(await refused.catch((error: unknown) => at(error, "code"))).toBe("ECONNRESET");
  });

  test("can hang without a byte until the client goes", async () => {
    const conversation = await converse({ port, script: "hang=1", body });
    await upstream.until((stats) => stats.requestBytes > 0);
    expect(upstream.stats()).toMatchObject({ inFlight: 1, byStatus: {} });
    conversation.close();
    expect((await conversation.answer).reads).toEqual([]);
    const { closedEarly, inFlight } = await upstream.until((stats) => stats.closedEarly > 0);
    expect([closedEarly, inFlight]).toEqual([1, 0]);
  });
});

test("a stream stalls after its tokens and keeps the connection", async () => {
  const script = "tokens=9&stall_after=2";
  const conversation = await converse({ port, script, body: streamBody });
  const soFar = await conversation.until((answer) => eventsOf(answer.body).length === 3);
  expect([soFar.isComplete, upstream.stats().inFlight]).toEqual([false, 1]);
  conversation.close();
  await upstream.until((stats) => stats.closedEarly === 1);
  expect(upstream.requests()[0]).toMatchObject({ tokensGenerated: 2, isClosedEarly: true });
});

test("a plain answer stalls after its bytes", async () => {
  for (const bytes of [0, 17]) {
    const conversation = await converse({ port, script: `stall_after=${bytes}` });
    const soFar = await conversation.until(
      (answer) => answer.status === 200 && answer.body.byteLength === bytes,
    );
    expect([soFar.isComplete, soFar.chunks[0] === bytes]).toEqual([false, false]);
    conversation.close();
  }
  await upstream.until((stats) => stats.closedEarly === 2);
});

test("a stream can end with an error event and without [DONE]", async () => {
  const answer = await exchange({ port, script: "tokens=5&error_after=2", body: streamBody });
  const events = eventsOf(answer.body).map((event): unknown => JSON.parse(event));
  expect([answer.isComplete, events.length]).toEqual([true, 4]);
  expect(at(events.at(-1), "error", "type")).toBe("server_error");
});

test("a body can be undecodable", async () => {
  for (const [, body] of forms) {
    const answer = await exchange({ port, script: "garbage=1&status=201", body });
    expect([answer.status, answer.isComplete]).toEqual([201, true]);
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(answer.body)).toThrow();
    expect(() => JSON.parse(answer.body.toString().replace(/^data: /u, ""))).toThrow();
  }
});

test("an unknown path is an OpenAI error", async () => {
  const response = await fetch(`${upstream.url}/v1/nothing?x=1`);
  expect([response.status, await jsonOf(response)]).toEqual([
    404,
    {
      error: {
        message: "Unknown request URL: GET /v1/nothing. Please check the URL for typos.",
        type: "invalid_request_error",
        param: null,
        code: "unknown_url",
      },
    },
  ]);
});
