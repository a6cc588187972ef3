/** Guarantee: every window begins and ends where its calendar says, by values worked out by hand. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  windowBefore,
  windowOf,
  type WindowAnchor,
  type WindowKind,
  type WindowTerms,
} from "../../actors/policy/window.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { table } from "./table.ts";

const WINDOWS = table(
  ["kind", "anchor", "zone", "at", "start", "end"],
  `
  kind  | anchor           | zone                | at                       | start                    | end
  hour  | -                | UTC                 | 2026-03-01T10:59:59.999Z | 2026-03-01T10:00:00.000Z | 2026-03-01T11:00:00.000Z
  hour  | hour 5           | UTC                 | 2026-03-01T11:00:00.000Z | 2026-03-01T11:00:00.000Z | 2026-03-01T12:00:00.000Z  # an hour has no anchor
  hour  | -                | Asia/Kathmandu      | 2026-05-01T10:14:59.999Z | 2026-05-01T09:15:00.000Z | 2026-05-01T10:15:00.000Z  # +5:45
  hour  | -                | America/St_Johns    | 2026-05-01T10:14:59.999Z | 2026-05-01T09:30:00.000Z | 2026-05-01T10:30:00.000Z  # -2:30
  hour  | -                | Europe/Berlin       | 2026-10-25T00:30:00.000Z | 2026-10-25T00:00:00.000Z | 2026-10-25T01:00:00.000Z  # 02:30 for the first time
  hour  | -                | Europe/Berlin       | 2026-10-25T01:30:00.000Z | 2026-10-25T01:00:00.000Z | 2026-10-25T02:00:00.000Z  # and again
  hour  | -                | Europe/Berlin       | 2026-03-29T00:59:59.999Z | 2026-03-29T00:00:00.000Z | 2026-03-29T01:00:00.000Z
  hour  | -                | Europe/Berlin       | 2026-03-29T01:00:00.000Z | 2026-03-29T01:00:00.000Z | 2026-03-29T02:00:00.000Z  # shows 03:00
  hour  | -                | Australia/Lord_Howe | 2026-04-04T14:59:59.999Z | 2026-04-04T14:00:00.000Z | 2026-04-04T15:00:00.000Z  # 01:00 to 02:00
  hour  | -                | Australia/Lord_Howe | 2026-04-04T15:00:00.000Z | 2026-04-04T15:00:00.000Z | 2026-04-04T15:30:00.000Z  # back to 01:30
  hour  | -                | Australia/Lord_Howe | 2026-04-04T15:30:00.000Z | 2026-04-04T15:30:00.000Z | 2026-04-04T16:30:00.000Z
  hour  | -                | Australia/Lord_Howe | 2026-10-03T15:45:00.000Z | 2026-10-03T15:30:00.000Z | 2026-10-03T16:00:00.000Z  # on to 02:30
  hour  | -                | Asia/Pyongyang      | 2018-05-04T14:59:59.999Z | 2018-05-04T14:30:00.000Z | 2018-05-04T15:00:00.000Z  # from 23:30 to 00:00
  hour  | -                | Asia/Kathmandu      | 1985-12-31T18:30:00.000Z | 1985-12-31T18:30:00.000Z | 1985-12-31T19:15:00.000Z  # from +5:30 to +5:45
  hour  | -                | Pacific/Apia        | 2011-12-30T09:59:59.999Z | 2011-12-30T09:00:00.000Z | 2011-12-30T10:00:00.000Z
  hour  | -                | America/St_Johns    | 2010-11-07T02:45:00.000Z | 2010-11-07T02:30:00.000Z | 2010-11-07T03:30:00.000Z  # from 00:01 to 23:01

  day   | -                | UTC                 | 2026-03-01T00:00:00.000Z | 2026-03-01T00:00:00.000Z | 2026-03-02T00:00:00.000Z
  day   | -                | UTC                 | 2026-03-01T23:59:59.999Z | 2026-03-01T00:00:00.000Z | 2026-03-02T00:00:00.000Z
  day   | -                | Etc/UTC             | 2024-02-29T12:00:00.000Z | 2024-02-29T00:00:00.000Z | 2024-03-01T00:00:00.000Z
  day   | hour 6           | UTC                 | 2026-03-01T05:59:59.999Z | 2026-02-28T06:00:00.000Z | 2026-03-01T06:00:00.000Z
  day   | hour 23          | UTC                 | 1969-12-31T23:00:00.000Z | 1969-12-31T23:00:00.000Z | 1970-01-01T23:00:00.000Z
  day   | weekday 3 day 9  | UTC                 | 2026-03-01T12:00:00.000Z | 2026-03-01T00:00:00.000Z | 2026-03-02T00:00:00.000Z  # not for days
  day   | -                | Asia/Kathmandu      | 2026-05-01T18:14:59.999Z | 2026-04-30T18:15:00.000Z | 2026-05-01T18:15:00.000Z  # +5:45
  day   | -                | Europe/Berlin       | 2026-03-29T12:00:00.000Z | 2026-03-28T23:00:00.000Z | 2026-03-29T22:00:00.000Z  # 23 hours
  day   | -                | Europe/Berlin       | 2026-10-25T12:00:00.000Z | 2026-10-24T22:00:00.000Z | 2026-10-25T23:00:00.000Z  # 25 hours
  day   | hour 2           | Europe/Berlin       | 2026-03-29T00:59:59.999Z | 2026-03-28T01:00:00.000Z | 2026-03-29T01:00:00.000Z
  day   | hour 2           | Europe/Berlin       | 2026-03-29T01:00:00.000Z | 2026-03-29T01:00:00.000Z | 2026-03-30T00:00:00.000Z  # 02:00 is skipped
  day   | hour 2           | Europe/Berlin       | 2026-10-25T01:30:00.000Z | 2026-10-25T00:00:00.000Z | 2026-10-26T01:00:00.000Z  # 02:00 comes twice
  day   | hour 3           | Europe/Berlin       | 2026-10-25T01:30:00.000Z | 2026-10-24T01:00:00.000Z | 2026-10-25T02:00:00.000Z
  day   | hour 6           | America/New_York    | 2026-03-08T09:59:59.999Z | 2026-03-07T11:00:00.000Z | 2026-03-08T10:00:00.000Z
  day   | -                | America/New_York    | 2026-03-08T06:59:59.000Z | 2026-03-08T05:00:00.000Z | 2026-03-09T04:00:00.000Z
  day   | -                | America/New_York    | 2026-11-01T06:30:00.000Z | 2026-11-01T04:00:00.000Z | 2026-11-02T05:00:00.000Z
  day   | -                | America/St_Johns    | 2026-03-08T12:00:00.000Z | 2026-03-08T03:30:00.000Z | 2026-03-09T02:30:00.000Z  # -3:30 to -2:30
  day   | -                | America/St_Johns    | 2010-11-07T02:30:30.000Z | 2010-11-07T02:30:00.000Z | 2010-11-08T03:30:00.000Z  # a minute after midnight
  day   | -                | America/St_Johns    | 2010-11-07T03:00:00.000Z | 2010-11-07T02:30:00.000Z | 2010-11-08T03:30:00.000Z  # the clock went back to the day before
  day   | hour 1           | America/St_Johns    | 2010-03-14T03:44:59.999Z | 2010-03-13T04:30:00.000Z | 2010-03-14T03:45:00.000Z  # 00:01 to 01:01 at 03:31
  day   | -                | Australia/Lord_Howe | 2026-04-04T20:00:00.000Z | 2026-04-04T13:00:00.000Z | 2026-04-05T13:30:00.000Z  # 24 1/2 hours
  day   | -                | Pacific/Chatham     | 2026-09-26T13:00:00.000Z | 2026-09-26T11:15:00.000Z | 2026-09-27T10:15:00.000Z  # +12:45 to +13:45
  day   | -                | Pacific/Chatham     | 2026-04-04T20:00:00.000Z | 2026-04-04T10:15:00.000Z | 2026-04-05T11:15:00.000Z
  day   | -                | America/Havana      | 2026-03-08T05:00:00.000Z | 2026-03-08T05:00:00.000Z | 2026-03-09T04:00:00.000Z  # midnight is skipped
  day   | -                | America/Havana      | 2026-03-08T04:59:59.999Z | 2026-03-07T05:00:00.000Z | 2026-03-08T05:00:00.000Z
  day   | -                | America/Havana      | 2026-11-01T05:30:00.000Z | 2026-11-01T04:00:00.000Z | 2026-11-02T05:00:00.000Z  # midnight comes twice
  day   | -                | Africa/Cairo        | 2026-04-24T12:00:00.000Z | 2026-04-23T22:00:00.000Z | 2026-04-24T21:00:00.000Z  # midnight is skipped
  day   | -                | Antarctica/Troll    | 2026-03-29T12:00:00.000Z | 2026-03-29T00:00:00.000Z | 2026-03-29T22:00:00.000Z  # two hours at once
  day   | -                | Pacific/Apia        | 2011-12-31T12:00:00.000Z | 2011-12-31T10:00:00.000Z | 2012-01-01T10:00:00.000Z
  day   | -                | Pacific/Apia        | 2011-12-30T09:59:59.999Z | 2011-12-29T10:00:00.000Z | 2011-12-30T10:00:00.000Z  # the 30th was left out
  day   | -                | Pacific/Apia        | 2011-12-30T10:00:00.000Z | 2011-12-30T10:00:00.000Z | 2011-12-31T10:00:00.000Z
  day   | hour 12          | Pacific/Apia        | 2011-12-30T10:00:00.000Z | 2011-12-30T10:00:00.000Z | 2011-12-30T22:00:00.000Z  # what is left of the day from the 30th

  week  | -                | UTC                 | 2026-03-01T23:59:59.999Z | 2026-02-23T00:00:00.000Z | 2026-03-02T00:00:00.000Z
  week  | -                | UTC                 | 1970-01-01T00:00:00.000Z | 1969-12-29T00:00:00.000Z | 1970-01-05T00:00:00.000Z
  week  | weekday 7        | UTC                 | 2026-03-01T00:00:00.000Z | 2026-03-01T00:00:00.000Z | 2026-03-08T00:00:00.000Z
  week  | -                | Europe/Berlin       | 2026-03-29T21:59:59.999Z | 2026-03-22T23:00:00.000Z | 2026-03-29T22:00:00.000Z  # an hour short
  week  | weekday 7        | America/New_York    | 2026-11-01T12:00:00.000Z | 2026-11-01T04:00:00.000Z | 2026-11-08T05:00:00.000Z  # an hour long
  week  | weekday 3 hour 9 | Asia/Kolkata        | 2026-03-04T03:29:59.999Z | 2026-02-25T03:30:00.000Z | 2026-03-04T03:30:00.000Z
  week  | -                | Pacific/Apia        | 2011-12-31T00:00:00.000Z | 2011-12-26T10:00:00.000Z | 2012-01-01T10:00:00.000Z  # six days
  week  | weekday 5        | Pacific/Apia        | 2011-12-30T10:00:00.000Z | 2011-12-30T10:00:00.000Z | 2012-01-05T10:00:00.000Z  # its Friday was left out

  month | -                | UTC                 | 2024-02-29T12:00:00.000Z | 2024-02-01T00:00:00.000Z | 2024-03-01T00:00:00.000Z  # a leap month
  month | -                | UTC                 | 2026-12-31T23:59:59.999Z | 2026-12-01T00:00:00.000Z | 2027-01-01T00:00:00.000Z
  month | day 31           | UTC                 | 2026-02-27T23:59:59.999Z | 2026-01-31T00:00:00.000Z | 2026-02-28T00:00:00.000Z
  month | day 31           | UTC                 | 2026-02-28T00:00:00.000Z | 2026-02-28T00:00:00.000Z | 2026-03-31T00:00:00.000Z
  month | day 31           | UTC                 | 2024-02-28T23:59:59.999Z | 2024-01-31T00:00:00.000Z | 2024-02-29T00:00:00.000Z
  month | day 31           | UTC                 | 2100-03-01T00:00:00.000Z | 2100-02-28T00:00:00.000Z | 2100-03-31T00:00:00.000Z  # no leap year
  month | day 29           | UTC                 | 2024-03-01T00:00:00.000Z | 2024-02-29T00:00:00.000Z | 2024-03-29T00:00:00.000Z
  month | day 29           | UTC                 | 2026-03-01T00:00:00.000Z | 2026-02-28T00:00:00.000Z | 2026-03-29T00:00:00.000Z
  month | day 15 hour 12   | UTC                 | 2026-01-15T11:59:59.999Z | 2025-12-15T12:00:00.000Z | 2026-01-15T12:00:00.000Z
  month | day 31 hour 23   | UTC                 | 2026-05-01T00:00:00.000Z | 2026-04-30T23:00:00.000Z | 2026-05-31T23:00:00.000Z
  month | day 31           | Europe/Berlin       | 2026-04-15T12:00:00.000Z | 2026-03-30T22:00:00.000Z | 2026-04-29T22:00:00.000Z
  month | -                | Europe/Berlin       | 2026-03-15T12:00:00.000Z | 2026-02-28T23:00:00.000Z | 2026-03-31T22:00:00.000Z
  month | -                | Asia/Kathmandu      | 2026-04-30T18:15:00.000Z | 2026-04-30T18:15:00.000Z | 2026-05-31T18:15:00.000Z
  month | day 30 hour 18   | Asia/Kathmandu      | 2026-02-28T12:14:59.999Z | 2026-01-30T12:15:00.000Z | 2026-02-28T12:15:00.000Z
  month | -                | Africa/Casablanca   | 2026-03-15T12:00:00.000Z | 2026-03-01T00:00:00.000Z | 2026-03-31T23:00:00.000Z  # +0 in Ramadan, +1 from the 22nd on
  month | -                | America/St_Johns    | 2010-11-07T03:00:00.000Z | 2010-11-01T02:30:00.000Z | 2010-12-01T03:30:00.000Z
  month | -                | Pacific/Apia        | 2011-12-31T09:59:59.999Z | 2011-12-01T10:00:00.000Z | 2011-12-31T10:00:00.000Z
  month | day 30           | Pacific/Apia        | 2011-12-30T10:00:00.000Z | 2011-12-30T10:00:00.000Z | 2012-01-29T10:00:00.000Z
  `,
);

/** `weekday 3 hour 9` */
function anchorOf(cell: string): WindowAnchor | null {
  if (cell === "-") return null;
  const pairs = [...cell.matchAll(/(\w+) (\d+)/g)].map(([, name, value]) => [name, Number(value)]);
  return Object.fromEntries(pairs);
}

