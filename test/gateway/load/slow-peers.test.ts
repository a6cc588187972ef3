/** Clients that send or read slowly: bounded, ended in the end, and settled. */
import { afterAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { readLedger } from "../../process/ledger.ts";
import { chat, errorOf } from "../../support/chat.ts";
import { startTestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";
import { connectRaw } from "../raw-socket.ts";

let aheadMs = 0;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
const tollgate = await startTestGateway({ clock });
afterAll(() => tollgate.stop());
const { gateway, upstream } = tollgate;
const tenant = await tollgate.addTenant();
const { token } = await tollgate.addToken(tenant.id);
const provider = await tollgate.addProvider();
const target = { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 };
await tollgate.addRoute("small", [target]);

test("who stops reading a stream is given up after a while, and pays for what was made", async () => {
  upstream.reset();
  const body = JSON.stringify({
    model: "small",
    stream: true,
    messages: [{ role: "user", content: "go on" }],
  });
  const client = connect(tollgate.port, "127.0.0.1");
  client.pause();
  client.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
      "x-sim-script: tokens=20000&token_bytes=4000\r\n" +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  try {
    let before = -1;
    await until(async () => {
      await Bun.sleep(100);
      const { bodyBytesSent = 0 } = upstream.requests()[0] ?? {};
      const isStuck = bodyBytesSent > 0 && bodyBytesSent === before;
      before = bodyBytesSent;
      return isStuck;
    }, 20_000);
    aheadMs += LIMITS.stalledReaderMs - 10_000;
    await Bun.sleep(150);
    expect(gateway.lifecycle.inFlightCount()).toBe(1);
    aheadMs += 11_000;
    await until(() => gateway.lifecycle.inFlightCount() === 0);
    await upstream.until(({ inFlight }) => inFlight === 0);
    await tollgate.store.flush();
    const { attempts, openIds } = readLedger(tollgate.dataDir);
    const [posting] = attempts.at(-1)?.postings ?? [];
    expect([openIds, posting?.outcome, posting?.estimated]).toEqual([[], "client_stalled", 1]);
    expect(posting?.amountNanoUsd).toBeGreaterThan(0);
  } finally {
    client.destroy();
  }
});

test("bodies on their way are bounded together; past that they are told to come back", async () => {
  const senders = Math.floor(LIMITS.bodiesReadingBytesMax / LIMITS.bodyBytesMax);
  const head = (length: string): string =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${length}\r\n\r\n`;
  const slow = await Promise.all(
    Array.from({ length: senders }, async () => {
      const sender = await connectRaw(tollgate.port);
      sender.write(head(`content-length: ${LIMITS.bodyBytesMax}`) + "{");
      return sender;
    }),
  );
  await until(() => gateway.bodyRoom.takenBytes === senders * LIMITS.bodyBytesMax);
  const left = LIMITS.bodiesReadingBytesMax - gateway.bodyRoom.takenBytes;
  const late = await connectRaw(tollgate.port);
  late.write(head(`content-length: ${left + 1}`) + "{");
  const chunked = await connectRaw(tollgate.port);
  chunked.write(head("transfer-encoding: chunked"));
  const piece = "x".repeat(1024 * 1024);
  for (let sent = 0; sent <= left; sent += piece.length) {
    chunked.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  }
  for (const refused of [await late.reply, await chunked.reply]) {
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(errorOf(refused)).toMatchObject({
      code: "gateway_overloaded",
      message: "Too many bodies are being read at once.",
    });
  }
  // Small ones still fit.
  expect((await chat(tollgate.url, { token, script: "tokens=1" })).status).toBe(200);
  for (const sender of [...slow, late, chunked]) sender.terminate();
  await until(() => gateway.bodyRoom.takenBytes === 0);
  await until(() => gateway.lifecycle.inFlightCount() === 0);
});
