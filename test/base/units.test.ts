/** Money as integers: what is read, what is written, and that sums are exact and rounded up once. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { AssertionError } from "../../src/base/assert.ts";
import {
  costOf,
  formatUsd,
  formatUsdPerMillion,
  NANO_PER_USD,
  NANO_USD_MAX,
  parseUsd,
  parseUsdPerMillion,
} from "../../src/base/units.ts";

describe("reading dollars", () => {
  const rows: readonly (readonly [text: string | number, nanoUsd: number | undefined])[] = [
    ["5.00", 5_000_000_000],
    ["5", 5_000_000_000],
    [" 0.1 ", 100_000_000],
    ["0", 0],
    ["0.00", 0],
    ["007.5", 7_500_000_000],
    ["0.000000001", 1],
    ["0.0000000010000000000000", 1],
    ["0.0000000001", undefined],
    ["9007199.254740991", NANO_USD_MAX],
    ["9007199.254740992", undefined],
    ["9007200", undefined],
    ["-1", undefined],
    ["+1", undefined],
    ["1e3", undefined],
    ["1,000", undefined],
    [".5", undefined],
    ["5.", undefined],
    ["", undefined],
    [" ", undefined],
    ["1 2", undefined],
    ["$5", undefined],
    ["0x10", undefined],
    ["Infinity", undefined],
    ["١", undefined],
    ["9".repeat(17), undefined],
    [5, 5_000_000_000],
    [0.1, 100_000_000],
    [0.3, 300_000_000],
    [1e-9, 1],
    [1.5e-7, 150],
    [1e-10, undefined],
    [-0, 0],
    [-1, undefined],
    [1e21, undefined],
    [Number.NaN, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    // 0.1 + 0.2 is not 0.3, and nobody typed it.
    [0.1 + 0.2, undefined],
  ];
  for (const [text, nanoUsd] of rows) {
    test(`${JSON.stringify(text)} is ${nanoUsd ?? "no amount"}`, () => {
      expect(parseUsd(text)).toBe(nanoUsd);
    });
  }
});

describe("reading prices per million tokens", () => {
  const rows: readonly (readonly [text: string | number, picoUsd: number | undefined])[] = [
    ["0.15", 150_000],
    [2.5, 2_500_000],
    ["0.000001", 1],
    ["0.0000001", undefined],
    ["0", 0],
    [1e-6, 1],
    ["9007199254.740991", Number.MAX_SAFE_INTEGER],
    ["9007199254.740992", undefined],
  ];
  for (const [text, picoUsd] of rows) {
    test(`${JSON.stringify(text)} is ${picoUsd ?? "no price"}`, () => {
      expect(parseUsdPerMillion(text)).toBe(picoUsd);
    });
  }
});

describe("writing", () => {
  test("is exact, with at least two decimals", () => {
    const amounts = [
      0,
      1,
      1_500,
      10_000_000,
      NANO_PER_USD,
      5_123_456_789,
      NANO_USD_MAX,
      -1,
      -2_500_000_000,
    ];
    expect(amounts.map(formatUsd)).toEqual([
      "0.00",
      "0.000000001",
      "0.0000015",
      "0.01",
      "1.00",
      "5.123456789",
      "9007199.254740991",
      "-0.000000001",
      "-2.50",
    ]);
    expect([0, 1, 150_000, 2_500_000, 10_000_000].map(formatUsdPerMillion)).toEqual([
      "0.00",
      "0.000001",
      "0.15",
      "2.50",
      "10.00",
    ]);
  });

  test("refuses what is not a safe integer", () => {
    for (const amount of [0.5, Number.NaN, 2 ** 53]) {
      expect(() => formatUsd(amount)).toThrow(
        new AssertionError(`amount is not a safe integer: ${amount}`),
      );
    }
  });

  test("and reading are each other's inverse", () => {
    fc.assert(
      fc.property(fc.nat({ max: NANO_USD_MAX }), (amount) => {
        expect([
          parseUsd(formatUsd(amount)),
          parseUsdPerMillion(formatUsdPerMillion(amount)),
        ]).toEqual([amount, amount]);
      }),
    );
  });
});

describe("a cost", () => {
  const rows: readonly (readonly [
    parts: readonly (readonly [number, number])[],
    nanoUsd: number,
  ])[] = [
    [[], 0],
    [[[0, 5]], 0],
    [[[5, 0]], 0],
    [[[1, 1]], 1],
    [[[1, 1_000]], 1],
    [[[1, 1_001]], 2],
    // Rounded once for the sum, not once for each part: 3 × 400 pico-dollars are two nano-dollars.
    [
      [
        [1, 400],
        [1, 400],
        [1, 400],
      ],
      2,
    ],
    [
      [
        [1_000, 150_000],
        [500, 600_000],
      ],
      450_000,
    ],
    // 2^53 - 1 pico-dollars still fit a double, one more does not.
    [[[1, Number.MAX_SAFE_INTEGER]], 9_007_199_254_741],
    [
      [
        [1, Number.MAX_SAFE_INTEGER],
        [1, 1],
      ],
      9_007_199_254_741,
    ],
    [
      [
        [1, 10],
        [1, Number.MAX_SAFE_INTEGER],
      ],
      9_007_199_254_742,
    ],
    // The largest amount that the ledger holds: 9,007,199.254740991 USD.
    [[[1_000, Number.MAX_SAFE_INTEGER]], NANO_USD_MAX],
  ];
  for (const [parts, nanoUsd] of rows) {
    test(`of ${JSON.stringify(parts)} is ${nanoUsd}`, () => {
      expect(costOf(parts)).toBe(nanoUsd);
    });
  }

  test("past the largest amount is the largest amount, so that it can be posted", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const beyond = [
      [1_000, most],
      [1, 1],
    ] as const;
    expect(costOf(beyond)).toBe(most);
    expect(costOf([[most, most]])).toBe(most);
    expect(costOf([[1_000, most]])).toBe(most);
  });

  test("of impossible parts is a bug", () => {
    const complaints: readonly (readonly [readonly (readonly [number, number])[], string])[] = [
      [[[-1, 1]], "token count is not valid: -1"],
      [[[0.5, 1]], "token count is not valid: 0.5"],
      [[[1, -1]], "price is not valid: -1"],
      [[[1, 0.1]], "price is not valid: 0.1"],
      [[[1, 2 ** 53]], "price is not valid: 9007199254740992"],
    ];
    for (const [parts, message] of complaints) {
      expect(() => costOf(parts)).toThrow(new AssertionError(message));
    }
  });

  test("is what arithmetic without bounds says, whatever the parts and their order", () => {
    const part = fc.tuple(fc.nat({ max: 2 ** 40 }), fc.nat({ max: 2 ** 30 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const pico = parts.reduce(
          (sum, [tokens, price]) => sum + BigInt(tokens) * BigInt(price),
          0n,
        );
        const nano = (pico + 999n) / 1_000n;
        fc.pre(nano <= BigInt(NANO_USD_MAX));
        expect([costOf(parts), costOf(parts.toReversed())]).toEqual([Number(nano), Number(nano)]);
      }),
      { numRuns: 500 },
    );
  });
});
