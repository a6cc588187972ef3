/** Properties of costs that hold for every price and every usage. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Counts } from "../../../src/dialects/usage-counts.ts";
import type { Usage, UsageDetails } from "../../../src/dialects/usage-contract.ts";
import {
  type CostBounds,
  exactNanoUsd,
  type TokenKind,
  worstCaseNanoUsd,
} from "../../../src/gateway/prices/cost.ts";
import { BatchCost } from "../../../src/gateway/prices/batch-cost.ts";
import { parsePriceJson, priceJson } from "../../../src/gateway/prices/price-json.ts";
import type { ModelPrice, PriceTier, Rates } from "../../../src/gateway/prices/price.ts";
import { UNPRICED_TOOL_CALL_PICO_USD } from "../../../src/gateway/prices/tool-fees.ts";

const picoUsd = fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 200_000_000 }));
const optional = fc.option(picoUsd, { nil: null });
const rates: fc.Arbitrary<Rates> = fc.record({
  inputPicoUsd: picoUsd,
  outputPicoUsd: picoUsd,
  cachedInputPicoUsd: optional,
  cacheWritePicoUsd: optional,
  cacheWrite1hPicoUsd: optional,
  reasoningPicoUsd: optional,
  audioInputPicoUsd: optional,
  cachedAudioInputPicoUsd: optional,
  audioOutputPicoUsd: optional,
  imageInputPicoUsd: optional,
  imageOutputPicoUsd: optional,
});
const tiers: fc.Arbitrary<readonly PriceTier[]> = fc
  .array(fc.tuple(fc.nat({ max: 300_000 }), rates), { maxLength: 3 })
  .map((list) =>
    list
      .toSorted(([a], [b]) => a - b)
      .map(([aboveInputTokens, tier]) => Object.assign({ aboveInputTokens }, tier)),
  );
const tool = fc.constantFrom("web_search", "file_search", "oracle");
const fee = fc.nat({ max: 100_000_000_000 });
const unitRate = fc.option(fee, { nil: null });
const price: fc.Arbitrary<ModelPrice> = fc
  .tuple(
    rates,
    fc.record({
      imagePicoUsd: unitRate,
      audioSecondPicoUsd: unitRate,
      characterPicoUsd: unitRate,
      searchUnitPicoUsd: unitRate,
      requestPicoUsd: fee,
      toolCallPicoUsd: fc.dictionary(tool, fee),
      tiers,
      batchPermille: fc.option(fc.nat({ max: 1_000 }), { nil: null }),
      contextTokensMax: fc.option(fc.nat(), { nil: null }),
      outputTokensMax: fc.option(fc.nat(), { nil: null }),
      source: fc.string(),
    }),
  )
  .map(([base, more]) => Object.assign({}, base, more));

/** What a provider may report, parts as wild as it likes: normalised as every dialect does. */
const usage: fc.Arbitrary<Usage> = fc
  .record({
    inputTokens: fc.nat({ max: 400_000 }),
    outputTokens: fc.nat({ max: 400_000 }),
    cachedInputTokens: fc.nat({ max: 500_000 }),
    reasoningTokens: fc.nat({ max: 500_000 }),
    cacheWriteTokens: fc.nat({ max: 300_000 }),
    cacheWrite1hTokens: fc.nat({ max: 300_000 }),
    audioInputTokens: fc.nat({ max: 300_000 }),
    cachedAudioInputTokens: fc.nat({ max: 300_000 }),
    imageInputTokens: fc.nat({ max: 300_000 }),
    audioOutputTokens: fc.nat({ max: 300_000 }),
    imageOutputTokens: fc.nat({ max: 300_000 }),
    toolCalls: fc.dictionary(tool, fc.integer({ min: 1, max: 50 })),
  })
  .map((parts) => {
    const made = new Counts().usage(parts);
    if (made === null) throw new Error("these parts make a usage");
    return made;
  });

const noDetails: UsageDetails = {
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  cachedAudioInputTokens: 0,
  imageInputTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: {},
};

