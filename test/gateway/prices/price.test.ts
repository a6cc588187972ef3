/** A price survives the ledger's JSON, and nothing else is read as one. */
import { expect, test } from "bun:test";
import { type ModelPrice, parsePriceJson, priceJson } from "../../../src/gateway/prices/price.ts";
import { SIMULATED_PRICES } from "../../../src/gateway/prices/simulated.ts";

const full: ModelPrice = {
  inputPicoUsd: 2_000_000,
  outputPicoUsd: 10_000_000,
  cachedInputPicoUsd: 0,
  cacheWritePicoUsd: null,
  requestPicoUsd: 7,
  tiers: [
    {
      aboveInputTokens: 200_000,
      inputPicoUsd: 4_000_000,
      outputPicoUsd: 15_000_000,
      cachedInputPicoUsd: null,
      cacheWritePicoUsd: 5_000_000,
    },
  ],
  contextTokensMax: 1_000_000,
  outputTokensMax: null,
  source: "catalogue:0.1.8",
};

const text =
  '{"source":"catalogue:0.1.8","input_pico_usd":2000000,"output_pico_usd":10000000,' +
  '"cached_input_pico_usd":0,"cache_write_pico_usd":null,"request_pico_usd":7,"tiers":[' +
  '{"above_input_tokens":200000,"input_pico_usd":4000000,"output_pico_usd":15000000,' +
  '"cached_input_pico_usd":null,"cache_write_pico_usd":5000000}],' +
  '"context_tokens_max":1000000,"output_tokens_max":null}';

test("a price has one JSON text, and the text gives the price back", () => {
  expect([priceJson(full), priceJson(full), parsePriceJson(text)]).toEqual([text, text, full]);
  for (const price of Object.values(SIMULATED_PRICES)) {
    expect(parsePriceJson(priceJson(price))).toEqual(price);
  }
});

test("what is not a whole price is not read as one", () => {
  const members: unknown = JSON.parse(text);
  const broken = [
    "",
    "{",
    "null",
    "[]",
    "5",
    "{}",
    ...[
      "source",
      "input_pico_usd",
      "output_pico_usd",
      "cached_input_pico_usd",
      "cache_write_pico_usd",
      "request_pico_usd",
      "tiers",
      "context_tokens_max",
      "output_tokens_max",
    ].flatMap((name) =>
      [undefined, -1, 0.5, "1", 2 ** 53, [{}], [null]].map((value) =>
        JSON.stringify({ ...Object(members), [name]: value }),
      ),
    ),
  ];
  const readable = broken.filter((candidate) => parsePriceJson(candidate) !== undefined);
  // A text is a valid source, whatever it says.
  expect(readable.map((candidate) => parsePriceJson(candidate)?.source)).toEqual(["1"]);
});
