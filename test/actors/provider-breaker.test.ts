/** What the breaker guarantees: a failing provider is left alone, and tried again in time. */
import { describe, expect, test } from "bun:test";
import { laneHealth } from "../../actors/provider.ts";
import {
  opened,
  outcome,
  permit,
  provider,
  providerEnd,
  providerRefusal,
  RESTING,
  START_MS,
  TRYING,
} from "./fixtures.ts";

describe("the breaker", () => {
  test("opens at the tenth failure in a row and says when to come back", () => {
    const handle = opened();
    expect(permit(handle, "next", START_MS + 1_000)).toEqual(providerRefusal(RESTING, 4_000));
    expect(laneHealth(handle, START_MS + 1_000)).toEqual({
      breaker: "open",
      isForced: false,
      availableAtMs: START_MS + 5_000,
      lastResortAtMs: null,
      restsFor: "breaker",
      startsSlowly: false,
      inFlight: 0,
    });
  });

  test("opens when half of twenty outcomes failed", () => {
    const handle = provider();
    for (let each = 0; each < 20; each += 1) {
      expect(laneHealth(handle, START_MS).breaker).toBe("closed");
      permit(handle, `${each}`, START_MS);
      handle.send(outcome(`${each}`, each % 2 === 0 ? "ok" : "bad", START_MS));
    }
    expect(laneHealth(handle, START_MS).breaker).toBe("open");
  });

  test("does not count what is the client's doing, nor throttling", () => {
    const handle = provider();
    for (let each = 0; each < 50; each += 1) {
      permit(handle, `n${each}`, START_MS);
      handle.send(outcome(`n${each}`, "neutral", START_MS));
    }
    for (let each = 0; each < 50; each += 1) {
      const atMs = START_MS + each * 70_000;
      permit(handle, `t${each}`, atMs);
      handle.send(outcome(`t${each}`, "throttled", atMs));
    }
    expect(handle.breaker()).toBe("closed");
  });

  test("is not kept from opening by throttled and neutral answers between the failures", () => {
    const handle = provider();
    for (let each = 0; each < 10; each += 1) {
      const atMs = START_MS + each * 5_000;
      for (const kind of ["throttled", "neutral", "bad"] as const) {
        permit(handle, `${kind}_${each}`, atMs);
      }
      handle.send(outcome(`throttled_${each}`, "throttled", atMs, { retryAfterMs: 1 }));
      handle.send(outcome(`neutral_${each}`, "neutral", atMs));
      handle.send(outcome(`bad_${each}`, "bad", atMs));
    }
    expect(handle.breaker()).toBe("open");
  });

  test("counts an attempt once, and one it never permitted not at all", () => {
    const handle = provider();
    permit(handle, "1", START_MS);
    for (let each = 0; each < 30; each += 1) handle.send(outcome("1", "bad", START_MS));
    for (let each = 0; each < 30; each += 1) handle.send(outcome("unknown", "bad", START_MS));
    expect(handle.breaker()).toBe("closed");
  });

  test("lets three attempts through when its time has passed, and refuses the fourth at once", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    expect(laneHealth(handle, atMs)).toEqual({
      breaker: "half_open",
      isForced: false,
      availableAtMs: null,
      lastResortAtMs: null,
      restsFor: null,
      startsSlowly: false,
      inFlight: 0,
    });
    const answers = ["1", "2", "3", "4"].map((attemptId) => permit(handle, attemptId, atMs));
    const probe = { generation: 3, probe: true };
    expect(answers).toEqual([probe, probe, probe, providerRefusal(TRYING, 1_000)]);
    expect(laneHealth(handle, atMs)).toEqual({
      breaker: "half_open",
      isForced: false,
      availableAtMs: atMs + 1_000,
      lastResortAtMs: atMs + 1_000,
      restsFor: "probes",
      startsSlowly: false,
      inFlight: 3,
    });
  });

  test("lets a last resort through each second, also where the clock steps back in between", () => {
    const handle = opened();
    const last = { isLastResort: true };
    const atMs = START_MS + 2_000;
    expect(permit(handle, "one", atMs, last)).toMatchObject({ probe: false });
    expect(permit(handle, "soon", atMs + 999, last)).toMatchObject({
      code: "provider_unavailable",
    });
    const backMs = atMs - 600_000;
    expect(permit(handle, "back", backMs, last)).toMatchObject({ probe: false });
    expect(permit(handle, "soon again", backMs + 999, last)).toMatchObject({
      code: "provider_unavailable",
    });
    expect(permit(handle, "then", backMs + 1_000, last)).toMatchObject({ probe: false });
  });

  test("closes at the third success and starts anew", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    for (const attemptId of ["1", "2", "3"]) {
      permit(handle, attemptId, atMs);
      handle.send(outcome(attemptId, "ok", atMs));
    }
    expect(permit(handle, "4", atMs)).toEqual({ generation: 4, probe: false });
    for (let each = 0; each < 9; each += 1) {
      permit(handle, `bad_${each}`, atMs, { isLastResort: true });
      handle.send(outcome(`bad_${each}`, "bad", atMs));
    }
    expect(handle.breaker()).toBe("closed");
  });

  test("opens again at the first failed attempt, for twice as long each time", () => {
    const handle = opened();
    let atMs = START_MS + 5_000;
    for (const openMs of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
      permit(handle, `probe_${openMs}_${atMs}`, atMs);
      handle.send(outcome(`probe_${openMs}_${atMs}`, "bad", atMs));
      expect(permit(handle, "early", atMs)).toEqual(providerRefusal(RESTING, openMs));
      atMs += openMs;
    }
  });

  test("opens for the first time's length again once it was closed in between", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    permit(handle, "fails", atMs);
    handle.send(outcome("fails", "bad", atMs));
    const laterMs = atMs + 10_000;
    for (const attemptId of ["1", "2", "3"]) {
      permit(handle, attemptId, laterMs);
      handle.send(outcome(attemptId, "ok", laterMs));
    }
    for (let each = 0; each < 10; each += 1) {
      permit(handle, `again_${each}`, laterMs, { isLastResort: true });
      handle.send(outcome(`again_${each}`, "bad", laterMs));
    }
    expect(permit(handle, "early", laterMs)).toEqual(providerRefusal(RESTING, 5_000));
    const probe = { generation: 8, probe: true };
    const answers = ["a", "b", "c"].map((attemptId) => permit(handle, attemptId, laterMs + 5_000));
    expect(answers).toEqual([probe, probe, probe]);
  });

  test("does not hear outcomes of attempts that an earlier generation permitted", () => {
    const handle = provider();
    for (let each = 0; each < 60; each += 1) permit(handle, `old_${each}`, START_MS);
    for (let each = 0; each < 10; each += 1) handle.send(outcome(`old_${each}`, "bad", START_MS));
    expect(handle.breaker()).toBe("open");
    const atMs = START_MS + 5_000;
    permit(handle, "probe", atMs);
    for (let each = 10; each < 30; each += 1) handle.send(outcome(`old_${each}`, "bad", atMs));
    for (let each = 30; each < 60; each += 1) handle.send(outcome(`old_${each}`, "ok", atMs));
    expect(handle.breaker()).toBe("half_open");
  });

  test("spreads its reopening by a fifth to either side", () => {
    for (const [jitter, openMs] of [
      [0, 4_000],
      [0.999_999, 6_000],
    ] as const) {
      const handle = provider();
      for (let each = 0; each < 10; each += 1) {
        permit(handle, `${each}`, START_MS);
        handle.send(outcome(`${each}`, "bad", START_MS, { jitter }));
      }
      expect(permit(handle, "next", START_MS)).toEqual(providerRefusal(RESTING, openMs));
    }
  });

  test("lets another attempt through when one stays without an outcome, and still hears it", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    for (const attemptId of ["1", "2", "3"]) permit(handle, attemptId, atMs);
    expect(permit(handle, "4", atMs + 59_999)).toEqual(providerRefusal(TRYING, 1_000));
    expect(permit(handle, "4", atMs + 60_000)).toEqual({ generation: 3, probe: true });
    for (const attemptId of ["1", "2", "3"]) {
      expect(handle.breaker()).toBe("half_open");
      handle.send(outcome(attemptId, "ok", atMs + 61_000));
    }
    expect(handle.breaker()).toBe("closed");
  });

  test("gives the place of an attempt that ended without an outcome to another", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    for (const attemptId of ["1", "2", "3"]) permit(handle, attemptId, atMs);
    handle.send(providerEnd("1", atMs));
    handle.send(outcome("2", "neutral", atMs));
    const probe = { generation: 3, probe: true };
    expect([permit(handle, "4", atMs), permit(handle, "5", atMs)]).toEqual([probe, probe]);
    expect(permit(handle, "6", atMs)).toEqual(providerRefusal(TRYING, 1_000));
  });
});
