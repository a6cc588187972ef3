/** The traps that keep the real world out of a run are themselves set, and taken away again. */
import { describe, expect, test } from "bun:test";
import { inSimulation, RealWorldError } from "./trap.ts";

const WAYS: Readonly<Record<string, () => unknown>> = {
  "Date.now": () => Date.now(),
  "new Date()": () => new Date(),
  "Date()": () => Date(),
  "performance.now": () => performance.now(),
  "Math.random": () => Math.random(),
  setTimeout: () => setTimeout(() => undefined, 1),
  setInterval: () => setInterval(() => undefined, 1),
  "process.hrtime": () => process.hrtime(),
  "Bun.nanoseconds": () => Bun.nanoseconds(),
  "Bun.sleep": () => Bun.sleep(1),
  "crypto.randomUUID": () => crypto.randomUUID(),
  "crypto.getRandomValues": () => crypto.getRandomValues(new Uint8Array(1)),
  "Bun.randomUUIDv7": () => Bun.randomUUIDv7(),
  fetch: () => fetch("http://127.0.0.1:1/"),
};

describe("simulated code cannot reach", () => {
  for (const [name, reach] of Object.entries(WAYS)) {
    test(name, () => {
      expect(() => inSimulation(() => undefined, reach)).toThrow(RealWorldError);
    });
  }
});

test("a date of a given time is still a date, and setImmediate belongs to the simulator", () => {
  const steps: (() => void)[] = [];
  const date = inSimulation(
    (step) => steps.push(step),
    () => {
      setImmediate(() => undefined);
      return new Date(86_400_000);
    },
  );
  expect(date.toISOString()).toBe("1970-01-02T00:00:00.000Z");
  expect(date).toBeInstanceOf(Date);
  expect(steps).toHaveLength(1);
});

function fail(): never {
  throw new Error("within");
}

test("afterwards everything is as it was, also when the run failed", () => {
  const before = [Date, setTimeout, Math.random, fetch, setImmediate];
  expect(() => inSimulation(() => undefined, fail)).toThrow("within");
  expect([Date, setTimeout, Math.random, fetch, setImmediate]).toEqual(before);
  expect(crypto.randomUUID()).toHaveLength(36);
  expect(Date.now()).toBeGreaterThan(0);
});
