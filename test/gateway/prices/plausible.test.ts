/** Prices that can hardly be meant are told, with what they would cost; those that can are not. */
import { describe, expect, test } from "bun:test";
import {
  type OwnPrice,
  priceNeighbours,
  type PriceNeighbours,
} from "../../../src/gateway/prices/neighbours.ts";
import { FEE_PICO_USD_MAX, type PriceDoubt } from "../../../src/gateway/prices/doubt.ts";
import { pricePlausibility, RATE_PICO_USD_MAX } from "../../../src/gateway/prices/plausible.ts";
import { previewCost } from "../../../src/gateway/prices/preview.ts";
import type { ModelPrice } from "../../../src/gateway/prices/price.ts";
import { listCatalogue, marketPrices } from "../../../src/gateway/prices/catalogue.ts";
import { testPrice } from "./support/price.ts";

const atMs = Date.UTC(2026, 10, 20);
const openAi = "https://api.openai.com/v1";
const nobody: PriceNeighbours = { listed: null, sameModel: [], sameProvider: [], market: [] };

function around(
  providerName: string,
  baseUrl: string,
  model: string,
  own: readonly OwnPrice[] = [],
): Promise<PriceNeighbours> {
  return priceNeighbours({ providerName, baseUrl, model, atMs }, own);
}

/** Dollars per million. */
function priced(input: number, output: number, more: Partial<ModelPrice> = {}): ModelPrice {
  const { tiers, ...rest } = more;
  return testPrice({
    inputPicoUsd: input * 1_000_000,
    outputPicoUsd: output * 1_000_000,
    ...rest,
    ...(tiers === undefined ? {} : { tiers }),
  });
}

function doubtsOf(price: ModelPrice, neighbours: PriceNeighbours): readonly PriceDoubt[] {
  const answer = pricePlausibility(price, neighbours);
  return answer.plausible ? [] : answer.doubts;
}

/** What is doubted, and what was meant instead, in dollars per million. */
function brief(price: ModelPrice, neighbours: PriceNeighbours): readonly unknown[] {
  return doubtsOf(price, neighbours).map(({ amount, suggestedPicoUsd }) => [
    amount.kind,
    suggestedPicoUsd === null ? null : suggestedPicoUsd / 1_000_000,
  ]);
}

describe("a price of a model that others sell", () => {
  // 2.50 and 10 USD per million, cached 1.25.
  const rows: readonly (readonly [string, ModelPrice, readonly unknown[]])[] = [
    ["as listed", priced(2.5, 10), []],
    ["with a discount of 90 %", priced(0.25, 1), []],
    ["ten times as dear", priced(25, 100), []],
    ["explicitly free", priced(0, 0), []],
    ["free for its input", priced(0, 10), []],
    [
      "per token",
      priced(0.000_003, 0.000_01),
      [
        ["inputPicoUsd", 3],
        ["outputPicoUsd", 10],
      ],
    ],
    [
      "per thousand tokens",
      priced(0.002_5, 0.01),
      [
        ["inputPicoUsd", 2.5],
        ["outputPicoUsd", 10],
      ],
    ],
    [
      "in cents",
      priced(250, 1_000),
      [
        ["inputPicoUsd", 2.5],
        ["outputPicoUsd", 10],
      ],
    ],
    ["a thousand times", priced(2_500, 10), [["inputPicoUsd", 2.5]]],
    ["past everything", priced(2_500_000, 10), [["inputPicoUsd", null]]],
    [
      "with a cached price per thousand",
      priced(2.5, 10, { cachedInputPicoUsd: 1_250 }),
      [["cachedInputPicoUsd", 1.25]],
    ],
    ["with a free cache", priced(2.5, 10, { cachedInputPicoUsd: 0 }), []],
    ["with dear audio, which is dear", priced(2.5, 10, { audioInputPicoUsd: 40_000_000 }), []],
    [
      "with a tier in cents",
      priced(2.5, 10, {
        tiers: testPrice({
          tiers: [
            { aboveInputTokens: 200_000, inputPicoUsd: 500_000_000, outputPicoUsd: 15_000_000 },
          ],
        }).tiers,
      }),
      [["inputPicoUsd", 5]],
    ],
  ];
  test.each(rows)("%s", async (_, price, expected) => {
    const neighbours = await around("openai", openAi, "gpt-4o");
    expect(brief(price, neighbours)).toEqual(expected);
  });

  test("is compared with the same model also at an unknown address", async () => {
    const neighbours = await around("house", "http://127.0.0.1:9/v1", "openai/gpt-4o");
    expect([brief(priced(2.5, 10), neighbours), brief(priced(250, 10), neighbours)]).toEqual([
      [],
      [["inputPicoUsd", 2.5]],
    ]);
  });
});

