/**
 * The way out of a real process. Guaranteed: the first signal takes nothing new and lets everything
 * that runs end as if nothing had happened, a second one ends it within five seconds and tells every
 * client so, and either way all of it is settled, the file is whole, and the exit code is 0.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { chat, chatInit, errorOf, eventsOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import type { Upstream } from "../../bench/upstream/server.ts";
import { type Child, Stage } from "./harness.ts";
import { type AttemptSeen, breachesIn, readLedger } from "./ledger.ts";
import { furnish, NANO_PER_TOKEN } from "./operator.ts";

setDefaultTimeout(60_000);

const MODEL = { model: "steady/sim-small" };
const ORDERLY = { code: 0, signal: null };
/** What the contract allows a forced end. */
const FORCED_MS_MAX = 5_000;

type Scene = {
  readonly tollgate: Child;
  readonly url: string;
  readonly token: string;
  readonly upstream: Upstream;
  readonly dataDir: string;
};

async function scene(stage: Stage): Promise<Scene> {
  const upstream = await stage.upstream();
  const dataDir = stage.path("data");
  const tollgate = stage.serve(dataDir);
  const url = await tollgate.url();
  const { token } = await furnish(url, upstream.url);
  return { tollgate, url, token, upstream, dataDir };
}

/** A stream whose first event has come, and how it ends. */
async function startStream({ url, token }: Scene, script: string) {
  const body = { ...MODEL, stream: true };
  const answer = await fetch(`${url}/v1/chat/completions`, chatInit({ token, script, body }));
  const reader = answer.body?.getReader();
  if (reader === undefined) throw new Error("a stream without a body");
  const first = await reader.read();
  const rest = async (): Promise<readonly string[]> => {
    const decoder = new TextDecoder();
    let text = decoder.decode(first.value, { stream: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return eventsOf(text);
      text += decoder.decode(value, { stream: true });
    }
  };
  return { status: answer.status, events: rest() };
}

/** Signals again until it is taken for a second one: copies of the first are not counted. */
async function force(tollgate: Child, signal: NodeJS.Signals): Promise<void> {
  await tollgate.said(/drain\.started/, "err");
  await until(() => {
    if (tollgate.logged("drain.forced").length > 0) return true;
    tollgate.kill(signal);
    return false;
  });
}

/** How each attempt ended, in the order in which they were held. */
function endsOf(attempts: readonly AttemptSeen[]) {
  return attempts.map(({ postings }) =>
    postings.map(({ kind, outcome, estimated }) => `${kind} ${outcome} ${estimated}`).join(),
  );
}

describe.each(["SIGTERM", "SIGINT"] as const)("the first %s", (signal) => {
  test.concurrent("lets what runs end normally, takes nothing new, and exits with 0", async () => {
    await using stage = new Stage();
    const here = await scene(stage);
    const { tollgate, url, token, upstream, dataDir } = here;
    const stream = await startStream(here, "tokens=30&token_delay_ms=100");
    const plain = chat(url, { token, body: MODEL, script: "tokens=5&delay_ms=2500" });
    await upstream.until(({ requests }) => requests === 2);

    tollgate.kill(signal);
    await tollgate.said(/drain\.started/, "err");
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, "draining\n"]);
    const late = await chat(url, { token, body: MODEL });
    expect([late.status, errorOf(late), late.headers.get("x-tollgate-error")]).toEqual([
      503,
      {
        message: "The gateway is shutting down.",
        type: "server_error",
        code: "gateway_draining",
        param: null,
      },
      "gateway_draining",
    ]);
    expect(Number(late.headers.get("retry-after"))).toBeGreaterThan(0);

    const whole = await plain;
    expect([whole.status, JSON.parse(whole.text).usage.completion_tokens]).toEqual([200, 5]);
    const events = await stream.events;
    expect([stream.status, events.length, events.at(-1)]).toEqual([200, 30 + 3, "[DONE]"]);
    expect(await tollgate.ended()).toEqual(ORDERLY);
    expect(tollgate.logged("drain.forced")).toEqual([]);

    const ledger = readLedger(dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    expect(endsOf(ledger.attempts)).toEqual(["settle ok 0", "settle ok 0"]);
    const costs = upstream
      .requests()
      .map(
        ({ usage }) =>
          (usage?.promptTokens ?? 0) * NANO_PER_TOKEN.input +
          (usage?.completionTokens ?? 0) * NANO_PER_TOKEN.output,
      );
    expect(ledger.attempts.map(({ postings }) => postings[0]?.amountNanoUsd)).toEqual(costs);
    expect(ledger.requestIds.size).toBe(3);
  });

  test.concurrent("lets the very last answer reach its client whole", async () => {
    await using stage = new Stage();
    const { tollgate, url, token, upstream } = await scene(stage);
    const script = "tokens=500&token_bytes=2000&delay_ms=2500";
    const plain = chat(url, { token, body: MODEL, script });
    await upstream.until(({ requests }) => requests === 1);
    tollgate.kill(signal);
    const { status, text } = await plain;
    expect([status, JSON.parse(text).usage.completion_tokens]).toEqual([200, 500]);
    expect(await tollgate.ended()).toEqual(ORDERLY);
  });

  test.concurrent("counts once with its copy that comes at the same time", async () => {
    await using stage = new Stage();
    const here = await scene(stage);
    const stream = await startStream(here, "tokens=12&token_delay_ms=40");
    // Of two equal ones that wait the system would deliver one; these two arrive as copies do.
    here.tollgate.kill(signal);
    here.tollgate.kill(signal === "SIGINT" ? "SIGTERM" : "SIGINT");
    expect((await stream.events).at(-1)).toBe("[DONE]");
    expect(await here.tollgate.ended()).toEqual(ORDERLY);
  });
});

