/**
 * Resumable streams: events are numbered, and whoever lost the connection gets the rest by the number
 * of the last one, while it runs and for a while after; billed once, and never executed again.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { chat, chatInit, errorOf, type ChatReply } from "../../support/chat.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { idOf, startScene, type Person, type Scene } from "./scene.ts";

const MANY = 200;
const BODY = { stream: true };

let scene: Scene;
/** Leaps over the time for which streams are kept. */
let leap: (ms: number) => void;

beforeAll(async () => {
  let leaptMs = 0;
  leap = (ms) => {
    leaptMs += ms;
  };
  // Measured time runs ahead: what is due in a minute is due at once.
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + leaptMs };
  scene = await startScene({ resumable: true }, await startTestGateway({ clock }));
});

beforeEach(() => scene.tollgate.upstream.reset());

afterAll(() => scene.tollgate.stop());

/** Events without their blank lines. */
const events = (text: string) => text.split("\n\n").filter((event) => event !== "");

/** The same POST once more, with nothing but the number of the last event. */
function resume(lastEventId: string, from: Person = scene.ann): Promise<ChatReply> {
  return chat(scene.tollgate.url, {
    token: from.token,
    headers: { "last-event-id": lastEventId },
  });
}

/** Reads some bytes of a stream and leaves. */
async function readAndLeave(script: string): Promise<{ id: string; seen: string }> {
  const controller = new AbortController();
  const init = chatInit({ token: scene.ann.token, body: BODY, script, signal: controller.signal });
  const response = await fetch(`${scene.tollgate.url}/v1/chat/completions`, init);
  const reader = response.body?.getReader();
  const first = await reader?.read();
  controller.abort();
  await reader?.read().catch(() => undefined);
  const seen = new TextDecoder().decode(first?.value);
  return { id: idOf(response), seen: seen.slice(0, seen.lastIndexOf("\n\n") + 2) };
}

const lastNumber = (seen: string) => events(seen).length;

describe("a stream of a route that offers it", () => {
  test("has the events of its provider, each with an id of the request before its fields", async () => {
    const reply = await scene.ask({ body: BODY, script: "tokens=5" });
    const [seen] = scene.tollgate.upstream.requests();
    expect(seen).toBeDefined();
    const lines = events(reply.text).map((event) => event.split("\n"));
    expect(lines.map(([first]) => first)).toEqual(
      lines.map((_, place) => `id: ${idOf(reply)}:${place + 1}`),
    );
    expect(lines.at(-1)).toEqual([`id: ${idOf(reply)}:${lines.length}`, "data: [DONE]"]);
    expect(lines.every((event) => event[1]?.startsWith("data: ") === true)).toBe(true);
  });

  test("and a plain answer stays as it is", async () => {
    const reply = await scene.ask({ script: "tokens=5" });
    expect(JSON.parse(reply.text).usage.completion_tokens).toBe(5);
    expect((await resume(`${idOf(reply)}:0`)).status).toBe(404);
  });
});

