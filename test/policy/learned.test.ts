/** Guarantees: nothing is believed on thin evidence, and memory stays bounded whatever is observed. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  inputTokensBoundOf,
  observeInput,
  type LearnedInputs,
} from "../../actors/policy/learned-input.ts";
import {
  allowanceTokens,
  observeOutput,
  type LearnedOutputs,
} from "../../actors/policy/learned-output.ts";
import { LIMITS } from "../../src/base/limits.ts";

function learnOutputs(sizes: readonly number[]): LearnedOutputs {
  const learned: LearnedOutputs = new Map();
  for (const size of sizes) observeOutput(learned, "tok_1", "gpt", size);
  return learned;
}

function repeat(count: number, size: number): number[] {
  return Array.from({ length: count }, () => size);
}

describe("the output allowance", () => {
  test("is 1,024 tokens until twenty answers were seen", () => {
    expect(allowanceTokens(learnOutputs([]), "tok_1", "gpt")).toBe(1_024);
    expect(allowanceTokens(learnOutputs(repeat(19, 8)), "tok_1", "gpt")).toBe(1_024);
    expect(allowanceTokens(learnOutputs(repeat(20, 8)), "tok_1", "gpt")).toBe(10);
  });

  test("belongs to one access token and one model", () => {
    const learned = learnOutputs(repeat(50, 8));
    expect(allowanceTokens(learned, "tok_2", "gpt")).toBe(1_024);
    expect(allowanceTokens(learned, "tok_1", "gpt-mini")).toBe(1_024);
  });

  test("covers 99 of 100 answers and is not moved by the odd long one", () => {
    const usual = allowanceTokens(learnOutputs([...repeat(99, 100), 50_000]), "tok_1", "gpt");
    expect(usual).toBeGreaterThanOrEqual(125);
    expect(usual).toBeLessThanOrEqual(137);
    const often = allowanceTokens(
      learnOutputs([...repeat(97, 100), ...repeat(3, 50_000)]),
      "tok_1",
      "gpt",
    );
    expect(often).toBeGreaterThanOrEqual(62_500);
    expect(often).toBeLessThanOrEqual(68_200);
  });

  test("is never 0, for an answer needs a token", () => {
    expect(allowanceTokens(learnOutputs(repeat(30, 0)), "tok_1", "gpt")).toBe(1);
  });

  test("forgets old habits", () => {
    const learned = learnOutputs(repeat(900, 10_000));
    for (const size of repeat(8_000, 100)) observeOutput(learned, "tok_1", "gpt", size);
    expect(allowanceTokens(learned, "tok_1", "gpt")).toBeLessThanOrEqual(137);
  });

  test("is at least a quarter more than the p99, and at most 9 % more than that", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (size) => {
        const allowance = allowanceTokens(learnOutputs(repeat(20, size)), "tok_1", "gpt");
        expect(allowance).toBeGreaterThanOrEqual(Math.ceil(size * 1.25));
        expect(allowance).toBeLessThanOrEqual(Math.ceil(size * 1.25 * 1.091) + 1);
      }),
    );
  });

  test("is remembered for a bounded number of pairs, those that learned last", () => {
    const learned: LearnedOutputs = new Map();
    for (let pair = 0; pair < LIMITS.learnedOutputPairsMax + 5; pair += 1) {
      for (const size of repeat(20, 8)) observeOutput(learned, `tok_${pair}`, "gpt", size);
      for (const size of repeat(20, 8)) observeOutput(learned, "tok_0", "gpt", size);
    }
    expect(learned.size).toBe(LIMITS.learnedOutputPairsMax);
    expect(allowanceTokens(learned, "tok_0", "gpt")).toBe(10);
    expect(allowanceTokens(learned, "tok_1", "gpt")).toBe(1_024);
  });
});

function learnInputs(ratios: readonly number[]): LearnedInputs {
  const learned: LearnedInputs = new Map();
  for (const ratio of ratios) observeInput(learned, "gpt", ratio * 1_000, 1_000);
  return learned;
}

describe("the input bound", () => {
  test("is one token per byte until twenty answers were seen", () => {
    expect(inputTokensBoundOf(learnInputs([]), "gpt", 900)).toBe(900);
    expect(inputTokensBoundOf(learnInputs(repeat(19, 4)), "gpt", 900)).toBe(900);
    expect(inputTokensBoundOf(learnInputs(repeat(20, 4)), "gpt", 900)).toBe(250);
    expect(inputTokensBoundOf(learnInputs(repeat(20, 4)), "other", 900)).toBe(900);
  });

  test("follows the densest recent body, a tenth on the safe side, in whole tokens upwards", () => {
    const learned = learnInputs([...repeat(30, 4), 2, ...repeat(30, 4)]);
    expect(inputTokensBoundOf(learned, "gpt", 900)).toBe(500);
    expect(inputTokensBoundOf(learned, "gpt", 901)).toBe(501);
    for (const ratio of repeat(128, 4)) observeInput(learned, "gpt", ratio * 1_000, 1_000);
    expect(inputTokensBoundOf(learned, "gpt", 900)).toBe(250);
  });

  test("never passes one token per byte", () => {
    expect(inputTokensBoundOf(learnInputs(repeat(30, 0.2)), "gpt", 900)).toBe(900);
  });

  test("learns nothing from a report of nothing", () => {
    const learned = learnInputs(repeat(20, 4));
    observeInput(learned, "gpt", 4_000, 0);
    observeInput(learned, "gpt", 0, 1_000);
    expect(inputTokensBoundOf(learned, "gpt", 900)).toBe(250);
  });

  test("is remembered for a bounded number of models", () => {
    const learned: LearnedInputs = new Map();
    for (let model = 0; model < LIMITS.learnedInputModelsMax + 5; model += 1) {
      observeInput(learned, `model-${model}`, 4_000, 1_000);
    }
    expect(learned.size).toBe(LIMITS.learnedInputModelsMax);
    expect(learned.has("model-4")).toBe(false);
    expect(learned.has("model-5")).toBe(true);
  });
});