describe("a second signal", () => {
  test.concurrent("ends what still runs, tells every client so, and settles it", async () => {
    await using stage = new Stage();
    const here = await scene(stage);
    const { tollgate, url, token, upstream, dataDir } = here;
    const stream = await startStream(here, "tokens=9&stall_after=3");
    const plain = chat(url, { token, body: MODEL, script: "hang=1" });
    await upstream.until(({ requests }) => requests === 2);
    tollgate.kill("SIGTERM");
    await force(tollgate, "SIGTERM");

    const forcedMs = performance.now();
    const events = await stream.events;
    const { message, ...error } = JSON.parse(events.at(-1) ?? "").error;
    expect(error).toEqual({ type: "server_error", code: "gateway_draining", param: null });
    expect(message).toStartWith("The gateway is shutting down. The answer is incomplete (request");
    const ended = await plain;
    expect([ended.status, ended.headers.get("x-tollgate-error")]).toEqual([
      503,
      "gateway_draining",
    ]);
    expect(await tollgate.ended()).toEqual(ORDERLY);
    expect(performance.now() - forcedMs).toBeLessThan(FORCED_MS_MAX);

    const ledger = readLedger(dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    expect(endsOf(ledger.attempts)).toEqual(["settle draining 1", "settle draining 1"]);
    const [streamed, hung] = ledger.attempts.map(({ postings }) => postings[0]?.amountNanoUsd ?? 0);
    expect(streamed).toBeGreaterThanOrEqual(3 * NANO_PER_TOKEN.output);
    expect(hung).toBeGreaterThan(0);
  });

  test.concurrent("does not wait for a client that stopped reading", async () => {
    await using stage = new Stage();
    const here = await scene(stage);
    const { tollgate, url, token, upstream, dataDir } = here;
    const body = JSON.stringify({
      model: `${MODEL.model}?tokens=20000&token_bytes=4000`,
      stream: true,
      // More than the sockets between us take: the hold must not be what ends it.
      max_tokens: 4_000_000,
      messages: [{ role: "user", content: "go on and on" }],
    });
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    stage.later(() => void client.destroy());
    client.pause();
    client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    // Held back: the provider has written what the sockets between us take, and no more.
    let before = -1;
    await until(async () => {
      await Bun.sleep(100);
      const { bodyBytesSent = 0 } = upstream.requests()[0] ?? {};
      const isStuck = bodyBytesSent > 0 && bodyBytesSent === before;
      before = bodyBytesSent;
      return isStuck;
    });
    tollgate.kill("SIGTERM");
    await force(tollgate, "SIGTERM");
    const forcedMs = performance.now();
    expect(await tollgate.ended()).toEqual(ORDERLY);
    expect(performance.now() - forcedMs).toBeLessThan(FORCED_MS_MAX);
    const ledger = readLedger(dataDir);
    expect([breachesIn(ledger), ledger.openIds, endsOf(ledger.attempts)]).toEqual([
      [],
      [],
      ["settle draining 1"],
    ]);
  });
});

describe("a process at rest", () => {
  test.concurrent("exits at once, with connections open that say nothing", async () => {
    await using stage = new Stage();
    const { tollgate, url, token } = await scene(stage);
    // Leaves a connection that is kept alive behind it, beside one that never said anything.
    expect((await chat(url, { token, body: MODEL })).status).toBe(200);
    const silent = connect(Number(new URL(url).port), "127.0.0.1");
    await new Promise((resolve) => silent.once("connect", resolve));
    stage.later(() => void silent.destroy());
    expect(await tollgate.stop()).toEqual(ORDERLY);
    const [started, ended] = ["drain.started", "drain.ended"].map((event) =>
      Date.parse(JSON.parse(tollgate.logged(event)[0] ?? "{}").time),
    );
    expect((ended ?? Infinity) - (started ?? 0)).toBeLessThan(1_000);
  });

  test.concurrent("takes a signal that comes as soon as it says that it listens", async () => {
    await using stage = new Stage();
    const tollgate = stage.serve(stage.path("data"));
    await tollgate.url();
    expect(await tollgate.stop()).toEqual(ORDERLY);
  });
});
