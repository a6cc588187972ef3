/**
 * Answers that take their time. Providers think for minutes before the first token and between two;
 * neither the HTTP server's idle timer nor any other may end an exchange for being silent. The timer
 * is shortened for this test and silence is three times as long, as it would be in life.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Upstream } from "../../bench/upstream/server.ts";
import { chat, eventsOf } from "../support/chat.ts";
import { type Child, MAIN, Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { furnish } from "./operator.ts";

setDefaultTimeout(60_000);

const SILENCE_MS = 12_000;
/** Preloaded into the gateway's process: the shortest idle timer that Bun has, and nothing else. */
const HASTY_TIMER = `
  const serve = Bun.serve;
  Bun.serve = (options) => serve({ ...options, idleTimeout: 4 });
`;

const stage = new Stage();
let upstream: Upstream;
let tollgate: Child;
let url = "";
let token = "";

beforeAll(async () => {
  upstream = await stage.upstream();
  const preload = stage.path("hasty-timer.js");
  writeFileSync(preload, HASTY_TIMER);
  const command = [process.execPath, "--preload", preload, MAIN];
  tollgate = stage.serve(stage.path("data"), { command });
  url = await tollgate.url();
  ({ token } = await furnish(url, upstream.url));
});

afterAll(async () => {
  try {
    expect(await tollgate.stop()).toEqual({ code: 0, signal: null });
    const ledger = readLedger(stage.path("data"));
    expect([breachesIn(ledger), ledger.openIds, ledger.attempts.length]).toEqual([[], [], 3]);
  } finally {
    await stage[Symbol.asyncDispose]();
  }
});

function ask(script: string, stream: boolean) {
  return chat(url, { token, body: { model: "steady/sim-small", stream }, script });
}

test.concurrent("a plain answer may take its time", async () => {
  const { status, text } = await ask(`tokens=3&delay_ms=${SILENCE_MS}`, false);
  expect([status, JSON.parse(text).usage.completion_tokens]).toEqual([200, 3]);
});

test.concurrent("a stream may be silent before its first token", async () => {
  const { status, text } = await ask(`tokens=3&first_token_delay_ms=${SILENCE_MS}`, true);
  expect([status, eventsOf(text).length, eventsOf(text).at(-1)]).toEqual([200, 6, "[DONE]"]);
});

test.concurrent("a stream may be silent between two tokens", async () => {
  const { status, text } = await ask(`tokens=2&token_delay_ms=${SILENCE_MS}`, true);
  expect([status, eventsOf(text).length, eventsOf(text).at(-1)]).toEqual([200, 5, "[DONE]"]);
});

test.concurrent("a sender that never ends its request is not waited for", async () => {
  const client = connect(Number(new URL(url).port), "127.0.0.1");
  const startedMs = performance.now();
  client.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
      "content-length: 100\r\n\r\n{",
  );
  await new Promise((resolve) => {
    client.once("close", resolve);
    client.resume();
  });
  expect(performance.now() - startedMs).toBeLessThan(SILENCE_MS);
});
