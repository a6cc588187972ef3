/** What is said of many exchanges: how they ended, how long they took, how it went over time. */
import { describe, expect, test } from "bun:test";
import {
  endsOf,
  isPoliteRefusal,
  isSuccess,
  latencyOf,
  lateSends,
  plannedBetween,
  RUDE,
  slotsOf,
} from "../../bench/exchange-log.ts";
import { packLog, unpackLog } from "../../bench/generator/contract.ts";
import { exchanges } from "./exchanges.ts";

const REFUSED = "503 provider_unavailable";

describe("a log of exchanges", () => {
  test("tells over time what was offered, answered and refused", () => {
    // The second half of two seconds is refused, after a while.
    const log = exchanges(20, 100, (plannedMs) =>
      plannedMs < 1_000 ? { tookMs: 50 } : { tookMs: 150, label: REFUSED },
    );
    expect(slotsOf(log, { slotMs: 500, untilMs: 2_200 })).toEqual([
      {
        fromMs: 0,
        offeredPerSecond: 10,
        successShare: 1,
        succeededPerSecond: 10,
        failedPerSecond: 0,
        p99Ms: expect.closeTo(50, 0),
      },
      {
        fromMs: 500,
        offeredPerSecond: 10,
        successShare: 1,
        succeededPerSecond: 10,
        failedPerSecond: 0,
        p99Ms: expect.closeTo(50, 0),
      },
      {
        fromMs: 1_000,
        offeredPerSecond: 10,
        successShare: 0,
        succeededPerSecond: 0,
        failedPerSecond: 8,
        p99Ms: undefined,
      },
      {
        fromMs: 1_500,
        offeredPerSecond: 10,
        successShare: 0,
        succeededPerSecond: 0,
        failedPerSecond: 10,
        p99Ms: undefined,
      },
    ]);
  });

  test("measures from the planned start, of those that succeeded alone", () => {
    const log = exchanges(4, 100, (plannedMs) => ({
      sentMs: plannedMs + 60,
      tookMs: plannedMs === 300 ? 5_000 : 80,
      label: plannedMs === 300 ? REFUSED : "200",
    }));
    expect(latencyOf(log.exchanges)).toMatchObject({ count: 3, maxMs: expect.closeTo(80, 0) });
    expect(lateSends(log.exchanges)).toBe(4);
    expect(plannedBetween(log, 100, 300)).toHaveLength(2);
    expect(endsOf(log.exchanges)).toEqual([
      { label: "200", count: 3 },
      { label: REFUSED, count: 1 },
    ]);
  });

  test("knows a refusal that says when to come back from one that does not", () => {
    const [one] = exchanges(1, 1).exchanges;
    if (one === undefined) throw new Error("there is one");
    const labels = ["200", REFUSED, `429 rate_limit_exceeded${RUDE}`, "429", "502 upstream_error"];
    const judged = labels.map((label) => [
      isSuccess({ ...one, label }),
      isPoliteRefusal({ ...one, label }),
    ]);
    expect(judged).toEqual([
      [true, false],
      [false, true],
      [false, false],
      [false, true],
      [false, false],
    ]);
  });

  test("travels between processes as rows and comes back as it was", () => {
    const log = exchanges(3, 1.5, (plannedMs) => ({
      firstFrameMs: plannedMs === 0 ? undefined : plannedMs + 2.25,
      label: plannedMs === 3 ? REFUSED : "200",
    }));
    const packed = packLog(log);
    expect(packed.labels).toEqual(["200", REFUSED]);
    expect(unpackLog(JSON.parse(JSON.stringify(packed)))).toEqual(log);
  });
});