function utc(kind: WindowKind, anchor: WindowAnchor | null = null): WindowTerms {
  return { window: kind, timeZone: "UTC", anchor };
}

const KINDS = ["hour", "day", "week", "month"] as const;

describe("the window", () => {
  for (const { kind, anchor, zone, at, start, end } of WINDOWS) {
    test(`${kind} (${anchor}) of ${zone} at ${at}`, () => {
      const window = KINDS.find((each) => each === kind) ?? "total";
      const terms: WindowTerms = { window, timeZone: zone, anchor: anchorOf(anchor) };
      const { startMs, endMs } = windowOf(terms, Date.parse(at));
      expect({
        start: new Date(startMs).toISOString(),
        end: new Date(endMs ?? Number.NaN).toISOString(),
      }).toEqual({ start, end });
    });
  }

  test("total has no end and none before it, whatever the zone", () => {
    const terms: WindowTerms = { window: "total", timeZone: "Asia/Kathmandu", anchor: { day: 3 } };
    const span = windowOf(terms, Date.parse("2026-03-01T00:00:00Z"));
    expect(span).toEqual({ startMs: 0, endMs: null });
    expect(windowBefore(terms, span)).toBeNull();
  });

  test("of a zone that does not exist is an error, not a guess", () => {
    for (const window of KINDS) {
      const terms = { window, timeZone: "Mars/Olympus", anchor: null };
      expect(() => windowOf(terms, 0)).toThrow(RangeError);
    }
  });

  test("of an anchor that no calendar has is an error that says what is possible", () => {
    const wrong: readonly [WindowTerms, string][] = [
      [utc("day", { hour: 24 }), "24 where 0 to 23"],
      [utc("day", { hour: 1.5 }), "1.5 where 0 to 23"],
      [utc("week", { weekday: 0 }), "0 where 1 to 7"],
      [utc("week", { weekday: 8 }), "8 where 1 to 7"],
      [utc("month", { day: 0 }), "0 where 1 to 31"],
      [utc("month", { day: 32 }), "32 where 1 to 31"],
      [utc("month", { hour: -1 }), "-1 where 0 to 23"],
    ];
    for (const [terms, message] of wrong) {
      expect(() => windowOf(terms, 0)).toThrow(AssertionError);
      expect(() => windowOf(terms, 0)).toThrow(message);
    }
  });
});

