/** Offered load keeps to its plan, and what the plan had to wait for shows as latency. */
import { describe, expect, test } from "bun:test";
import { chatRequest } from "../../bench/chat-request.ts";
import { plainExchange } from "../../bench/exchange.ts";
import { HttpClient } from "../../bench/http-client.ts";
import { type LoadOptions, type LoadPlan, type LoadResult, runLoad } from "../../bench/load.ts";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { ManualClock } from "./manual-clock.ts";

function optionsOf(clock: ManualClock, plan: LoadPlan, more: Partial<LoadOptions> = {}) {
  return {
    plan,
    durationMs: 1_000,
    warmUpMs: 0,
    graceMs: 1_000,
    failuresMax: 1_000,
    signal: new AbortController().signal,
    clock,
    random: systemRandom,
    ...more,
  };
}

const open = (ratePerSecond: number, inFlightMax = 1_000): LoadPlan => ({
  kind: "open",
  ratePerSecond,
  gaps: "constant",
  inFlightMax,
});

/** A server that answers after a millisecond, but between 300 and 600 ms not at all. */
class StallingServer {
  readonly #clock: ManualClock;
  readonly #bornAtMs: number;
  readonly arrivalsMs: number[] = [];

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.#bornAtMs = clock.monotonicMs();
  }

  readonly send = (): Promise<undefined> => {
    const sinceMs = this.#clock.monotonicMs() - this.#bornAtMs;
    this.arrivalsMs.push(sinceMs);
    const waitMs = sinceMs >= 300 && sinceMs < 600 ? 601 - sinceMs : 1;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#clock.after(waitMs, () => resolve(undefined));
    return promise;
  };
}

function never(): Promise<undefined> {
  return new Promise(() => undefined);
}

async function finish(clock: ManualClock, run: Promise<LoadResult>): Promise<LoadResult> {
  await clock.advance(3_000);
  return run;
}

