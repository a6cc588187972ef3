/** The arithmetic of `bench overspend`: rooms, overshoot in calls and dollars, per access token. */
import { expect, test } from "bun:test";
import { judge, type RoundSeen } from "../../bench/overspend/judge.ts";
import { costOfCall } from "../../bench/overspend/truth.ts";

function round(tokenIndex: number, through: number, spentNanoUsd: number | undefined): RoundSeen {
  const clients = { ends: [], answered: through, refused: 0, failed: 0 };
  return { tokenIndex, stream: false, spreadMs: 0, calls: 9, through, spentNanoUsd, ...clients };
}

test("rounds with one access token use up one room", () => {
  const { rounds, ...sums } = judge([round(0, 3, 30), round(0, 4, 40), round(0, 2, 20)], 5, 10);
  expect(rounds.map((one) => [one.roomLeft, one.overshootCalls, one.overshootNanoUsd])).toEqual([
    [5, 0, 0],
    [2, 2, 20],
    [0, 2, 20],
  ]);
  expect(sums).toEqual({
    through: 9,
    worstOvershootCalls: 4,
    worstOvershootNanoUsd: 40,
    callNanoUsd: 10,
  });
});

test("the worst access token counts, not the sum of all", () => {
  const sums = judge([round(0, 6, 60), round(1, 8, 80), round(2, 1, 10)], 5, 10);
  expect([sums.worstOvershootCalls, sums.worstOvershootNanoUsd, sums.through]).toEqual([3, 30, 15]);
});

test("without a price overshoot is told in calls alone", () => {
  const sums = judge([round(0, 6, undefined)], 5, undefined);
  expect([sums.worstOvershootCalls, sums.worstOvershootNanoUsd]).toEqual([1, undefined]);
  expect(sums.rounds[0]?.overshootNanoUsd).toBeUndefined();
});

test("nothing that got through is no overshoot, not less than none", () => {
  const sums = judge([round(0, 0, 0)], 5, 10);
  expect([sums.worstOvershootCalls, sums.worstOvershootNanoUsd]).toEqual([0, 0]);
});

test("a call costs what was said, or its tokens at their prices, rounded up once", () => {
  const call = { number: 1, promptTokens: 3, tokensGenerated: 2 };
  expect(costOfCall(call, { kind: "per_call", callNanoUsd: 77 })).toBe(77);
  const prices = { kind: "per_token", inputPicoUsd: 500, outputPicoUsd: 1_000 } as const;
  expect(costOfCall(call, prices)).toBe(4);
});
