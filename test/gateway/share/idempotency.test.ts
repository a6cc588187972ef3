/**
 * Idempotency-Key: however many come with one key and body, and whenever, one is executed and all get
 * its answer, under ids and rows of their own; another body is refused, and what failed is free again.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ChatReply } from "../../support/chat.ts";
import { errorOf } from "../../support/chat.ts";
import { freshProvider } from "../../support/fresh-provider.ts";
import { idOf, startScene, type Scene } from "./scene.ts";

const MANY = 200;

let scene: Scene;
let key: string;
let keys = 0;

beforeAll(async () => {
  scene = await startScene();
});

beforeEach(() => {
  scene.tollgate.upstream.reset();
  keys += 1;
  key = `key ${keys}`;
});

afterAll(() => scene.tollgate.stop());

const keyed = (headers: Readonly<Record<string, string>> = {}) => ({
  headers: { "idempotency-key": key, ...headers },
});

const wayOf = ({ headers }: ChatReply) => headers.get("x-tollgate-idempotency");

describe.each([
  ["plain", {}, "tokens=8&delay_ms=300"],
  ["stream", { stream: true }, "tokens=8&token_delay_ms=40"],
] as const)("%s answers", (_, body, script) => {
  test(`${MANY} arrivals at once are one execution, and all get its bytes`, async () => {
    const options = { ...keyed(), body, script };
    const replies = await Promise.all(Array.from({ length: MANY }, () => scene.ask(options)));
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(replies.map(({ text }) => text)).size).toBe(1);
    expect(new Set(replies.map(idOf)).size).toBe(MANY);
    const firsts = replies.filter((reply) => wayOf(reply) === null);
    expect(firsts).toHaveLength(1);
    const [first] = firsts;
    const attached = replies.filter((reply) => wayOf(reply) === "attached");
    expect(attached).toHaveLength(MANY - 1);
    if (first === undefined) return;
    expect((await scene.rowOf(first)).request).toMatchObject({ attemptCount: 1, answeredBy: null });
    for (const reply of attached) {
      const { request, attempts } = await scene.rowOf(reply);
      expect(request).toMatchObject({
        status: 200,
        attemptCount: 0,
        costNanoUsd: 0,
        answeredBy: idOf(first),
        route: "small",
        provider: "upstream",
        stream: "stream" in body,
        errorCode: null,
      });
      expect(attempts).toEqual([]);
    }
    await scene.expectRest();
  });

  test("later ones get the kept answer, with its headers and an id of their own", async () => {
    const first = await scene.ask({ ...keyed(), body, script });
    const again = await scene.ask({ ...keyed(), body, script });
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
    expect([again.status, again.text, wayOf(again)]).toEqual([200, first.text, "replayed"]);
    const apart =
      /^(?:date|x-request-id|x-ratelimit-.*|x-tollgate-idempotency|content-length|transfer-encoding)$/;
    const same = ({ headers }: ChatReply) => [...headers].filter(([name]) => !apart.test(name));
    expect(same(again)).toEqual(same(first));
    expect(idOf(again)).not.toBe(idOf(first));
    expect((await scene.rowOf(again)).request).toMatchObject({
      status: 200,
      attemptCount: 0,
      costNanoUsd: 0,
      answeredBy: idOf(first),
      provider: "upstream",
      model: "sim-small",
    });
    await scene.expectRest();
  });

  test("the first one's client leaves, and the answer is there for the one that comes again", async () => {
    const leaving = new AbortController();
    const gone = scene
      .ask({ ...keyed(), body, script, signal: leaving.signal })
      .catch(() => "gone");
    await scene.tollgate.upstream.until(({ requests }) => requests === 1);
    leaving.abort();
    expect(await gone).toBe("gone");
    const again = await scene.ask({ ...keyed(), body, script });
    expect([again.status, wayOf(again)]).toEqual([200, "attached"]);
    expect(again.text).toContain("stream" in body ? "[DONE]" : '"usage"');
    const { request, attempts } = await scene.rowOf({
      headers: new Headers({
        "x-request-id": (await scene.rowOf(again)).request?.answeredBy ?? "",
      }),
    });
    expect(request).toMatchObject({ status: 200, clientGone: true, attemptCount: 1 });
    expect(attempts).toMatchObject([{ postings: [{ kind: "settle", outcome: "ok" }] }]);
    expect(scene.tollgate.upstream.stats()).toMatchObject({ requests: 1, closedEarly: 0 });
    await scene.expectRest();
  });

  test("another body is refused while the first runs and after it", async () => {
    const first = scene.ask({ ...keyed(), body, script });
    await scene.tollgate.upstream.until(({ requests }) => requests === 1);
    const other = { ...keyed(), body: { ...body, temperature: 1 }, script };
    const early = await scene.ask(other);
    const { headers } = await first;
    const late = await scene.ask(other);
    for (const reply of [early, late]) {
      expect([reply.status, errorOf(reply)]).toEqual([
        422,
        {
          message: `The idempotency key was used with another request (${headers.get("x-request-id")}); use a new key for this one.`,
          type: "invalid_request_error",
          code: "idempotency_conflict",
          param: "idempotency-key",
        },
      ]);
      expect(reply.headers.get("x-should-retry")).toBe("false");
    }
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
    await scene.expectRest();
  });
});

describe("a key", () => {
  test("is one access token's own, of one tenant or of two", async () => {
    for (const from of [scene.ann, scene.eve, scene.bob]) {
      expect(wayOf(await scene.ask({ ...keyed(), from }))).toBeNull();
    }
    expect(scene.tollgate.upstream.stats().requests).toBe(3);
  });

  test("is for one strategy and set of tags", async () => {
    expect((await scene.ask(keyed({ "x-tollgate-tags": "a" }))).status).toBe(200);
    expect((await scene.ask(keyed({ "x-tollgate-tags": "b" }))).status).toBe(422);
    expect((await scene.ask(keyed())).status).toBe(422);
    const strategy = keyed({ "x-tollgate-tags": "a", "x-tollgate-strategy": "fastest" });
    expect((await scene.ask(strategy)).status).toBe(422);
    expect(wayOf(await scene.ask(keyed({ "x-tollgate-tags": "a" })))).toBe("replayed");
  });

  test.each([
    ["empty", ""],
    ["too long", "k".repeat(256)],
    ["not ASCII", "schl\u00fcssel"],
  ])("that is %s is refused", async (_, text) => {
    const reply = await scene.ask({ headers: { "idempotency-key": text } });
    expect([reply.status, errorOf(reply)]).toEqual([
      400,
      {
        message: "idempotency-key must be 1 to 255 printable ASCII characters.",
        type: "invalid_request_error",
        code: "invalid_request",
        param: "idempotency-key",
      },
    ]);
    expect(scene.tollgate.upstream.stats().requests).toBe(0);
  });

  test("may be as long and as odd as printable characters go, and never reaches the provider", async () => {
    key = `'; drop table "idempotency_keys" -- ${"~".repeat(219)}`;
    expect(key).toHaveLength(255);
    const first = await scene.ask(keyed());
    const again = await scene.ask(keyed());
    expect([first.status, again.text, wayOf(again)]).toEqual([200, first.text, "replayed"]);
    const [seen] = scene.tollgate.upstream.requests();
    expect(JSON.stringify(seen)).not.toContain("idempotency");
  });

  test("needs a valid access token and a valid body, like every request", async () => {
    expect((await scene.ask(keyed())).status).toBe(200);
    const { headers } = keyed();
    const unknown = await scene.ask({ from: { ...scene.ann, token: "sk-tg-unknown" }, headers });
    expect([unknown.status, unknown.headers.get("x-tollgate-error")]).toEqual([
      401,
      "invalid_api_key",
    ]);
    const broken = await fetch(`${scene.tollgate.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${scene.ann.token}`, ...headers },
      body: "{",
    });
    expect([broken.status, broken.headers.get("x-tollgate-error")]).toEqual([400, "invalid_json"]);
    await broken.text();
  });
});

describe("an answer", () => {
  test.each([400, 413, 422])("of the provider's own %d is kept", async (status) => {
    const first = await scene.ask({ ...keyed(), script: `status=${status}` });
    const again = await scene.ask({ ...keyed(), script: `status=${status}` });
    expect([first.status, again.status, again.text]).toEqual([status, status, first.text]);
    expect([wayOf(again), scene.tollgate.upstream.stats().requests]).toEqual(["replayed", 1]);
  });

  test.each([401, 403, 404, 408, 409, 425, 429, 500, 503])(
    "%d is not kept: the key is free again",
    async (status) => {
      const script = `status=${status}&header=retry-after-ms%3A1`;
      const first = await scene.ask({ ...keyed(), script });
      expect(first.status).toBe(status);
      const before = scene.tollgate.upstream.stats().requests;
      // A provider that has answered so may rest.
      await freshProvider(scene.tollgate, scene.provider);
      const again = await scene.ask({ ...keyed(), script: "tokens=3" });
      expect([again.status, wayOf(again)]).toEqual([200, null]);
      expect(scene.tollgate.upstream.stats().requests).toBe(before + 1);
    },
  );
});

test("a 400 by which a provider says that our credit there is empty is not kept", async () => {
  const error = { message: "Your credit balance is too low", code: "insufficient_quota" };
  const body = encodeURIComponent(JSON.stringify({ error }));
  const first = await scene.ask({ ...keyed(), script: `status=400&body=${body}` });
  expect([first.status, first.text]).toEqual([400, JSON.stringify({ error })]);
  await freshProvider(scene.tollgate, scene.provider);
  const again = await scene.ask(keyed());
  expect([again.status, wayOf(again)]).toEqual([200, null]);
});

test("a refusal of ours before anything is sent is not kept", async () => {
  const body = { model: "unknown" };
  expect((await scene.ask({ ...keyed(), body })).status).toBe(404);
  // Another body may have the key, which stands for nothing.
  expect((await scene.ask(keyed())).status).toBe(200);
  await scene.expectRest();
});

test("a stream that is cut is not kept", async () => {
  const body = { stream: true };
  const first = await scene.ask({
    ...keyed(),
    body,
    script: "tokens=60&token_delay_ms=5&cut_at=3000",
  });
  expect(first.text).toContain("upstream_error");
  const again = await scene.ask({ ...keyed(), body });
  expect([wayOf(again), scene.tollgate.upstream.stats().requests]).toEqual([null, 2]);
  expect(again.text).toContain("[DONE]");
  await scene.expectRest();
});

test("whoever is attached to a run that fails gets the same failure", async () => {
  const options = { ...keyed(), script: "status=400&delay_ms=200" };
  const [first, ...others] = await Promise.all([scene.ask(options), scene.ask(options)]);
  expect(others.map(({ status, text }) => [status, text])).toEqual([[first.status, first.text]]);
  await scene.expectRest();
});

test("the answer is sealed on disk: no text of it is in any file of the database", async () => {
  const { text } = await scene.ask({ ...keyed(), script: "tokens=40" });
  const words: string = JSON.parse(text).choices[0].message.content;
  expect(words.length).toBeGreaterThan(40);
  for (const name of ["tollgate.db", "tollgate.db-wal"]) {
    const file = Buffer.from(await Bun.file(`${scene.tollgate.dataDir}/${name}`).arrayBuffer());
    expect(file.includes(words.slice(0, 24))).toBe(false);
  }
});