describe("an open loop", () => {
  test("keeps the planned rate while the server stalls, and shows the stall in every arrival", async () => {
    const clock = new ManualClock();
    const server = new StallingServer(clock);
    const result = await finish(clock, runLoad(optionsOf(clock, open(100)), server.send));
    expect(server.arrivalsMs).toEqual(Array.from({ length: 100 }, (_, index) => index * 10));
    expect(result.succeeded).toBe(100);
    // Thirty arrivals fell into the stall and waited 301, 291, … 11 ms.
    expect(result.latency.percentileMs(69)).toBeCloseTo(1, 1);
    expect(result.latency.percentileMs(85)).toBeCloseTo(151, -1);
    expect(result.latency.percentileMs(100)).toBeCloseTo(301, 0);
  });

  test("counts from the planned start also when no connection was free to start on", async () => {
    const clock = new ManualClock();
    const server = new StallingServer(clock);
    const result = await finish(clock, runLoad(optionsOf(clock, open(100, 1)), server.send));
    expect(result.succeeded).toBe(100);
    expect(result.latency.percentileMs(100)).toBeCloseTo(301, 0);
    expect(result.latency.percentileMs(85)).toBeGreaterThan(140);
    expect(result.lag.percentileMs(100)).toBeGreaterThan(280);
  });

  test("draws exponential gaps with the same mean, from the chance it is given", async () => {
    const clock = new ManualClock();
    const server = new StallingServer(clock);
    const plan: LoadPlan = {
      kind: "open",
      ratePerSecond: 100,
      gaps: "exponential",
      inFlightMax: 99,
    };
    const random = { ...systemRandom, unit: () => 1 - Math.exp(-2) };
    await finish(clock, runLoad(optionsOf(clock, plan, { random }), server.send));
    const rounded = server.arrivalsMs.map((atMs) => Math.round(atMs));
    expect(rounded).toEqual(Array.from({ length: 50 }, (_, index) => index * 20));
  });

  test("records those that were never answered with the time they had waited", async () => {
    const clock = new ManualClock();
    const result = await finish(clock, runLoad(optionsOf(clock, open(10)), never));
    expect([result.succeeded, result.unanswered]).toEqual([0, 10]);
    expect(result.latency.percentileMs(100)).toBeCloseTo(2_000, -1);
    expect(result.latency.count).toBe(10);
  });

  test("gives up when more is unanswered than makes sense", async () => {
    const clock = new ManualClock();
    const plan = { ...open(1_000), unansweredMax: 50 };
    const result = await finish(clock, runLoad(optionsOf(clock, plan), never));
    expect([result.gaveUp, result.unanswered, Math.round(result.elapsedMs)]).toEqual([
      true,
      50,
      49,
    ]);
  });

  test("leaves the warm-up out of what it records", async () => {
    const clock = new ManualClock();
    const server = new StallingServer(clock);
    const options = optionsOf(clock, open(100), { warmUpMs: 700 });
    const result = await finish(clock, runLoad(options, server.send));
    expect([server.arrivalsMs.length, result.succeeded]).toEqual([100, 30]);
    expect(result.latency.percentileMs(100)).toBeCloseTo(1, 1);
  });

  test("shows a real server's stall as latency, at the rate that was planned", async () => {
    let asked = 0;
    const released = Promise.withResolvers<undefined>();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async () => {
        asked += 1;
        // From the 20th of a second on nothing is answered until the last one has arrived.
        if (asked === 100) released.resolve(undefined);
        if (asked > 5) await released.promise;
        return new Response("{}");
      },
    });
    const client = new HttpClient(new URL(server.url));
    const bytes = chatRequest(
      { endpoint: new URL(server.url), token: undefined },
      { model: "m", stream: false, tokensMax: 1 },
    );
    const options = { ...optionsOf(new ManualClock(), open(200)), clock: systemClock };
    try {
      const load = { ...options, durationMs: 500, graceMs: 5_000 };
      const result = await runLoad(load, () => plainExchange(client, bytes));
      expect([asked, result.succeeded]).toEqual([100, 100]);
      expect(client.connectionCount).toBeGreaterThanOrEqual(95);
      expect(result.latency.percentileMs(100)).toBeGreaterThan(450);
      expect(result.latency.percentileMs(50)).toBeGreaterThan(200);
    } finally {
      client.close();
      await server.stop(true);
    }
  });
});

describe("a closed loop", () => {
  test("keeps its clients busy, one exchange each at a time", async () => {
    const clock = new ManualClock();
    let inFlight = 0;
    let most = 0;
    const send = async (): Promise<undefined> => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      const { promise, resolve } = Promise.withResolvers<undefined>();
      clock.after(10, () => resolve(undefined));
      await promise;
      inFlight -= 1;
      return undefined;
    };
    const plan: LoadPlan = { kind: "closed", clients: 4 };
    const result = await finish(clock, runLoad(optionsOf(clock, plan), send));
    expect([most, result.succeeded, inFlight]).toEqual([4, 400, 0]);
  });

  test("stops when too much fails, and counts the reasons", async () => {
    const clock = new ManualClock();
    let calls = 0;
    const send = (): Promise<string> => {
      calls += 1;
      const { promise, resolve } = Promise.withResolvers<string>();
      const reason = calls % 2 === 0 ? "even" : "odd";
      clock.after(1, () => resolve(reason));
      return promise;
    };
    const plan: LoadPlan = { kind: "closed", clients: 1 };
    const options = optionsOf(clock, plan, { failuresMax: 10 });
    const result = await finish(clock, runLoad(options, send));
    expect(result.gaveUp).toBe(true);
    expect([...result.failures]).toEqual([
      ["odd", 5],
      ["even", 5],
    ]);
    expect([calls, result.unanswered]).toEqual([10, 0]);
  });

  test("ends at once when it is aborted", async () => {
    const clock = new ManualClock();
    const interrupt = new AbortController();
    const plan: LoadPlan = { kind: "closed", clients: 2 };
    const run = runLoad(optionsOf(clock, plan, { signal: interrupt.signal }), never);
    interrupt.abort();
    expect((await run).gaveUp).toBe(true);
  });
});