describe("the window before", () => {
  test("goes back through a year of last days", () => {
    const terms = utc("month", { day: 31 });
    const starts: string[] = [];
    let span = windowOf(terms, Date.parse("2025-01-05T00:00:00Z"));
    while (starts.length < 12) {
      starts.push(new Date(span.startMs).toISOString().slice(0, 10));
      span = windowBefore(terms, span) ?? span;
    }
    expect(starts.join(" ")).toBe(
      "2024-12-31 2024-11-30 2024-10-31 2024-09-30 2024-08-31 2024-07-31 " +
        "2024-06-30 2024-05-31 2024-04-30 2024-03-31 2024-02-29 2024-01-31",
    );
  });

  test("refuses a span of other terms, whose windows would overlap", () => {
    const day = windowOf(utc("day"), Date.parse("2026-03-10T12:00:00Z"));
    expect(() => windowBefore(utc("month"), day)).toThrow(AssertionError);
  });
});

test("the zone that the process itself runs in changes nothing", () => {
  const module = join(import.meta.dir, "../../actors/policy/window.ts");
  const cases = WINDOWS.filter((_, index) => index % 3 === 0).map(({ kind, anchor, zone, at }) => ({
    terms: { window: kind, timeZone: zone, anchor: anchorOf(anchor) },
    atMs: Date.parse(at),
  }));
  const code = `
    const { windowOf } = await import(${JSON.stringify(module)});
    const starts = ${JSON.stringify(cases)}.map(({ terms, atMs }) => windowOf(terms, atMs).startMs);
    console.log(JSON.stringify({ hour: new Date(0).getHours(), starts }));`;
  const seen = ["UTC", "America/St_Johns", "Pacific/Kiritimati"].map((zone) => {
    const child = Bun.spawnSync([process.execPath, "-e", code], {
      env: { ...process.env, TZ: zone },
    });
    return JSON.parse(child.stdout.toString());
  });
  const starts = WINDOWS.filter((_, index) => index % 3 === 0).map(({ start }) =>
    Date.parse(start),
  );
  expect(seen).toEqual([
    { hour: 0, starts },
    { hour: 20, starts },
    { hour: 13, starts },
  ]);
});
