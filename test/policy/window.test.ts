/** Guarantee: every moment lies in exactly one window, which begins where its calendar says. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { windowOf } from "../../actors/policy/window.ts";
import { table } from "./table.ts";

const WINDOWS = table(
  ["kind", "zone", "at", "start", "end"],
  `
  kind  | zone                | at                       | start                    | end
  day   | UTC                 | 2026-03-01T00:00:00.000Z | 2026-03-01T00:00:00.000Z | 2026-03-02T00:00:00.000Z
  day   | UTC                 | 2026-03-01T23:59:59.999Z | 2026-03-01T00:00:00.000Z | 2026-03-02T00:00:00.000Z
  day   | Etc/UTC             | 2024-02-29T12:00:00.000Z | 2024-02-29T00:00:00.000Z | 2024-03-01T00:00:00.000Z
  month | UTC                 | 2024-02-29T12:00:00.000Z | 2024-02-01T00:00:00.000Z | 2024-03-01T00:00:00.000Z  # a leap month
  month | UTC                 | 2026-12-31T23:59:59.999Z | 2026-12-01T00:00:00.000Z | 2027-01-01T00:00:00.000Z
  day   | Asia/Kathmandu      | 2026-05-01T18:14:59.999Z | 2026-04-30T18:15:00.000Z | 2026-05-01T18:15:00.000Z  # +5:45
  month | Asia/Kathmandu      | 2026-04-30T18:15:00.000Z | 2026-04-30T18:15:00.000Z | 2026-05-31T18:15:00.000Z
  day   | Europe/Berlin       | 2026-03-29T12:00:00.000Z | 2026-03-28T23:00:00.000Z | 2026-03-29T22:00:00.000Z  # 23 hours
  day   | Europe/Berlin       | 2026-10-25T12:00:00.000Z | 2026-10-24T22:00:00.000Z | 2026-10-25T23:00:00.000Z  # 25 hours
  month | Europe/Berlin       | 2026-03-15T12:00:00.000Z | 2026-02-28T23:00:00.000Z | 2026-03-31T22:00:00.000Z
  day   | America/New_York    | 2026-03-08T06:59:59.000Z | 2026-03-08T05:00:00.000Z | 2026-03-09T04:00:00.000Z
  day   | America/New_York    | 2026-11-01T06:30:00.000Z | 2026-11-01T04:00:00.000Z | 2026-11-02T05:00:00.000Z
  day   | America/St_Johns    | 2026-03-08T12:00:00.000Z | 2026-03-08T03:30:00.000Z | 2026-03-09T02:30:00.000Z  # -3:30 to -2:30
  day   | America/St_Johns    | 2010-11-07T02:30:30.000Z | 2010-11-07T02:30:00.000Z | 2010-11-08T03:30:00.000Z  # a minute after midnight
  day   | America/St_Johns    | 2010-11-07T03:00:00.000Z | 2010-11-07T02:30:00.000Z | 2010-11-08T03:30:00.000Z  # the clock went back to the day before
  month | America/St_Johns    | 2010-11-07T03:00:00.000Z | 2010-11-01T02:30:00.000Z | 2010-12-01T03:30:00.000Z
  day   | Pacific/Chatham     | 2026-09-26T13:00:00.000Z | 2026-09-26T11:15:00.000Z | 2026-09-27T10:15:00.000Z  # +12:45 to +13:45
  day   | Pacific/Chatham     | 2026-04-04T20:00:00.000Z | 2026-04-04T10:15:00.000Z | 2026-04-05T11:15:00.000Z
  day   | America/Havana      | 2026-03-08T05:00:00.000Z | 2026-03-08T05:00:00.000Z | 2026-03-09T04:00:00.000Z  # midnight is skipped
  day   | America/Havana      | 2026-03-08T04:59:59.999Z | 2026-03-07T05:00:00.000Z | 2026-03-08T05:00:00.000Z
  day   | America/Havana      | 2026-11-01T05:30:00.000Z | 2026-11-01T04:00:00.000Z | 2026-11-02T05:00:00.000Z  # midnight comes twice
  day   | Africa/Cairo        | 2026-04-24T12:00:00.000Z | 2026-04-23T22:00:00.000Z | 2026-04-24T21:00:00.000Z  # midnight is skipped
  day   | Pacific/Apia        | 2011-12-31T12:00:00.000Z | 2011-12-31T10:00:00.000Z | 2012-01-01T10:00:00.000Z
  day   | Pacific/Apia        | 2011-12-30T09:59:59.999Z | 2011-12-29T10:00:00.000Z | 2011-12-30T10:00:00.000Z  # the 30th was left out
  day   | Pacific/Apia        | 2011-12-30T10:00:00.000Z | 2011-12-30T10:00:00.000Z | 2011-12-31T10:00:00.000Z
  month | Pacific/Apia        | 2011-12-31T09:59:59.999Z | 2011-12-01T10:00:00.000Z | 2011-12-31T10:00:00.000Z
  `,
);

describe("the window", () => {
  for (const { kind, zone, at, start, end } of WINDOWS) {
    test(`${kind} of ${zone} at ${at}`, () => {
      const { startMs, endMs } = windowOf(kind === "day" ? "day" : "month", zone, Date.parse(at));
      expect({
        start: new Date(startMs).toISOString(),
        end: new Date(endMs ?? Number.NaN).toISOString(),
      }).toEqual({ start, end });
    });
  }

  test("total has no end, whatever the zone", () => {
    expect(windowOf("total", "Asia/Kathmandu", Date.parse("2026-03-01T00:00:00Z"))).toEqual({
      startMs: 0,
      endMs: null,
    });
  });

  test("of a zone that does not exist is an error, not a guess", () => {
    expect(() => windowOf("day", "Mars/Olympus", 0)).toThrow(RangeError);
  });
});

const ZONES = [
  "UTC",
  "Asia/Kathmandu",
  "Pacific/Chatham",
  "America/St_Johns",
  "Europe/Berlin",
  "America/New_York",
  "America/Havana",
  "America/Santiago",
  "Africa/Cairo",
  "Asia/Beirut",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Kiritimati",
];

test("any moment of any zone lies in one window, which its neighbours touch", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.constantFrom("day" as const, "month" as const),
      fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2060, 0) }),
      (zone, kind, atMs) => {
        const { startMs, endMs } = windowOf(kind, zone, atMs);
        expect(startMs).toBeLessThanOrEqual(atMs);
        expect(atMs).toBeLessThan(endMs ?? Number.NaN);
        expect(windowOf(kind, zone, startMs)).toEqual({ startMs, endMs });
        expect(windowOf(kind, zone, (endMs ?? 0) - 1)).toEqual({ startMs, endMs });
        expect(windowOf(kind, zone, endMs ?? 0).startMs).toBe(endMs ?? 0);
        expect(windowOf(kind, zone, startMs - 1).endMs).toBe(startMs);
      },
    ),
    { numRuns: 400 },
  );
});

test("every day of two years begins at local midnight, or at one where midnight is skipped", () => {
  const skipped: string[] = [];
  for (const zone of ZONES) {
    const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "short" });
    let atMs = Date.UTC(2025, 0, 1);
    while (atMs < Date.UTC(2027, 0, 1)) {
      const { startMs, endMs } = windowOf("day", zone, atMs);
      expect(clock.format(startMs - 60_000)).toBe("23:59");
      const begins = clock.format(startMs);
      if (begins !== "00:00") {
        skipped.push(`${zone} ${new Date(startMs).toISOString().slice(0, 10)} ${begins}`);
      }
      atMs = endMs ?? Number.NaN;
    }
  }
  expect(skipped).toEqual([
    "America/Havana 2025-03-09 01:00",
    "America/Havana 2026-03-08 01:00",
    "America/Santiago 2025-09-07 01:00",
    "America/Santiago 2026-09-06 01:00",
    "Africa/Cairo 2025-04-24 01:00",
    "Africa/Cairo 2026-04-23 01:00",
    "Asia/Beirut 2025-03-29 01:00",
    "Asia/Beirut 2026-03-28 01:00",
  ]);
});