/** The same usage as if it had nothing of the kinds in `without`. */
function withoutKinds(used: Usage, without: readonly TokenKind[]): Usage {
  const details: UsageDetails = { ...(used.details ?? noDetails) };
  const has = (kind: TokenKind): boolean => !without.includes(kind);
  return {
    ...used,
    details: {
      ...details,
      cacheWrite1hTokens: has("cache_write_1h") ? details.cacheWrite1hTokens : 0,
      audioInputTokens: has("audio_input") ? details.audioInputTokens : 0,
      cachedAudioInputTokens: has("audio_input") ? details.cachedAudioInputTokens : 0,
      imageInputTokens: has("image_input") ? details.imageInputTokens : 0,
      audioOutputTokens: has("audio_output") ? details.audioOutputTokens : 0,
      imageOutputTokens: has("image_output") ? details.imageOutputTokens : 0,
    },
  };
}

const kinds = fc.subarray<TokenKind>([
  "audio_input",
  "image_input",
  "audio_output",
  "image_output",
  "cache_write_1h",
]);

describe("the exact cost", () => {
  test("is a count of nano-dollars, a batch never dearer, and never below the sum of its parts", () => {
    fc.assert(
      fc.property(usage, price, (used, priced) => {
        const cost = exactNanoUsd(used, priced);
        const batch = exactNanoUsd(used, priced, { batch: true });
        expect(Number.isSafeInteger(cost) && cost >= 0).toBe(true);
        expect(Number.isSafeInteger(batch) && batch >= 0 && batch <= cost).toBe(true);
        expect(BigInt(cost) * 1_000n).toBeGreaterThanOrEqual(reference(used, priced));
        expect(BigInt(cost) * 1_000n - reference(used, priced)).toBeLessThan(1_000n);
      }),
      { numRuns: 3_000 },
    );
  });

  test("never falls when one more token or call is used, within a tier", () => {
    fc.assert(
      fc.property(usage, price, tool, (used, priced, name) => {
        const flat: ModelPrice = { ...priced, tiers: [] };
        const cost = exactNanoUsd(used, flat);
        const details = used.details ?? noDetails;
        const calls = { ...details.toolCalls, [name]: (details.toolCalls[name] ?? 0) + 1 };
        const more: readonly Usage[] = [
          { ...used, inputTokens: used.inputTokens + 1 },
          { ...used, outputTokens: used.outputTokens + 1 },
          { ...used, details: { ...details, toolCalls: calls } },
        ];
        for (const one of more) expect(exactNanoUsd(one, flat)).toBeGreaterThanOrEqual(cost);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The same sum in pico-dollars, written another way: token by token kind in whole numbers. */
function reference(used: Usage, priced: ModelPrice): bigint {
  const applying = priced.tiers.filter((tier) => used.inputTokens > tier.aboveInputTokens);
  const one: Rates = applying.at(-1) ?? priced;
  const parts = used.details ?? noDetails;
  const cachedAudio = parts.cachedAudioInputTokens;
  const cached = one.cachedInputPicoUsd ?? one.inputPicoUsd;
  const write = one.cacheWritePicoUsd ?? one.inputPicoUsd;
  const input: [number, number][] = [
    [cachedAudio, one.cachedAudioInputPicoUsd ?? one.audioInputPicoUsd ?? cached],
    [used.cachedInputTokens - cachedAudio, cached],
    [parts.cacheWrite1hTokens, one.cacheWrite1hPicoUsd ?? write],
    [parts.cacheWriteTokens, write],
    [parts.audioInputTokens - cachedAudio, one.audioInputPicoUsd ?? one.inputPicoUsd],
    [parts.imageInputTokens, one.imageInputPicoUsd ?? one.inputPicoUsd],
    [used.inputTokens, one.inputPicoUsd],
  ];
  const output: [number, number][] = [
    [parts.audioOutputTokens, one.audioOutputPicoUsd ?? one.outputPicoUsd],
    [parts.imageOutputTokens, one.imageOutputPicoUsd ?? one.outputPicoUsd],
    [used.reasoningTokens, one.reasoningPicoUsd ?? one.outputPicoUsd],
    [used.outputTokens, one.outputPicoUsd],
  ];
  let sum = BigInt(priced.requestPicoUsd);
  for (const [whole, list] of [
    [used.inputTokens, input],
    [used.outputTokens, output],
  ] as const) {
    let place = 0;
    for (const [tokens, rate] of list) {
      const until = Math.min(whole, place + tokens);
      sum += BigInt(until - place) * BigInt(rate);
      place = until;
    }
  }
  const paid = /"(?:\w+PicoUsd|web_search|file_search|oracle)":[1-9]/;
  const isFree = !paid.test(JSON.stringify(priced));
  for (const [name, calls] of Object.entries(parts.toolCalls)) {
    const known = new Map(Object.entries(priced.toolCallPicoUsd)).get(name);
    sum += BigInt(calls) * BigInt(known ?? (isFree ? 0 : UNPRICED_TOOL_CALL_PICO_USD));
  }
  return sum;
}

describe("the worst case", () => {
  test("is never below the exact cost of any usage within its bounds", () => {
    fc.assert(
      fc.property(
        usage,
        price,
        kinds,
        fc.tuple(
          fc.nat({ max: 100_000 }),
          fc.nat({ max: 100_000 }),
          fc.integer({ min: 1, max: 8 }),
        ),
        (used, priced, without, [moreInput, moreOutput, choices]) => {
          const within = withoutKinds(used, without);
          const bounds: CostBounds = {
            inputTokensBound: within.inputTokens + moreInput,
            outputTokens: Math.ceil(within.outputTokens / choices) + moreOutput,
            choices,
            price: priced,
            without,
            toolCallsMax: within.details?.toolCalls ?? {},
          };
          const worst = worstCaseNanoUsd(bounds);
          expect(exactNanoUsd(within, priced)).toBeLessThanOrEqual(worst);
          expect(exactNanoUsd(within, priced, { batch: true })).toBeLessThanOrEqual(worst);
          const { without: _, ...open } = bounds;
          expect(worst).toBeLessThanOrEqual(worstCaseNanoUsd(open));
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

test("a batch never costs more than the sums of its lines' bounds, and is rounded up once", () => {
  fc.assert(
    fc.property(fc.array(usage, { minLength: 1, maxLength: 8 }), price, (lines, priced) => {
      const cost = new BatchCost(priced);
      for (const line of lines) cost.add(line);
      const toolCallsMax: Record<string, number> = {};
      for (const { details } of lines) {
        for (const [name, calls] of Object.entries(details?.toolCalls ?? {})) {
          toolCallsMax[name] = (toolCallsMax[name] ?? 0) + calls;
        }
      }
      const inputs = lines.map(({ inputTokens }) => inputTokens);
      const bounds: CostBounds = {
        inputTokensBound: inputs.reduce((sum, tokens) => sum + tokens, 0),
        outputTokens: lines.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
        choices: 1,
        price: priced,
        toolCallsMax,
        requests: { count: lines.length, inputTokensBound: Math.max(...inputs) },
      };
      expect(cost.nanoUsd()).toBeLessThanOrEqual(worstCaseNanoUsd(bounds, { batch: true }));
      const alone = lines.map((line) => exactNanoUsd(line, priced, { batch: true }));
      const apart = alone.reduce((sum, nanoUsd) => sum + nanoUsd, 0);
      // Each alone is rounded up, together they are once.
      expect(cost.nanoUsd()).toBeLessThanOrEqual(apart);
      expect(cost.nanoUsd()).toBeGreaterThan(apart - lines.length);
    }),
    { numRuns: 2_000 },
  );
});

test("every price survives its text", () => {
  fc.assert(
    fc.property(price, (priced) => {
      expect(parsePriceJson(priceJson(priced))).toEqual(priced);
    }),
    { numRuns: 1_000 },
  );
});
