/** The catalogue: who is meant, what is known, exact integers, dates, and a bounded memory. */
import { describe, expect, spyOn, test } from "bun:test";
import manifest from "../../../package.json";
import {
  type CatalogueQuery,
  CATALOGUE_VERSION,
  createCatalogue,
  listCatalogue,
  marketPrices,
  sameModelPrices,
} from "../../../src/gateway/prices/catalogue.ts";
import { type ModelPrice, pricesTokens } from "../../../src/gateway/prices/price.ts";
import { testPrice } from "./support/price.ts";

const catalogue = createCatalogue();
const openAi = "https://api.openai.com/v1";
const nowMs = Date.UTC(2026, 10, 20, 12);

function find(
  baseUrl: string,
  model: string,
  more: Partial<CatalogueQuery> = {},
): ModelPrice | null {
  return catalogue.find({ providerName: "mine", baseUrl, model, atMs: nowMs, ...more });
}

function rates(price: ModelPrice | null): readonly (number | null)[] | null {
  return price === null
    ? null
    : [price.inputPicoUsd, price.outputPicoUsd, price.cachedInputPicoUsd];
}

/** What gpt-4o-mini costs, 0.15 / 0.60 / 0.075 USD per million, by whatever way it is found. */
const miniRates = [150_000, 600_000, 75_000];

describe("a price", () => {
  test("is given whole, in integer pico-dollars per token", () => {
    expect(find(openAi, "gpt-4o-mini")).toEqual(
      testPrice({
        inputPicoUsd: 150_000,
        outputPicoUsd: 600_000,
        cachedInputPicoUsd: 75_000,
        // 10 and 2.50 USD per thousand calls.
        toolCallPicoUsd: { web_search: 10_000_000_000, file_search: 2_500_000_000 },
        contextTokensMax: 128_000,
        source: "catalogue:0.1.8",
      }),
    );
  });

  test("has its context tiers, and both ways to write to the cache", () => {
    expect(find("https://api.anthropic.com/v1", "claude-sonnet-4-5")).toEqual(
      testPrice({
        inputPicoUsd: 3_000_000,
        outputPicoUsd: 15_000_000,
        cachedInputPicoUsd: 300_000,
        cacheWritePicoUsd: 3_750_000,
        cacheWrite1hPicoUsd: 6_000_000,
        toolCallPicoUsd: { web_search: 10_000_000_000 },
        tiers: [
          {
            aboveInputTokens: 200_000,
            inputPicoUsd: 6_000_000,
            outputPicoUsd: 22_500_000,
            cachedInputPicoUsd: 600_000,
            cacheWritePicoUsd: 7_500_000,
            cacheWrite1hPicoUsd: 12_000_000,
          },
        ],
        contextTokensMax: 200_000,
        source: "catalogue:0.1.8",
      }),
    );
  });

  test("includes what a request costs whatever its size, its search being part of that", () => {
    const sonar = find("https://api.perplexity.ai", "sonar");
    // 12 USD per thousand requests are 0.012 USD each.
    expect([sonar?.requestPicoUsd, sonar?.toolCallPicoUsd]).toEqual([
      12_000_000_000,
      { web_search: 0 },
    ]);
  });

  test("has audio, pictures and reasoning at prices of their own", () => {
    const google = "https://generativelanguage.googleapis.com";
    const flash = find(google, "gemini-2.5-flash");
    const painter = find(google, "gemini-3-pro-image-preview");
    const research = find("https://api.perplexity.ai", "sonar-deep-research");
    const speaker = find(openAi, "gpt-audio");
    expect([
      [flash?.inputPicoUsd, flash?.audioInputPicoUsd, flash?.cachedAudioInputPicoUsd],
      [painter?.outputPicoUsd, painter?.imageOutputPicoUsd],
      [research?.outputPicoUsd, research?.reasoningPicoUsd, research?.toolCallPicoUsd],
      [speaker?.audioInputPicoUsd, speaker?.audioOutputPicoUsd],
    ]).toEqual([
      [300_000, 1_000_000, 100_000],
      [12_000_000, 120_000_000],
      [8_000_000, 3_000_000, { web_search: 5_000_000_000 }],
      [32_000_000, 64_000_000],
    ]);
  });

  test("of a model that generates nothing prices output like input rather than at nothing", () => {
    expect(rates(find(openAi, "text-embedding-3-small"))).toEqual([20_000, 20_000, null]);
  });

  test("with more than six decimals goes to the nearest pico-dollar", () => {
    // Listed as 0.18000000000000002 dollars per million.
    const together = "https://router.huggingface.co/together/v1";
    expect(find(together, "Qwen/Qwen3-VL-8B-Instruct")?.inputPicoUsd).toBe(180_000);
  });

  test("of a model listed as free is 0, and an empty price is no price", () => {
    const router = "https://openrouter.ai/api/v1";
    expect([
      rates(find(router, "deepseek/deepseek-r1:free")),
      find(openAi, "omni-moderation-latest"),
      find(openAi, "dall-e-3"),
    ]).toEqual([[0, 0, null], null, null]);
  });

  test("of what is read by the hour is per second, rounded up, and none per token", () => {
    // 0.36 and 0.111 USD an hour.
    const whispers = [
      find(openAi, "whisper-1"),
      find("https://api.groq.com/openai/v1", "whisper-large-v3"),
    ];
    expect(
      whispers.map((price) => price && [price.audioSecondPicoUsd, pricesTokens(price)]),
    ).toEqual([
      [100_000_000, false],
      [30_833_334, false],
    ]);
  });
});