test("a model is known without the name of its maker, too", async () => {
  const neighbours = await around("house", "http://127.0.0.1:9", "acme/llama-3.3-70b-versatile");
  expect([neighbours.listed, neighbours.sameModel.map((price) => price.inputPicoUsd)]).toEqual([
    null,
    [590_000],
  ]);
});

describe("a price of a model that nobody else sells", () => {
  test("is compared with the provider's others, also in another unit", async () => {
    const neighbours = await around("openai", openAi, "gpt-house-edition");
    expect([
      brief(priced(2.5, 10), neighbours),
      brief(priced(150, 600), neighbours),
      brief(priced(0.05, 0.1), neighbours),
      // Dearer than anything there by more than ten times, and ordinary as cents.
      brief(priced(5_000, 10), neighbours).length,
      // Cheaper than anything there by more than ten times, and ordinary per thousand.
      brief(priced(0.000_5, 10), neighbours),
    ]).toEqual([[], [], [], 1, [["inputPicoUsd", 0.5]]]);
  });

  test("far below the provider's others is doubted where it would be theirs per thousand", () => {
    const neighbours = { ...nobody, sameProvider: [priced(1, 1), priced(2, 2)] };
    expect([
      // Less than a tenth of any, but 50 USD as a price per thousand is none of theirs either.
      brief(priced(0.05, 1), neighbours),
      brief(priced(0.003, 1), neighbours),
    ]).toEqual([[], [["inputPicoUsd", 3]]]);
  });

  test("is compared with the operator's own of the same provider", async () => {
    const own: OwnPrice[] = [
      { providerName: "house", model: "llama-a", price: priced(0.2, 0.4) },
      { providerName: "house", model: "llama-b", price: priced(0.4, 0.8) },
      { providerName: "house", model: "llama-c", price: priced(900, 900) },
    ];
    const neighbours = await around("house", "http://127.0.0.1:9/v1", "llama-c", own);
    expect([
      // The price that is being replaced is no neighbour of itself.
      brief(priced(30, 60), neighbours),
      brief(priced(0.3, 0.6), neighbours),
    ]).toEqual([
      [
        ["inputPicoUsd", 0.3],
        ["outputPicoUsd", 0.6],
      ],
      [],
    ]);
  });

  test("is compared with the market where nothing is nearer: a thousand times either way", async () => {
    const neighbours = await around("house", "http://127.0.0.1:9/v1", "llama-c");
    const sorted = (await marketPrices(atMs)).map((price) => price.inputPicoUsd);
    const median = sorted.filter((amount) => amount > 0).sort((a, b) => a - b);
    const middle = median[median.length >> 1] ?? 0;
    const at = (inputPicoUsd: number): number =>
      brief(testPrice({ inputPicoUsd, outputPicoUsd: 1_000_000 }), neighbours).length;
    expect([
      at(middle * 1_000),
      at(middle * 999),
      at(Math.floor(middle / 1_000)),
      at(Math.ceil(middle / 999)),
    ]).toEqual([1, 0, 1, 0]);
  });

  test("is taken where there is nothing to compare it with, up to the most that is accepted", () => {
    const most = testPrice({ inputPicoUsd: RATE_PICO_USD_MAX, outputPicoUsd: 1 });
    const more = { ...most, inputPicoUsd: RATE_PICO_USD_MAX + 1 };
    const doubts = doubtsOf(more, nobody);
    expect([
      pricePlausibility(most, nobody).plausible,
      doubts.map((one) => one.explanation),
    ]).toEqual([
      true,
      [
        "The price of input at 10000.000001 USD per million tokens is more than 10000.00 USD, the most that is accepted.",
      ],
    ]);
    expect(pricePlausibility(more, nobody)).toMatchObject({ plausible: false, preview: null });
  });
});

