/**
 * Idempotency keys across the end of a process: a kept answer is replayed by the next one; a request
 * that may have been sent is told of and never sent again; one that was not sent is executed anew.
 */
import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { LIMITS } from "../../../src/base/limits.ts";
import { chat, errorOf } from "../../support/chat.ts";
import { until } from "../../support/until.ts";
import { leapingClock } from "../leaping-clock.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { idOf, startScene } from "./scene.ts";

let tollgate: TestGateway | null = null;

afterEach(() => tollgate?.stop());

const HEADERS = { "idempotency-key": "order 7" };

/** What a crash leaves of a finished key: its row as it was before the answer came. */
function forgetAnswer(dataDir: string, requestId: string): void {
  const sqlite = new Database(join(dataDir, "tollgate.db"));
  sqlite.run(
    "update idempotency_keys set status = null, headers = null, body_sealed = null, request_id = ?",
    [requestId],
  );
  sqlite.close();
}

test.each([{}, { stream: true }])(
  "a kept answer of %j is replayed by the next process",
  async (body) => {
    const scene = await startScene();
    const { token } = scene.ann;
    const first = await scene.ask({ headers: HEADERS, body, script: "tokens=2000" });
    tollgate = await scene.tollgate.restart();
    const again = await chat(tollgate.url, { token, headers: HEADERS, body });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("x-tollgate-idempotency")).toBe("replayed");
    expect(again.headers.get("content-type")).toBe(first.headers.get("content-type"));
    expect(tollgate.upstream.stats().requests).toBe(1);
  },
);

describe("a request that was interrupted", () => {
  test("after it may have been sent is refused with its id, and not sent again", async () => {
    const scene = await startScene();
    const { token } = scene.ann;
    const id = idOf(await scene.ask({ headers: HEADERS }));
    const { dataDir } = scene.tollgate;
    tollgate = await scene.tollgate.restart(() => forgetAnswer(dataDir, id));
    const again = await chat(tollgate.url, { token, headers: HEADERS });
    expect([again.status, errorOf(again)]).toEqual([
      409,
      {
        message:
          `The first request with this idempotency key (${id}) was interrupted after it may have ` +
          "been sent to a provider; it is not sent again. Use a new key to send it once more.",
        type: "invalid_request_error",
        code: "idempotency_interrupted",
        param: null,
      },
    ]);
    expect(again.headers.get("x-should-retry")).toBe("false");
    const other = await chat(tollgate.url, { token, headers: HEADERS, body: { seed: 1 } });
    expect([other.status, other.headers.get("x-tollgate-error")]).toEqual([
      422,
      "idempotency_conflict",
    ]);
    expect(tollgate.upstream.stats().requests).toBe(1);
  });

  test("before anything was sent is executed anew", async () => {
    const scene = await startScene();
    const { token } = scene.ann;
    await scene.ask({ headers: HEADERS });
    const { dataDir } = scene.tollgate;
    const unsent = `req_${"0".repeat(32)}`;
    tollgate = await scene.tollgate.restart(() => forgetAnswer(dataDir, unsent));
    const again = await chat(tollgate.url, { token, headers: HEADERS });
    expect([again.status, again.headers.get("x-tollgate-idempotency")]).toEqual([200, null]);
    expect(tollgate.upstream.stats().requests).toBe(2);
  });
});

test("an answer too large to be kept is told of, and not executed again", async () => {
  const scene = await startScene();
  ({ tollgate } = scene);
  const tokens = Math.ceil(LIMITS.idempotencyAnswerBytesMax / 4_000) + 1;
  const script = `tokens=${tokens}&token_bytes=4000`;
  for (const [place, body] of [{}, { stream: true }].entries()) {
    const headers = { "idempotency-key": `large ${place}` };
    const first = await scene.ask({ headers, body, script });
    expect(first.text.length).toBeGreaterThan(LIMITS.idempotencyAnswerBytesMax);
    const again = await scene.ask({ headers, body, script });
    expect([again.status, errorOf(again)]).toEqual([
      409,
      {
        message:
          `The answer to the first request with this idempotency key (${idOf(first)}) is not kept: ` +
          "it was too large, or newer ones have taken its room. The request is not sent again; use " +
          "a new key to send it once more.",
        type: "invalid_request_error",
        code: "idempotency_interrupted",
        param: null,
      },
    ]);
    expect(tollgate.upstream.stats().requests).toBe(place + 1);
  }
  await scene.expectRest();
});

test("a key is free again after a day, and its row goes with it", async () => {
  const clock = leapingClock();
  const scene = await startScene({}, await startTestGateway({ clock }));
  ({ tollgate } = scene);
  await scene.ask({ headers: HEADERS });
  clock.leap(LIMITS.idempotencyKeptMs - 60_000);
  const last = await scene.ask({ headers: HEADERS });
  expect(last.headers.get("x-tollgate-idempotency")).toBe("replayed");
  clock.leap(60_000);
  expect(await tollgate.store.expireKeys(clock.nowMs(), 10)).toBe(1);
  await until(async () => (await scene.ask({ headers: HEADERS })).status === 200);
  expect(tollgate.upstream.stats().requests).toBe(2);
});