describe("who comes back", () => {
  test("gets what is still to come, and the whole is what one reader would have got", async () => {
    const { id, seen } = await readAndLeave("tokens=10&token_delay_ms=60");
    const rest = await resume(`${id}:${lastNumber(seen)}`);
    expect([rest.status, rest.headers.get("content-type")]).toEqual([
      200,
      expect.stringContaining("text/event-stream"),
    ]);
    const all = events(seen + rest.text);
    expect(all.map((event) => event.split("\n")[0])).toEqual(
      all.map((_, place) => `id: ${id}:${place + 1}`),
    );
    expect(all).toHaveLength(10 + 3);
    expect(all.at(-1)).toEndWith("data: [DONE]");

    const stats = scene.tollgate.upstream.stats();
    expect(stats).toMatchObject({ requests: 1, closedEarly: 0 });
    const { request: first, attempts } = await scene.rowOf({
      headers: new Headers({ "x-request-id": id }),
    });
    expect(first).toMatchObject({ clientGone: true, status: 200, attemptCount: 1 });
    expect(attempts).toMatchObject([{ postings: [{ kind: "settle", outcome: "ok" }] }]);
    const { request, attempts: none } = await scene.rowOf(rest);
    expect(request).toMatchObject({
      status: 200,
      answeredBy: id,
      attemptCount: 0,
      costNanoUsd: 0,
      stream: true,
      route: "small",
    });
    expect(none).toEqual([]);
  });

  test(`${MANY} at once, from every place, all get the same bytes of one execution`, async () => {
    const script = "tokens=20&token_delay_ms=40";
    const whole = scene.ask({ body: BODY, script });
    await scene.tollgate.upstream.until(({ requests }) => requests === 1);
    const id = [...scene.tollgate.gateway.sharing.streams.keys()].at(-1) ?? "";
    const rests = await Promise.all(
      Array.from({ length: MANY }, async (_, place) => {
        await Bun.sleep(place * 2);
        return resume(`${id}:0`);
      }),
    );
    const { text } = await whole;
    expect(new Set(rests.map((rest) => rest.text))).toEqual(new Set([text]));
    const all = events(text);
    const places = Array.from({ length: all.length + 1 }, (_, place) => place);
    const late = await Promise.all(places.map((place) => resume(`${id}:${place}`)));
    expect(late.map((rest) => rest.text)).toEqual(
      places.map((place) =>
        all
          .slice(place)
          .map((event) => `${event}\n\n`)
          .join(""),
      ),
    );
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
  });

  test("finds nothing that is unknown, malformed, somebody else's, or ahead of the stream", async () => {
    const reply = await scene.ask({ body: BODY, script: "tokens=3" });
    const id = idOf(reply);
    const wrong: readonly [string, Person?][] = [
      [`${id}:0`, scene.eve],
      [`${id}:0`, scene.bob],
      [`${id}:999`],
      [id],
      [`${id}:-1`],
      [`${id}:1:1`],
      [`${id.slice(0, -1)}z:0`],
      [`req_${"0".repeat(32)}:0`],
      ["1"],
      ["x".repeat(5_000)],
    ];
    for (const [lastEventId, from] of wrong) {
      const answer = await resume(lastEventId, from);
      expect([lastEventId, answer.status, errorOf(answer)]).toEqual([
        lastEventId,
        404,
        {
          message:
            "There is no such stream to resume: it is unknown, has been forgotten, or goes back too far.",
          type: "invalid_request_error",
          code: "stream_not_found",
          param: "last-event-id",
        },
      ]);
    }
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
  });

  test("finds nothing of a stream that ended long ago", async () => {
    const reply = await scene.ask({ body: BODY, script: "tokens=3" });
    expect((await resume(`${idOf(reply)}:0`)).status).toBe(200);
    leap(LIMITS.resumableKeptMs);
    await until(() => scene.tollgate.gateway.sharing.streams.size === 0);
    expect((await resume(`${idOf(reply)}:0`)).status).toBe(404);
    await scene.expectRest();
  });
});

test("a stream that nobody reads is given up after its time, and charged for what came", async () => {
  const { id } = await readAndLeave("tokens=400&token_delay_ms=50");
  const { lifecycle, sharing } = scene.tollgate.gateway;
  await until(() => sharing.streams.get(id)?.hasClientLeft === true);
  expect([lifecycle.inFlightCount(), scene.tollgate.upstream.stats().closedEarly]).toEqual([1, 0]);
  leap(LIMITS.resumableUnreadMs);
  await scene.tollgate.upstream.until(({ closedEarly }) => closedEarly === 1);
  const { request, attempts } = await scene.rowOf({ headers: new Headers({ "x-request-id": id }) });
  expect(request).toMatchObject({ clientGone: true });
  expect(attempts).toMatchObject([{ postings: [{ kind: "settle", outcome: "client_gone" }] }]);
  expect((await resume(`${id}:1`)).status).toBe(404);
});
