/** What a lane's actor guarantees of its rests, its last resorts, its way back, and its operator. */
import { describe, expect, test } from "bun:test";
import { createProviderCommons } from "../../actors/provider-commons.ts";
import { isForgettable, laneHealth, type ProviderHandle } from "../../actors/provider.ts";
import type { OutcomeKind } from "../../actors/provider-contract.ts";
import {
  laneInput,
  opened,
  outcome,
  permit,
  provider,
  providerEnd,
  providerRefusal,
  RESTING,
  START_MS,
} from "./fixtures.ts";

const EMPTY = "The provider's account has no credit or quota left.";
const REFUSED = "The provider does not accept the gateway's credential.";
const LAST = { isLastResort: true };
const MINUTE_MS = 60_000;

function meet(handle: ProviderHandle, attemptId: string, kind: OutcomeKind, atMs: number): void {
  permit(handle, attemptId, atMs, LAST);
  handle.send(outcome(attemptId, kind, atMs));
  handle.send(providerEnd(attemptId, atMs));
}

function close(handle: ProviderHandle, atMs: number): void {
  for (const attemptId of ["p1", "p2", "p3"]) meet(handle, attemptId, "ok", atMs);
  expect(handle.breaker()).toBe("closed");
}

describe("a lane whose credential is refused", () => {
  test("rests for a minute, doubled each time up to ten, and serves last resorts meanwhile", () => {
    const handle = provider();
    let atMs = START_MS;
    for (const minutes of [1, 2, 4, 8, 10, 10]) {
      meet(handle, `a${atMs}_${minutes}`, "refused_credential", atMs);
      expect(permit(handle, "next", atMs)).toEqual(providerRefusal(REFUSED, minutes * MINUTE_MS));
      expect(laneHealth(handle, atMs)).toMatchObject({
        restsFor: "credential_refused",
        lastResortAtMs: null,
      });
      atMs += minutes * MINUTE_MS;
      expect(permit(handle, "next", atMs)).toEqual({ generation: 1, probe: false });
      handle.send(providerEnd("next", atMs));
    }
  });

  test("counts a burst that is refused as one only once", () => {
    const handle = provider();
    for (let each = 0; each < 50; each += 1) permit(handle, `${each}`, START_MS);
    for (let each = 0; each < 50; each += 1) {
      handle.send(outcome(`${each}`, "refused_credential", START_MS + 5));
    }
    expect(permit(handle, "next", START_MS + 5)).toEqual(providerRefusal(REFUSED, MINUTE_MS));
  });

  test("is used again once something that was sent later is answered, and not before", () => {
    const handle = provider();
    permit(handle, "early", START_MS);
    meet(handle, "refused", "refused_credential", START_MS + 1);
    handle.send(outcome("early", "ok", START_MS + 2));
    expect(permit(handle, "next", START_MS + 2)).toEqual(providerRefusal(REFUSED, MINUTE_MS - 1));
    meet(handle, "late", "ok", START_MS + 3);
    expect(permit(handle, "next", START_MS + 3)).toEqual({ generation: 1, probe: false });
  });
});

test("a lane whose account is empty rests for five minutes, and never opens its breaker", () => {
  const handle = provider();
  for (let each = 0; each < 30; each += 1) meet(handle, `${each}`, "exhausted", START_MS);
  expect(handle.breaker()).toBe("closed");
  expect(permit(handle, "next", START_MS)).toEqual(providerRefusal(EMPTY, 5 * MINUTE_MS));
  expect(laneHealth(handle, START_MS)).toMatchObject({ restsFor: "exhausted" });
});

describe("a last resort", () => {
  test("passes an open breaker once a second, the first a second after it opened", () => {
    const handle = opened();
    const passed = [];
    for (let atMs = START_MS; atMs < START_MS + 5_000; atMs += 100) {
      const answer = permit(handle, `a${atMs}`, atMs, LAST);
      if (typeof answer === "object" && answer !== null && "generation" in answer) {
        passed.push(atMs - START_MS);
      }
    }
    expect(passed).toEqual([1_000, 2_000, 3_000, 4_000]);
    expect(permit(handle, "plain", START_MS + 4_999)).toEqual(providerRefusal(RESTING, 1));
  });

  test("that is answered ends the open time; one that fails changes nothing", () => {
    const handle = opened();
    meet(handle, "fails", "bad", START_MS + 1_000);
    expect(handle.breaker()).toBe("open");
    meet(handle, "answered", "ok", START_MS + 2_000);
    expect(handle.breaker()).toBe("half_open");
    close(handle, START_MS + 2_000);
  });
});