describe("the provider", () => {
  const rows: readonly (readonly [name: string, baseUrl: string, model: string, known: boolean])[] =
    [
      ["anything", openAi, "gpt-4o-mini", true],
      ["anything", "https://API.OpenAI.com:443/v1/", "GPT-4o-mini", true],
      ["openai", "http://127.0.0.1:9/v1", "gpt-4o-mini", true],
      ["OpenAI-EU", "http://127.0.0.1:9/v1", "gpt-4o-mini", true],
      ["my-openai-proxy", "http://127.0.0.1:9/v1", "gpt-4o-mini", true],
      ["azure", "https://mine.openai.azure.com/openai", "gpt-4o-mini", true],
      ["local", "http://127.0.0.1:11434/v1", "gpt-4o-mini", false],
      ["local", "not an address", "gpt-4o-mini", false],
      ["", "", "gpt-4o-mini", false],
      ["openai", openAi, "no-such-model", false],
      ["openai", openAi, "", false],
    ];
  for (const [providerName, baseUrl, model, known] of rows) {
    test(`"${providerName}" at ${baseUrl || "nowhere"} ${known ? "knows" : "does not know"} "${model}"`, () => {
      expect(rates(find(baseUrl, model, { providerName }))).toEqual(known ? miniRates : null);
    });
  }

  test("is found by a part of its name, and the address says more than the name", () => {
    const llama = "llama-3.3-70b-versatile";
    expect([
      rates(find("http://127.0.0.1:9", llama, { providerName: "groq-eu" })),
      rates(find("https://api.groq.com/openai/v1", llama, { providerName: "openai" })),
    ]).toEqual([
      [590_000, 790_000, null],
      [590_000, 790_000, null],
    ]);
  });
});

function deepseekAt(hour: number, minute: number): readonly (number | null)[] | null {
  const atMs = Date.UTC(2025, 5, 1, hour, minute);
  return rates(find("https://api.deepseek.com", "deepseek-chat", { atMs }));
}

