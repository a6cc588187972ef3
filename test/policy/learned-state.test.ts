/** Guarantee: what was learned survives a run; what a disk gives back instead is never believed. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  inputTokensBoundOf,
  observeInput,
  restoreInputs,
  takeChangedInputs,
  type LearnedInputs,
} from "../../actors/policy/learned-input.ts";
import {
  allowanceTokens,
  observeOutput,
  restoreOutputs,
  takeChangedOutputs,
  type LearnedOutputs,
} from "../../actors/policy/learned-output.ts";
import type { LearnedRow } from "../../actors/policy/learned-state.ts";
import { LIMITS } from "../../src/base/limits.ts";

/** As a database stores JSON. */
function stored(rows: readonly LearnedRow[]): LearnedRow[] {
  return rows.map((row) => ({ ...row, state: JSON.parse(JSON.stringify(row.state)) }));
}

function saved(state: unknown, more: Partial<LearnedRow> = {}): LearnedRow {
  return { ownerId: "tok_1", model: "gpt", state, ...more };
}

describe("output sizes", () => {
  test("come back as they were, and go on learning as if nothing had happened", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(200_000), { maxLength: 1_200, size: "max" }),
        fc.array(fc.nat(200_000), { maxLength: 50 }),
        (before, after) => {
          const learned: LearnedOutputs = new Map();
          for (const size of before) observeOutput(learned, "tok_1", "gpt", size);
          const restored = restoreOutputs(stored(takeChangedOutputs(learned)));
          expect(restored.ignored).toEqual([]);
          for (const size of after) {
            observeOutput(learned, "tok_1", "gpt", size);
            observeOutput(restored.learned, "tok_1", "gpt", size);
          }
          expect(allowanceTokens(restored.learned, "tok_1", "gpt")).toBe(
            allowanceTokens(learned, "tok_1", "gpt"),
          );
        },
      ),
      { numRuns: 50 },
    );
  });

  test("are given for saving once, and again only after they have changed", () => {
    const learned: LearnedOutputs = new Map();
    observeOutput(learned, "tok_1", "gpt", 8);
    observeOutput(learned, "tok_2", "gpt", 8);
    expect(takeChangedOutputs(learned).map(({ ownerId }) => ownerId)).toEqual(["tok_1", "tok_2"]);
    expect(takeChangedOutputs(learned)).toEqual([]);
    observeOutput(learned, "tok_2", "gpt", 8);
    expect(takeChangedOutputs(learned)).toEqual([
      { ownerId: "tok_2", model: "gpt", state: { counts: [[25, 2]] } },
    ]);
    expect(takeChangedOutputs(restoreOutputs([saved({ counts: [[25, 2]] })]).learned)).toEqual([]);
  });

  const garbage: readonly (readonly [string, unknown])[] = [
    ["it has no counts", null],
    ["it has no counts", "counts"],
    ["it has no counts", { counts: { length: 1 } }],
    ["it has no counts", JSON.parse('{"__proto__":{"counts":[[3,5]]}}')],
    ["a count is of no bucket", { counts: [3] }],
    ["a count is of no bucket", { counts: [[-1, 5]] }],
    ["a count is of no bucket", { counts: [[999_999, 5]] }],
    ["a count is of no bucket", { counts: [["3", 5]] }],
    ["a count is out of range", { counts: [[3, 0]] }],
    ["a count is out of range", { counts: [[3, 1.5]] }],
    ["a count is out of range", { counts: [[3, 1e9]] }],
    ["a count is out of range", { counts: [[3]] }],
    [
      "a bucket is counted twice",
      {
        counts: [
          [3, 5],
          [3, 5],
        ],
      },
    ],
    [
      "it counts more than is ever counted",
      {
        counts: [
          [3, 600],
          [4, 600],
        ],
      },
    ],
  ];
  for (const [why, state] of garbage) {
    test(`are left out with a reason where the state is ${JSON.stringify(state)}`, () => {
      const { learned, ignored } = restoreOutputs([
        saved(state),
        saved({ counts: [] }, { model: "b" }),
      ]);
      expect(ignored).toEqual([`"tok_1", "gpt": ${why}`]);
      expect([...learned.values()].map(({ model }) => model)).toEqual(["b"]);
    });
  }

  test("of a name that is none, or too long, are left out, and no more are kept than fit", () => {
    const names: readonly Partial<LearnedRow>[] = [
      { ownerId: "" },
      { model: "m".repeat(LIMITS.modelNameBytesMax + 1) },
      { ownerId: "tok_1 gpt" },
      JSON.parse('{"ownerId":7}'),
    ];
    const wrong = names.map((more) => saved({ counts: [[3, 5]] }, more));
    expect(restoreOutputs(wrong).ignored).toEqual([
      '"", "gpt": it is of nobody or of no model',
      `"tok_1", "${"m".repeat(64)}": its name is too long`,
      '"tok_1 gpt", "gpt": its owner is no id',
      '"number", "gpt": it is of nobody or of no model',
    ]);
    const many = Array.from({ length: LIMITS.learnedOutputPairsMax + 3 }, (_, index) =>
      saved({ counts: [[3, 5]] }, { model: `m${index}` }),
    );
    const { learned, ignored } = restoreOutputs(many);
    expect([learned.size, ignored.length]).toEqual([LIMITS.learnedOutputPairsMax, 3]);
  });
});

