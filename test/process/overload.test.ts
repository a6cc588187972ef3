/**
 * A real process in front of a provider that takes four at once. Guaranteed: never more reach it, everybody
 * is answered, what was served is in the ledger once, and on the way out who waits is told at once.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { chat, type ChatReply } from "../support/chat.ts";
import { Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { ask, furnish } from "./operator.ts";

setDefaultTimeout(60_000);

const MODEL = { model: "steady/sim-small" };
const SLOTS = 4;
const WAITING_MAX = 20;

function counted(replies: readonly ChatReply[]): Record<string, number> {
  const what = replies.map(({ status, headers }) =>
    status === 200 ? "served" : `${status} ${headers.get("x-tollgate-error")}`,
  );
  return Object.fromEntries(
    [...Map.groupBy(what, String)].map(([name, all]) => [name, all.length]),
  );
}

test("far more at once than a provider takes: served, or told to come back, and then drained", async () => {
  await using stage = new Stage();
  const upstream = await stage.upstream();
  const dataDir = stage.path("data");
  const tollgate = stage.serve(dataDir);
  const url = await tollgate.url();
  const { token } = await furnish(url, upstream.url);
  const [provider] = (await ask(url, "GET", "/providers")).data;
  await ask(url, "PATCH", `/providers/${provider.id}`, {
    max_concurrent: SLOTS,
    queue: { waiting_max: WAITING_MAX, wait_ms: 60_000 },
  });
  const crowd = (count: number, script: string): Promise<ChatReply>[] =>
    Array.from({ length: count }, () => chat(url, { token, script, body: MODEL }));

  const replies = await Promise.all(crowd(200, "tokens=1&headers_delay_ms=20"));
  const { served = 0, "503 provider_unavailable": refused = 0, ...others } = counted(replies);
  expect(others).toEqual({});
  expect(served).toBeGreaterThanOrEqual(SLOTS + WAITING_MAX);
  expect(served + refused).toBe(200);
  for (const { status, headers } of replies) {
    if (status !== 200) expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  }
  expect(upstream.stats()).toMatchObject({ requests: served, inFlightMax: SLOTS });
  // As many as have room are all served, as if nothing had been.
  expect(counted(await Promise.all(crowd(SLOTS + WAITING_MAX, "tokens=1")))).toEqual({
    served: SLOTS + WAITING_MAX,
  });

  const last = crowd(SLOTS + WAITING_MAX, "tokens=1&headers_delay_ms=2000");
  await upstream.until(({ inFlight }) => inFlight === SLOTS);
  tollgate.kill("SIGTERM");
  await tollgate.said(/drain\.started/, "err");
  expect(counted(await Promise.all(last))).toEqual({
    served: SLOTS,
    "503 gateway_draining": WAITING_MAX,
  });
  expect(await tollgate.ended()).toEqual({ code: 0, signal: null });
  const ledger = readLedger(dataDir);
  expect([breachesIn(ledger), ledger.openIds]).toEqual([[], []]);
  expect(ledger.attempts).toHaveLength(upstream.stats().requests);
});
