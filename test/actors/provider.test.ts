/** What the provider's actor guarantees beside its breaker: cooldown, permits, what it learns. */
import { describe, expect, test } from "bun:test";
import {
  inputTokensBound,
  laneHealth,
  laneService,
  type ProviderHandle,
} from "../../actors/provider.ts";
import {
  COOLING,
  opened,
  outcome,
  permit,
  provider,
  providerEnd,
  providerRefusal,
  START_MS,
} from "./fixtures.ts";

function throttle(
  handle: ProviderHandle,
  attemptId: string,
  atMs: number,
  retryAfterMs: number | null,
): void {
  permit(handle, attemptId, atMs);
  handle.send(outcome(attemptId, "throttled", atMs, { retryAfterMs, jitter: 0.5 }));
}

describe("the cooldown", () => {
  test("lasts as long as the provider asked, to the millisecond, for last resorts too", () => {
    const handle = provider();
    throttle(handle, "1", START_MS, 37_000);
    const last = { isLastResort: true };
    expect(permit(handle, "2", START_MS)).toEqual(providerRefusal(COOLING, 37_000));
    expect(permit(handle, "2", START_MS + 36_999, last)).toEqual(providerRefusal(COOLING, 1));
    expect(permit(handle, "2", START_MS + 37_000)).toEqual({ generation: 1, probe: false });
  });

  test("lasts a second without being asked, doubled each time in a row", () => {
    const handle = provider();
    let atMs = START_MS;
    for (const coolMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      throttle(handle, `${coolMs}_${atMs}`, atMs, null);
      expect(permit(handle, "early", atMs)).toEqual(providerRefusal(COOLING, coolMs));
      atMs += coolMs;
    }
    permit(handle, "fine", atMs);
    handle.send(outcome("fine", "ok", atMs));
    throttle(handle, "again", atMs, null);
    expect(permit(handle, "early", atMs)).toEqual(providerRefusal(COOLING, 1_000));
  });

  test("counts a burst that is throttled as one only once", () => {
    const handle = provider();
    for (let each = 0; each < 50; each += 1) permit(handle, `${each}`, START_MS);
    for (let each = 0; each < 50; each += 1)
      handle.send(outcome(`${each}`, "throttled", START_MS + 10));
    expect(permit(handle, "next", START_MS + 10)).toEqual(providerRefusal(COOLING, 1_000));
  });

  test("is never shortened by a later word", () => {
    const handle = provider();
    for (const attemptId of ["1", "2"]) permit(handle, attemptId, START_MS);
    handle.send(outcome("1", "throttled", START_MS, { retryAfterMs: 60_000, jitter: 0 }));
    handle.send(outcome("2", "throttled", START_MS, { retryAfterMs: 1_000, jitter: 0 }));
    expect(permit(handle, "3", START_MS)).toEqual(providerRefusal(COOLING, 60_000));
  });

  test("holds back the attempts of a half-open breaker too, and is seen in the health", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    throttle(handle, "1", atMs, 3_000);
    expect(handle.breaker()).toBe("half_open");
    expect(permit(handle, "2", atMs)).toEqual(providerRefusal(COOLING, 3_000));
    expect(laneHealth(handle, atMs)).toEqual({
      breaker: "half_open",
      isForced: false,
      availableAtMs: atMs + 3_000,
      lastResortAtMs: atMs + 3_000,
      restsFor: "cooldown",
      startsSlowly: false,
      inFlight: 1,
    });
    expect(permit(handle, "2", atMs + 3_000)).toEqual({ generation: 3, probe: true });
  });

  test("keeps an open breaker open until both have passed", () => {
    const handle = provider();
    for (let each = 0; each < 11; each += 1) permit(handle, `${each}`, START_MS);
    handle.send(outcome("10", "throttled", START_MS, { retryAfterMs: 20_000, jitter: 0 }));
    for (let each = 0; each < 10; each += 1) handle.send(outcome(`${each}`, "bad", START_MS));
    expect(permit(handle, "next", START_MS + 6_000)).toEqual(providerRefusal(COOLING, 14_000));
    expect(handle.breaker()).toBe("open");
    expect(permit(handle, "next", START_MS + 20_000)).toEqual({ generation: 3, probe: true });
  });
});

describe("permits", () => {
  test("count as under way until their attempt ends, whatever its outcome", () => {
    const handle = provider();
    for (const attemptId of ["1", "2"]) permit(handle, attemptId, START_MS);
    handle.send(outcome("1", "ok", START_MS));
    expect(laneHealth(handle, START_MS).inFlight).toBe(2);
    handle.send(providerEnd("1", START_MS));
    handle.send(providerEnd("1", START_MS));
    expect(laneHealth(handle, START_MS).inFlight).toBe(1);
  });

  test("are not given twice to the same attempt", () => {
    const handle = provider();
    permit(handle, "1", START_MS);
    expect(permit(handle, "1", START_MS)).toMatchObject({ code: "internal_error" });
    expect(laneHealth(handle, START_MS).inFlight).toBe(1);
  });
});

test("the time to first content follows successes only, the share of failures both", () => {
  const handle = provider();
  expect(laneService(handle, START_MS).firstTokenMs).toBeNull();
  for (const [attemptId, kind, latencyMs] of [
    ["1", "ok", 100],
    ["2", "bad", 9_000],
    ["3", "ok", 200],
  ] as const) {
    permit(handle, attemptId, START_MS);
    handle.send(outcome(attemptId, kind, START_MS, { latencyMs }));
    // A second report of the same attempt teaches nothing.
    handle.send(outcome(attemptId, "ok", START_MS, { latencyMs: 77_777 }));
  }
  expect(laneService(handle, START_MS)).toEqual({
    firstTokenMs: 150,
    failureShare: 1 / 3,
    inFlight: 3,
    seenAtMs: START_MS,
  });
});

test("the input bound of a model is learned from finished attempts", () => {
  const handle = provider();
  expect(inputTokensBound(handle, "gpt", 900)).toBe(900);
  for (let each = 0; each < 20; each += 1) {
    handle.send({
      type: "attempt.end",
      attemptId: "att_1",
      observed: { model: "gpt", inputBytes: 4_000, inputTokens: 1_000 },
      atMs: START_MS,
    });
  }
  expect(inputTokensBound(handle, "gpt", 900)).toBe(250);
  expect(inputTokensBound(handle, "other", 900)).toBe(900);
});
