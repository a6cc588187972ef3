/**
 * A client that stops reading a shared stream: the others get all of it at their own pace, the memory
 * it takes stays within its bound, and it is cut off with an error instead of a clean end. Where there are no
 * others it is cut off as well, in the end.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { HELLO } from "../../support/chat.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";
import { startScene, type Scene } from "./scene.ts";

let scene: Scene;
let aheadMs = 0;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };

beforeAll(async () => {
  scene = await startScene({}, await startTestGateway({ clock }));
});

afterAll(() => scene.tollgate.stop());

const BODY = { stream: true };
const TOKEN_BYTES = 32_768;
/** Several times what a recording and the sockets on the way can hold. */
const TOKENS = (8 * LIMITS.recordingBytesMax) / TOKEN_BYTES;
const SCRIPT = `tokens=${TOKENS}&token_bytes=${TOKEN_BYTES}&token_delay_ms=2`;

/** Asks like the others and takes nothing until `read` is called, which resolves with all that comes. */
function askAndStall(key: string): { readonly read: () => Promise<string> } {
  const body = JSON.stringify({ model: "small", messages: HELLO, ...BODY });
  const socket = connect(scene.tollgate.port, "127.0.0.1");
  socket.pause();
  const chunks: Buffer[] = [];
  const closed = Promise.withResolvers<void>();
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  socket.on("close", () => closed.resolve());
  // A connection that is reset closes as well.
  socket.on("error", () => undefined);
  const lines = [
    "POST /v1/chat/completions HTTP/1.1",
    "host: x",
    "connection: close",
    `authorization: Bearer ${scene.ann.token}`,
    `idempotency-key: ${key}`,
    `x-sim-script: ${SCRIPT}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  return {
    read: async () => {
      socket.resume();
      await closed.promise;
      return Buffer.concat(chunks).toString();
    },
  };
}

test.each(["first", "last"])("who stalls and came %s holds nobody back", async (place) => {
  const { upstream, gateway } = scene.tollgate;
  upstream.reset();
  const key = `slow ${place}`;
  const options = { headers: { "idempotency-key": key }, body: BODY, script: SCRIPT };
  const early = place === "first" ? askAndStall(key) : null;
  const first = early === null ? scene.ask(options) : null;
  await upstream.until(({ requests }) => requests === 1);
  const late = early ?? askAndStall(key);
  const others = await Promise.all([first ?? scene.ask(options), scene.ask(options)]);
  for (const { status, text } of others) {
    expect([status, text.slice(-14)]).toEqual([200, "data: [DONE]\n\n"]);
    expect(text.length).toBeGreaterThan(TOKENS * TOKEN_BYTES);
  }
  expect(gateway.sharing.recordings.bytes).toBeLessThanOrEqual(
    LIMITS.recordingBytesMax + 4 * TOKEN_BYTES,
  );
  const text = await late.read();
  expect(text).not.toContain("[DONE]");
  expect(text.length).toBeLessThan(TOKENS * TOKEN_BYTES);
  expect(upstream.stats().requests).toBe(1);
  await scene.expectRest();
});

test("who stalls alone is cut off after a while, and what was recorded for it is let go", async () => {
  const { upstream, gateway } = scene.tollgate;
  upstream.reset();
  const stalled = askAndStall("slow alone");
  let before = -1;
  await until(async () => {
    await Bun.sleep(100);
    const { bodyBytesSent = 0 } = upstream.requests()[0] ?? {};
    const isStuck = bodyBytesSent > 0 && bodyBytesSent === before;
    before = bodyBytesSent;
    return isStuck;
  }, 20_000);
  expect(gateway.sharing.recordings.bytes).toBeGreaterThan(0);
  aheadMs += LIMITS.stalledReaderMs + 1_000;
  await until(() => gateway.sharing.recordings.count === 0);
  expect(await stalled.read()).not.toContain("[DONE]");
  await scene.expectRest();
});
