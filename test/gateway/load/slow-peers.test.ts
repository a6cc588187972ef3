/** Clients that send or read slowly: bounded, ended in the end, and settled. */
import { afterAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../../../src/base/clock.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { readLedger } from "../../process/ledger.ts";
import { errorOf } from "../../support/chat.ts";
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

const MIB = 1024 * 1024;

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

const head = (sender: string, length: string): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${sender}\r\n${length}\r\n\r\n`;

function bodyAsking(content: string): string {
  return JSON.stringify({ model: "small", max_tokens: 1, messages: [{ role: "user", content }] });
}

/** A chat request of exactly so many bytes. */
function bodyOf(bytes: number): string {
  return bodyAsking("x".repeat(bytes - bodyAsking("").length));
}

test("who declares much and sends little takes what was sent, and is in nobody's way", async () => {
  const declared = `content-length: ${LIMITS.bodyBytesMax}`;
  const slow = await Promise.all(Array.from({ length: 100 }, () => connectRaw(tollgate.port)));
  for (const sender of slow) sender.write(`${head(token, declared)}{`);
  await until(() => gateway.bodyRoom.takenBytes === slow.length);
  for (const sender of slow) sender.write('"model":');
  await until(() => gateway.bodyRoom.takenBytes === 9 * slow.length);
  const large = await connectRaw(tollgate.port);
  const body = bodyOf(2 * MIB);
  large.write(head(token, `content-length: ${body.length}`) + body);
  expect((await large.reply).status).toBe(200);
  for (const sender of [...slow, large]) sender.terminate();
  await until(() => gateway.bodyRoom.takenBytes === 0);
  await until(() => gateway.lifecycle.inFlightCount() === 0);
});

test("bodies on their way are bounded together; past that they are told to come back", async () => {
  // All that one tenant may have but for a mebibyte, as if many bodies had stopped half-way.
  const stopped = gateway.bodyRoom.enter(tenant.id);
  while (stopped.take(MIB));
  const bytes = gateway.bodyRoom.takenBytes;
  stopped.leave();
  const others = gateway.bodyRoom.enter(tenant.id);
  expect(others.take(bytes - MIB)).toBe(true);
  const body = bodyOf(3 * MIB);
  const pieces = Array.from({ length: 48 }, (_, index) =>
    body.slice(index * 65_536, (index + 1) * 65_536),
  );
  const declared = await connectRaw(tollgate.port);
  declared.write(head(token, `content-length: ${body.length}`) + body);
  const chunked = await connectRaw(tollgate.port);
  chunked.write(head(token, "transfer-encoding: chunked"));
  for (const piece of pieces) chunked.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  for (const refused of [await declared.reply, await chunked.reply]) {
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(errorOf(refused)).toMatchObject({
      code: "gateway_overloaded",
      message: "Too many bodies are being read at once.",
    });
  }
  // Small ones still fit, and large ones of others.
  const small = await connectRaw(tollgate.port);
  small.write(
    head(token, `content-length: ${LIMITS.bodySmallBytesMax}`) + bodyOf(LIMITS.bodySmallBytesMax),
  );
  const another = await connectRaw(tollgate.port);
  const { token: anotherToken } = await tollgate.addToken((await tollgate.addTenant()).id);
  another.write(head(anotherToken, `content-length: ${body.length}`) + body);
  expect([(await small.reply).status, (await another.reply).status]).toEqual([200, 200]);
  for (const sender of [declared, chunked, small, another]) sender.terminate();
  others.leave();
  await until(() => gateway.bodyRoom.takenBytes === 0);
  await until(() => gateway.lifecycle.inFlightCount() === 0);
});