describe("input factors", () => {
  test("come back as they were, the oldest to be forgotten first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8_000 }), { maxLength: 300, size: "max" }),
        fc.array(fc.integer({ min: 1, max: 8_000 }), { maxLength: 140 }),
        (before, after) => {
          const learned: LearnedInputs = new Map();
          for (const bytes of before) observeInput(learned, "gpt", bytes, 1_000);
          const restored = restoreInputs(stored(takeChangedInputs(learned, "prv_1")));
          expect(restored.ignored).toEqual([]);
          for (const bytes of after) {
            observeInput(learned, "gpt", bytes, 1_000);
            observeInput(restored.learned, "gpt", bytes, 1_000);
            expect(inputTokensBoundOf(restored.learned, "gpt", 10_000)).toBe(
              inputTokensBoundOf(learned, "gpt", 10_000),
            );
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("forget after a restart what they would have forgotten without it", () => {
    const learned: LearnedInputs = new Map();
    for (let each = 0; each < 150; each += 1) {
      observeInput(learned, "gpt", each < 50 ? 1_500 : 4_000, 1_000);
    }
    const restored = restoreInputs(takeChangedInputs(learned, "prv_1")).learned;
    const bounds: number[] = [];
    for (let each = 0; each < 28; each += 1) {
      bounds.push(inputTokensBoundOf(restored, "gpt", 3_600));
      observeInput(restored, "gpt", 4_000, 1_000);
    }
    expect(new Set(bounds)).toEqual(new Set([Math.ceil(3_600 / 1.35)]));
    expect(inputTokensBoundOf(restored, "gpt", 3_600)).toBe(1_000);
  });

  test("are given for saving under their provider, once for each change", () => {
    const learned: LearnedInputs = new Map();
    observeInput(learned, "gpt", 4_000, 1_000);
    const rows = [{ ownerId: "prv_1", model: "gpt", state: { ratios: [4] } }];
    expect(takeChangedInputs(learned, "prv_1")).toEqual(rows);
    expect(takeChangedInputs(learned, "prv_1")).toEqual([]);
  });

  const garbage: readonly (readonly [string, unknown])[] = [
    ["it has no ratios", undefined],
    ["it has no ratios", { ratios: "4" }],
    ["a ratio is not a positive number", { ratios: [4, 0] }],
    ["a ratio is not a positive number", { ratios: [4, -1] }],
    ["a ratio is not a positive number", { ratios: [null] }],
    ["it has more ratios than are ever kept", { ratios: Array.from({ length: 129 }, () => 4) }],
  ];
  for (const [why, state] of garbage) {
    test(`are left out because ${why}: ${(JSON.stringify(state) ?? "nothing").slice(0, 40)}`, () => {
      const { learned, ignored } = restoreInputs([saved(state)]);
      expect([learned.size, ignored]).toEqual([0, [`"tok_1", "gpt": ${why}`]]);
    });
  }

  test("that are absurd make no input cheaper than ever believed", () => {
    const { learned } = restoreInputs([
      saved({ ratios: Array.from({ length: 100 }, () => 1e300) }),
    ]);
    expect(inputTokensBoundOf(learned, "gpt", 900)).toBe(225);
  });
});