describe("time", () => {
  test("a price that changed on a day changes at its midnight, also when it was asked before", () => {
    const changeMs = Date.UTC(2025, 5, 10);
    const asked = [changeMs - 1, changeMs - 1, changeMs, changeMs + 1].map((atMs) =>
      rates(find(openAi, "o3", { atMs })),
    );
    const before = [10_000_000, 40_000_000, 500_000];
    const after = [2_000_000, 8_000_000, 500_000];
    expect(asked).toEqual([before, before, after, after]);
  });

  test("a price by the time of day changes at its minute", () => {
    const day = [270_000, 1_100_000, 70_000];
    const night = [135_000, 550_000, 35_000];
    expect([deepseekAt(0, 29), deepseekAt(0, 30), deepseekAt(16, 29), deepseekAt(16, 30)]).toEqual([
      night,
      day,
      day,
      night,
    ]);
  });
});

describe("the memory", () => {
  test("gives the same answer object again, and forgets rather than grows", () => {
    const own = createCatalogue();
    const ask = (model: string): ModelPrice | null =>
      own.find({ providerName: "openai", baseUrl: openAi, model, atMs: nowMs });
    const first = ask("gpt-4o-mini");
    expect(ask("gpt-4o-mini") === first).toBe(true);
    for (let at = 0; at < 2_100; at += 1) ask(`invented-${at}`);
    const again = ask("gpt-4o-mini");
    expect([again === first, again]).toEqual([false, first]);
  });
});

test("the version in the source of a price is the installed one", () => {
  expect(manifest.dependencies["@pydantic/genai-prices"]).toBe(CATALOGUE_VERSION);
});

test("names from hostile clients are looked up without a warning or an exception", () => {
  const warn = spyOn(console, "warn");
  const names = ["__proto__", "constructor", "\0", "a".repeat(256), "()[]*+?", "☃"];
  expect(names.map((model) => find(openAi, model))).toEqual(names.map(() => null));
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

function list(baseUrl: string): ReadonlyMap<string, ModelPrice> {
  return listCatalogue({ providerName: "mine", baseUrl, atMs: nowMs });
}

describe("the list of a provider's prices", () => {
  test("is every model with a price, at the price that finding it gives", () => {
    const prices = list(openAi);
    expect(prices.size).toBeGreaterThan(60);
    const models = ["gpt-4o-mini", "whisper-1", "dall-e-3"];
    expect(models.map((model) => prices.has(model))).toEqual([true, true, false]);
    const others = [...prices].filter(([model, price]) => {
      const found = find(openAi, model);
      return found !== null && !Bun.deepEquals(found, price);
    });
    expect(others).toEqual([]);
  });

  test("has what the provider resells, and nothing where nobody knows the provider", () => {
    const azure = list("https://mine.openai.azure.com/openai");
    expect([rates(azure.get("gpt-4o-mini") ?? null), list("http://127.0.0.1:9").size]).toEqual([
      miniRates,
      0,
    ]);
  });

  test("holds at its time", () => {
    const before = listCatalogue({
      providerName: "openai",
      baseUrl: openAi,
      atMs: Date.UTC(2025, 5, 9),
    });
    expect([before.get("o3")?.inputPicoUsd, list(openAi).get("o3")?.inputPicoUsd]).toEqual([
      10_000_000, 2_000_000,
    ]);
  });
});

describe("the market", () => {
  test("knows a model wherever it is sold under one of its names", async () => {
    const [one, two, unknown] = await Promise.all([
      sameModelPrices(["gpt-4o-mini"], nowMs),
      sameModelPrices(["openai/gpt-4o-mini", "gpt-4o-mini"], nowMs),
      sameModelPrices(["no-such-model"], nowMs),
    ]);
    expect(one.map(rates)).toContainEqual(miniRates);
    expect([two.length > one.length, unknown]).toEqual([true, []]);
  });

  test("is every price of the list, none of which holds a key that is not understood", async () => {
    const prices = await marketPrices(nowMs);
    // 1,694 models, of which 24 have a price per neither token nor second: pages, messages, moderation.
    expect(prices.length).toBe(1_670);
  });
});