describe("the prices of the catalogue", () => {
  test("are plausible themselves, and are not as cents, per thousand tokens or per billion", async () => {
    const wrong: string[] = [];
    for (const providerName of ["openai", "anthropic", "google", "groq"]) {
      for (const [model, price] of listCatalogue({ providerName, baseUrl: "", atMs })) {
        const neighbours = await around(providerName, "", model);
        if (doubtsOf(price, neighbours).length > 0) wrong.push(model);
        for (const factor of [100, 1_000, 1 / 1_000]) {
          const inputPicoUsd = Math.round(price.inputPicoUsd * factor);
          if (price.inputPicoUsd === 0 || inputPicoUsd === 0) continue;
          const doubts = doubtsOf({ ...price, inputPicoUsd }, neighbours);
          if (doubts[0]?.amount.kind !== "inputPicoUsd") wrong.push(`${model} × ${factor}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe("fees", () => {
  test("are compared with what such fees are, by request and by tool", async () => {
    const neighbours = await around("openai", openAi, "gpt-4o");
    const fees = (requestUsd: number, searchUsd: number): readonly unknown[] =>
      doubtsOf(
        priced(2.5, 10, {
          requestPicoUsd: requestUsd * 1e12,
          toolCallPicoUsd: { web_search: searchUsd * 1e12, oracle: searchUsd * 1e12 },
        }),
        neighbours,
      ).map(({ amount, suggestedPicoUsd }) => [
        amount.kind === "toolCallPicoUsd" ? amount.tool : amount.kind,
        suggestedPicoUsd === null ? null : suggestedPicoUsd / 1e12,
      ]);
    expect([
      fees(0, 0),
      fees(0.012, 0.035),
      fees(12, 10),
      fees(0, FEE_PICO_USD_MAX / 1e12 + 1),
    ]).toEqual([
      [],
      [],
      [
        ["requestPicoUsd", 0.012],
        ["web_search", 0.01],
        ["oracle", 0.01],
      ],
      [
        ["web_search", null],
        ["oracle", null],
      ],
    ]);
  });
});

test("a fee past the most that is accepted has no preview", () => {
  const price = priced(1, 1, { requestPicoUsd: FEE_PICO_USD_MAX + 1_000 });
  expect(pricePlausibility(price, nobody)).toEqual({
    plausible: false,
    doubts: [
      {
        amount: { kind: "requestPicoUsd" },
        enteredPicoUsd: FEE_PICO_USD_MAX + 1_000,
        usualPicoUsd: null,
        suggestedPicoUsd: null,
        explanation:
          "The price of a request at 100.000000001 USD is more than 100.00 USD, the most that is accepted.",
      },
    ],
    preview: null,
  });
});

describe("the explanation", () => {
  test("names the amount, the neighbours, the likely mistake and what it would cost", async () => {
    const neighbours = await around("openai", openAi, "gpt-4o");
    const answer = pricePlausibility(priced(250, 10), neighbours);
    expect(answer).toEqual({
      plausible: false,
      doubts: [
        {
          amount: { kind: "inputPicoUsd", aboveInputTokens: null },
          enteredPicoUsd: 250_000_000,
          usualPicoUsd: 2_500_000,
          suggestedPicoUsd: 2_500_000,
          explanation:
            "The price of input at 250.00 USD per million tokens is 100 times the 2.50 USD which is listed for it. It looks as if it were in cents rather than dollars: then 2.50 USD was meant.",
        },
      ],
      preview: previewCost(priced(250, 10)),
    });
  });

  test("says one part in so many of a price that is too low", async () => {
    const neighbours = await around("openai", openAi, "gpt-4o");
    expect(doubtsOf(priced(0.002_5, 10), neighbours)[0]?.explanation).toBe(
      "The price of input at 0.0025 USD per million tokens is one part in 1,000 of the 2.50 USD which is listed for it. It looks as if it were per thousand tokens rather than per million: then 2.50 USD was meant.",
    );
  });
});

test("a preview says what requests cost, fees included", () => {
  const price = priced(2.5, 10, { requestPicoUsd: 12_000_000_000 });
  // 1,000 × 2.5 + 1,000 × 10 = 12,500 µUSD and 0.012 USD; a thousand requests of each direction alone.
  expect([previewCost(price), previewCost(priced(0, 0)).smallRequestNanoUsd]).toEqual([
    {
      smallRequestNanoUsd: 24_500_000,
      millionInputNanoUsd: 14_500_000_000,
      millionOutputNanoUsd: 22_000_000_000,
      sentence:
        "Under this price a request with 1,000 input and 1,000 output tokens costs 0.0245 USD, a million input tokens 14.50 USD and a million output tokens 22.00 USD.",
    },
    0,
  ]);
});
