/**
 * More than a provider can serve, open loop, on simulated time: what can be served is served, in time,
 * to everybody their share, and afterwards it is as if nothing had been.
 */
import { describe, expect, test } from "bun:test";
import { withCrowd, type Crowd, type Visit } from "./crowd.ts";

const SERVICE_MS = 200;
const SLOTS = 10;
/** Of the provider, in requests a second. */
const CAPACITY = (SLOTS * 1_000) / SERVICE_MS;
const QUEUE = { waitingMax: 50, waitMs: 2_000 };
const TERMS = { maxConcurrent: SLOTS, queue: QUEUE };
/** What else a request takes: a commit and the network, both simulated. */
const AROUND_MS = 50;

function served(visits: readonly Visit[], who?: string): Visit[] {
  return visits.filter(({ status, who: its }) => status === 200 && (who ?? its) === its);
}

/** Served within a span, per second. */
function goodput(visits: readonly Visit[], fromMs: number, untilMs: number): number {
  const within = served(visits).filter(({ endedMs }) => endedMs > fromMs && endedMs <= untilMs);
  return (within.length * 1_000) / (untilMs - fromMs);
}

function latencies(visits: readonly Visit[]): number[] {
  return visits.map(({ beganMs, endedMs }) => endedMs - beganMs).toSorted((a, b) => a - b);
}

/** The share of those who came that were served. */
function success({ visits }: Crowd, who: string): number {
  const all = visits.filter((visit) => visit.who === who);
  return served(all).length / all.length;
}

function expectNothingLeft(crowd: Crowd, deadlines: number): void {
  expect(crowd.gate().state()).toEqual({ inFlight: 0, waiting: 0, slots: SLOTS });
  expect(crowd.gateway.watchdog.armedCount()).toBe(deadlines);
  for (const { row } of crowd.gateway.directory.providers()) {
    expect(crowd.gateway.directory.providerHealth(row.id).inFlight).toBe(0);
  }
}

test("three times the capacity for 20 s: goodput stays, waits are bounded, and then it is over", async () => {
  await withCrowd(TERMS, SERVICE_MS, (crowd) => {
    const deadlines = crowd.gateway.watchdog.armedCount();
    crowd.come(5_000, [{ who: "peak", resident: 0, perSecond: CAPACITY }]);
    const peak = goodput(crowd.visits, crowd.nowMs - 4_000, crowd.nowMs);
    crowd.rest();
    crowd.visits.length = 0;

    const beganMs = crowd.nowMs;
    crowd.come(20_000, [{ who: "flood", resident: 0, perSecond: 3 * CAPACITY }]);
    const rate = goodput(crowd.visits, beganMs + 1_000, crowd.nowMs);
    crowd.rest();
    expect(peak).toBeGreaterThan(CAPACITY * 0.9);
    expect(rate).toBeGreaterThanOrEqual(peak * 0.9);
    const all = crowd.visits;
    expect(all).toHaveLength(3 * CAPACITY * 20);
    const slowest = latencies(served(all)).at(-1) ?? Infinity;
    expect(slowest).toBeLessThan(QUEUE.waitMs + SERVICE_MS + AROUND_MS);
    expect(crowd.waitingMax).toBe(QUEUE.waitingMax);
    const refused = all.filter(({ status }) => status !== 200);
    // As many are refused as cannot be served, each with a time to come back, and no other way.
    expect(refused.length + served(all).length).toBe(all.length);
    expect(new Set(refused.map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(["503 provider_unavailable"]),
    );
    for (const { retryAfterS } of refused) {
      // Fifty wait before a provider that serves fifty a second.
      expect(retryAfterS).toBeGreaterThanOrEqual(1);
      expect(retryAfterS).toBeLessThanOrEqual(2);
    }
    expectNothingLeft(crowd, deadlines);

    crowd.visits.length = 0;
    crowd.come(5_000, [{ who: "after", resident: 0, perSecond: CAPACITY / 2 }]);
    crowd.rest();
    expect(success(crowd, "after")).toBe(1);
    expect(latencies(crowd.visits).at(-1)).toBeLessThan(SERVICE_MS + AROUND_MS);
    expectNothingLeft(crowd, deadlines);
  });
}, 120_000);

test("one tenant floods: the other is served as if it were alone, but for a short wait", async () => {
  await withCrowd(TERMS, SERVICE_MS, (crowd) => {
    const deadlines = crowd.gateway.watchdog.armedCount();
    crowd.come(10_000, [
      { who: "flood", resident: 0, perSecond: 3 * CAPACITY },
      { who: "quiet", resident: 3, perSecond: CAPACITY / 5 },
    ]);
    crowd.rest();
    expect(success(crowd, "quiet")).toBe(1);
    // Its turn comes after at most one of the flood's, of which a slot frees every 20 ms.
    const slowest = latencies(served(crowd.visits, "quiet")).at(-1);
    expect(slowest).toBeLessThan(2 * SERVICE_MS + AROUND_MS);
    expect(goodput(crowd.visits, 1_000, crowd.nowMs)).toBeGreaterThan(CAPACITY * 0.85);
    expectNothingLeft(crowd, deadlines);
  });
}, 120_000);

describe("classes under overload", () => {
  test("each gets its share, what one leaves goes to the others, and none starves", async () => {
    await withCrowd(TERMS, SERVICE_MS, (crowd) => {
      const given = [0.5, 1, 1] as const;
      crowd.come(20_000, [
        // The default class of the town is the highest that a header can ask for there.
        { who: "default", resident: 0, perSecond: CAPACITY * given[0] },
        { who: "batch", resident: 1, perSecond: CAPACITY * given[1], priorityClass: "batch" },
        {
          who: "other's batch",
          resident: 3,
          perSecond: CAPACITY * given[2],
          priorityClass: "batch",
        },
      ]);
      crowd.rest();
      expect(success(crowd, "default")).toBe(1);
      // The half that is left is shared evenly by the tenants of the class below.
      for (const who of ["batch", "other's batch"]) {
        expect(success(crowd, who)).toBeGreaterThan(0.2);
        expect(success(crowd, who)).toBeLessThan(0.3);
      }
    });
  }, 120_000);
});
