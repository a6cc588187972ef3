/** Guarantee: a breaker trips on exact counts, neither on a thin sample nor on old news. */
import { describe, expect, test } from "bun:test";
import {
  countOutcome,
  countsAt,
  createOutcomeWindow,
  wouldTrip,
  type OutcomeWindow,
} from "../../actors/policy/outcome-window.ts";
import { number, table } from "./table.ts";

const START_MS = 1_760_000_000_000;

/** `g` is a success, `b` a failure, `.` a second without either; a space changes nothing. */
function play(script: string): { readonly window: OutcomeWindow; readonly atMs: number } {
  const window = createOutcomeWindow();
  let atMs = START_MS;
  for (const outcome of script) {
    if (outcome === ".") atMs += 1_000;
    if (outcome === "g" || outcome === "b") countOutcome(window, outcome === "b", atMs);
  }
  return { window, atMs };
}

const TRIPS = table(
  ["outcomes", "trips", "why"],
  `
  outcomes                                          | trips | why
  gbgbgbgbgbgbgbgbgbg                               | yes   | 19 outcomes, 9 bad: one more bad is half of 20
  gbgbgbgbgbgbgbgbgb                                | no    | a sample of 19 is too thin
  ggggggggggbbbbbbbb                                | no    |
  ggggggggggg bbbbbbbb                              | no    | 9 bad of 20
  gggggggggg bbbbbgbbbb                             | no    | 10 bad of 21
  bbbbbbbbb                                         | yes   | the tenth failure in a row
  bbbbbbbb                                          | no    | the ninth
  bbbbg bbbbbbbb                                    | no    | a success between them begins the row anew
  bbbbb .............................. bbbb         | yes   | the row may be thirty seconds long
  bbbbb ............................................................ bbbb | yes | or just sixty
  bbbbb ............................................................. bbbb | no | but not longer
  ggggggggggbbbbbbbbb ............................. | yes   | the whole ring of thirty seconds counts
  ggggggggggbbbbbbbb .............................. | no    | and no second more
  `,
);

describe("one more failure", () => {
  for (const { outcomes, trips, why } of TRIPS) {
    test(`after ${outcomes} ${trips === "yes" ? "trips" : "does not trip"}: ${why}`, () => {
      const { window, atMs } = play(outcomes);
      expect(wouldTrip(window, atMs)).toBe(trips === "yes");
    });
  }
});

const COUNTS = table(
  ["outcomes", "all", "bad"],
  `
  outcomes                                 | all | bad
  ggb                                      | 3   | 1
  ggb.gb.b                                 | 6   | 3
  ggb.............................g        | 4   | 1
  ggb..............................g       | 1   | 0
  `,
);

describe("the counts of the last thirty seconds", () => {
  for (const { outcomes, all, bad } of COUNTS) {
    test(`after ${outcomes}`, () => {
      const { window, atMs } = play(outcomes);
      expect(countsAt(window, atMs)).toEqual({ all: number(all), bad: number(bad) });
    });
  }

  test("do not hold what a clock that stepped back left in the future", () => {
    const { window, atMs } = play("ggbb");
    expect(countsAt(window, atMs - 60_000)).toEqual({ all: 0, bad: 0 });
    countOutcome(window, true, atMs - 60_000);
    expect(countsAt(window, atMs - 60_000)).toEqual({ all: 1, bad: 1 });
  });
});
