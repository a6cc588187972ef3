/**
 * Shared answers of real processes that die or go. Guaranteed: killed while many wait for one answer,
 * the next process sends nothing a second time and says so; an answer that a client has got under a
 * key is there after a kill; and the way out lets everybody who shares a stream have all of it.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Database } from "bun:sqlite";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { chat, chatInit, errorOf, eventsOf } from "../support/chat.ts";
import { until } from "../support/until.ts";
import type { Upstream } from "../../bench/upstream/server.ts";
import { type Child, Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { furnish } from "./operator.ts";

setDefaultTimeout(120_000);

const MANY = 200;
const MODEL = { model: "steady/sim-small" };
const HEADERS = { "idempotency-key": "one for all" };

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

async function inFlight(url: string): Promise<number> {
  const health: unknown = await (await fetch(`${url}/health`)).json();
  return Number(Object(health).in_flight);
}

test.each([
  ["plain", {}, "tokens=5&delay_ms=60000"],
  ["streams", { stream: true }, "tokens=600&token_delay_ms=100"],
] as const)(
  `killed while ${MANY} wait for one answer (%s), nothing is sent twice`,
  async (...row) => {
    const [, members, script] = row;
    await using stage = new Stage();
    const { tollgate, url, token, upstream, dataDir } = await scene(stage);
    const options = { token, headers: HEADERS, body: { ...MODEL, ...members }, script };
    const waiting = Array.from({ length: MANY }, () =>
      chat(url, options).then(
        ({ status }) => status,
        () => "cut",
      ),
    );
    await upstream.until(({ requests }) => requests === 1);
    await until(async () => (await inFlight(url)) >= MANY, 20_000);
    tollgate.kill("SIGKILL");
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["cut"]));
    await tollgate.ended();

    const next = stage.serve(dataDir);
    const nextUrl = await next.url();
    const again = await Promise.all(Array.from({ length: 20 }, () => chat(nextUrl, options)));
    for (const reply of again) {
      expect([reply.status, Object(errorOf(reply)).code]).toEqual([409, "idempotency_interrupted"]);
      expect(Object(errorOf(reply)).message).toMatch(/\(req_[0-9a-f]{32}\)/);
      expect(reply.headers.get("x-should-retry")).toBe("false");
    }
    expect(upstream.stats().requests).toBe(1);
    await next.stop();
    const ledger = readLedger(dataDir);
    expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
    expect(ledger.attempts.map(({ postings }) => postings.map(({ kind }) => kind))).toEqual([
      ["expire"],
    ]);
  },
);

test.each([{}, { stream: true }])(
  "an answer to %j that was got survives a kill, sealed",
  async (members) => {
    await using stage = new Stage();
    const { tollgate, url, token, upstream, dataDir } = await scene(stage);
    const options = {
      token,
      headers: HEADERS,
      body: { ...MODEL, ...members },
      script: "tokens=200",
    };
    const first = await chat(url, options);
    tollgate.kill("SIGKILL");
    await tollgate.ended();
    const words = first.text.match(/"content":"([^"]{12,})/)?.[1];
    for (const name of ["tollgate.db", "tollgate.db-wal"]) {
      const copy = stage.path(`copy-${name}`);
      cpSync(join(dataDir, name), copy);
      const file = Buffer.from(await Bun.file(copy).arrayBuffer());
      if (words !== undefined) expect(file.includes(words)).toBe(false);
      expect(file.includes("[DONE]")).toBe(false);
    }

    const next = stage.serve(dataDir);
    const again = await chat(await next.url(), options);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("x-tollgate-idempotency")).toBe("replayed");
    expect(upstream.stats().requests).toBe(1);
    await next.stop();
    const database = new Database(join(dataDir, "tollgate.db"), { readonly: true });
    const rows = database.query(
      "select status, length(body_sealed) > 0 sealed from idempotency_keys",
    );
    expect(rows.all()).toEqual([{ status: 200, sealed: 1 }]);
    database.close();
  },
);

test("the way out lets all who share a stream have the whole of it", async () => {
  await using stage = new Stage();
  const { tollgate, url, token, upstream, dataDir } = await scene(stage);
  const body = { ...MODEL, stream: true };
  const options = { token, headers: HEADERS, body, script: "tokens=30&token_delay_ms=100" };
  const whole = Array.from({ length: 20 }, () => chat(url, options));
  const controller = new AbortController();
  const leaver = fetch(
    `${url}/v1/chat/completions`,
    chatInit({ ...options, signal: controller.signal }),
  );
  await upstream.until(({ requests }) => requests === 1);
  await until(async () => (await inFlight(url)) >= 21);
  await leaver;
  controller.abort();
  tollgate.kill("SIGTERM");
  const replies = await Promise.all(whole);
  expect(new Set(replies.map(({ text }) => eventsOf(text).at(-1)))).toEqual(new Set(["[DONE]"]));
  expect(await tollgate.ended()).toEqual({ code: 0, signal: null });
  const ledger = readLedger(dataDir);
  expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
  expect(ledger.attempts).toHaveLength(1);
  expect(ledger.requestIds.size).toBe(21);
});
