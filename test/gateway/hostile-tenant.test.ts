/** What one tenant does to its own requests never rests a provider for another. */
import { afterAll, expect, test } from "bun:test";
import { chat, type ChatOptions, type ChatReply } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { leapingClock } from "./leaping-clock.ts";

const clock = leapingClock();
const tollgate = await startTestGateway({ clock });
afterAll(() => tollgate.stop());
const { upstream, gateway } = tollgate;
const { directory } = gateway;
const provider = await tollgate.addProvider({ name: "shared" });
await tollgate.addRoute("small", [
  { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
]);
const hostile = await tollgate.addToken((await tollgate.addTenant({ name: "hostile" })).id);
const good = await tollgate.addToken((await tollgate.addTenant({ name: "good" })).id);

const TIMES = 200;
const AT_ONCE = 25;
const TOO_LONG = JSON.stringify({
  error: {
    message: "This model's maximum context length is 128000 tokens.",
    type: "invalid_request_error",
    param: "messages",
    code: "context_length_exceeded",
  },
});

type Attack = () => Promise<number>;

/** The status of a hostile request; 0 when its client did not wait for it. */
async function attack(options: Omit<ChatOptions, "token">): Promise<number> {
  const reply = chat(tollgate.url, { token: hostile.token, ...options });
  return await reply.then(
    ({ status }) => status,
    () => 0,
  );
}

/** A request of the tenant that means well. */
function ask(script: string): Promise<ChatReply> {
  return chat(tollgate.url, { token: good.token, script });
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "leaves before the answer": () => attack({ script: "hang=1", signal: AbortSignal.timeout(20) }),
  "leaves in the middle of a stream": () =>
    attack({
      script: "tokens=50&token_delay_ms=20",
      body: { stream: true },
      signal: AbortSignal.timeout(40),
    }),
  "gives one millisecond": () =>
    attack({ script: "hang=1", headers: { "x-tollgate-timeout-ms": "1" } }),
  "sends what is no request": () => attack({ body: { messages: 7 } }),
  "sends too much for the model, or asks for too many answers": () =>
    attack({ script: `status=400&body=${encodeURIComponent(TOO_LONG)}`, body: { n: 128 } }),
};

async function repeat(times: number, one: Attack): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < times) {
      begun += 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

test("a thousand hostile requests leave the breaker closed, and another tenant all its answers", async () => {
  const statuses: Record<number, number> = {};
  const over = new AbortController();
  const steady = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { status } = await ask("tokens=1");
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const serving = steady();
  for (const one of Object.values(ATTACKS)) {
    await repeat(TIMES, one);
    expect(directory.providerHealth(provider.id).breaker).toBe("closed");
  }
  over.abort();
  await serving;
  await until(() => gateway.lifecycle.inFlightCount() === 0);
  expect(Object.keys(statuses)).toEqual(["200"]);
  const [lane, ...others] = directory.providerLanes(provider.id);
  expect(others).toEqual([]);
  expect(lane?.service.failureShare).toBe(0);
  expect(lane?.health).toEqual({
    breaker: "closed",
    isForced: false,
    availableAtMs: null,
    lastResortAtMs: null,
    restsFor: null,
    startsSlowly: false,
    inFlight: 0,
  });
});

test("a hostile client that leaves as a probe gives its place back, and does not count", async () => {
  for (let count = 0; count < 12; count += 1) await ask("status=500");
  const { availableAtMs } = directory.providerHealth(provider.id);
  expect(directory.providerHealth(provider.id).breaker).toBe("open");
  clock.leap((availableAtMs ?? 0) - clock.nowMs());
  for (const [what, one] of Object.entries(ATTACKS)) {
    // Streams that began have answered, and are probes like any other.
    if (what.includes("stream")) continue;
    for (let count = 0; count < 4; count += 1) {
      await one();
      await until(() => gateway.lifecycle.inFlightCount() === 0);
    }
    expect(directory.providerHealth(provider.id).breaker).toBe("half_open");
  }
  upstream.reset();
  const replies = [await ask("tokens=1"), await ask("tokens=1"), await ask("tokens=1")];
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(directory.providerHealth(provider.id).breaker).toBe("closed");
});