describe("a breaker that has closed", () => {
  test("lets a tenth pass at first, and says so; last resorts pass all the same", () => {
    const handle = opened();
    const atMs = START_MS + 5_000;
    close(handle, atMs);
    const answers = Array.from({ length: 20 }, (_, each) => permit(handle, `s${each}`, atMs));
    const held = providerRefusal(
      "The provider gets its requests back step by step after failures.",
      1_000,
    );
    const given = { generation: 4, probe: false };
    expect(answers).toEqual(
      Array.from({ length: 20 }, (_, each) => (each % 10 === 0 ? given : held)),
    );
    expect(permit(handle, "last", atMs, LAST)).toEqual(given);
    expect(laneHealth(handle, atMs)).toMatchObject({ startsSlowly: true, availableAtMs: null });
    expect(laneHealth(handle, atMs + 30_000).startsSlowly).toBe(false);
    for (let each = 0; each < 20; each += 1) {
      expect(permit(handle, `f${each}`, atMs + 30_000)).toEqual(given);
    }
  });
});

function force(handle: ProviderHandle, to: "open" | "closed" | null): void {
  handle.send({ type: "breaker.force", to, atMs: START_MS });
}

describe("an operator's word", () => {
  test("keeps it open for last resorts too, from the start where it says so", () => {
    for (const handle of [provider({ forced: "open" }), provider()]) {
      force(handle, "open");
      const refusal = providerRefusal("The provider is switched off for now.", 60_000);
      expect(permit(handle, "last", START_MS, LAST)).toEqual(refusal);
      expect(laneHealth(handle, START_MS)).toMatchObject({
        breaker: "open",
        isForced: true,
        restsFor: "forced",
        lastResortAtMs: Number.POSITIVE_INFINITY,
      });
      force(handle, null);
      expect(laneHealth(handle, START_MS)).toMatchObject({ breaker: "closed", startsSlowly: true });
    }
  });

  test("keeps it closed whatever fails, but obeys the provider's own", () => {
    const handle = opened();
    force(handle, "closed");
    for (let each = 0; each < 30; each += 1) meet(handle, `x${each}`, "bad", START_MS);
    expect(permit(handle, "next", START_MS)).toMatchObject({ probe: false });
    handle.send(outcome("next", "throttled", START_MS, { retryAfterMs: 7_000 }));
    expect(permit(handle, "later", START_MS, LAST)).toMatchObject({ retryAfterMs: 7_000 });
    force(handle, null);
    expect(laneHealth(handle, START_MS)).toMatchObject({ isForced: false, startsSlowly: false });
  });
});

test("lanes of one provider share its retry budget, and count what it refuses", () => {
  const commons = createProviderCommons({ providerId: "prv_1", atMs: START_MS });
  const [one, other] = ["a", "b"].map((family) => provider({ commons, family }));
  if (one === undefined || other === undefined) throw new Error("two were made");
  permit(one, "1", START_MS);
  permit(other, "2", START_MS);
  const again = { isRepeat: true };
  const answers = Array.from({ length: 6 }, (_, each) =>
    permit(each % 2 === 0 ? one : other, `r${each}`, START_MS, again),
  );
  const given = { generation: 1, probe: false };
  expect(answers).toEqual([
    ...Array.from({ length: 5 }, () => given),
    // Two first attempts have earned two tenths.
    providerRefusal("The provider fails too often for attempts to be repeated now.", 4_000),
  ]);
  expect(commons.refused).toMatchObject({ retry_budget: 1, breaker: 0 });
});

test("a lane is forgotten only when nothing is under way and nothing is remembered", () => {
  const handle = provider(laneInput());
  expect(isForgettable(handle, START_MS)).toBe(true);
  meet(handle, "1", "ok", START_MS);
  expect(isForgettable(handle, START_MS)).toBe(false);
  expect(isForgettable(handle, START_MS + 31_000)).toBe(true);
  permit(handle, "2", START_MS + 31_000);
  expect(isForgettable(handle, START_MS + 31_000)).toBe(false);
  handle.send(outcome("2", "exhausted", START_MS + 31_000));
  handle.send(providerEnd("2", START_MS + 31_000));
  expect(isForgettable(handle, START_MS + 61_000)).toBe(false);
  expect(isForgettable(opened(), START_MS + 1_000)).toBe(false);
});
