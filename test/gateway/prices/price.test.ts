/** A price survives the ledger's JSON, older texts stay readable, and nothing else is read as one. */
import { expect, test } from "bun:test";
import { parsePriceJson, priceJson } from "../../../src/gateway/prices/price-json.ts";
import { isFree, plainRates, type ModelPrice } from "../../../src/gateway/prices/price.ts";
import { SIMULATED_PRICES } from "../../../src/gateway/prices/simulated.ts";
import { testPrice } from "./support/price.ts";

const full: ModelPrice = {
  inputPicoUsd: 2_000_000,
  outputPicoUsd: 10_000_000,
  cachedInputPicoUsd: 0,
  cacheWritePicoUsd: null,
  cacheWrite1hPicoUsd: 1,
  reasoningPicoUsd: 2,
  audioInputPicoUsd: 3,
  cachedAudioInputPicoUsd: 4,
  audioOutputPicoUsd: 5,
  imageInputPicoUsd: 6,
  imageOutputPicoUsd: 8,
  imagePicoUsd: 40_000_000_000,
  audioSecondPicoUsd: 100_000_000,
  characterPicoUsd: 0,
  searchUnitPicoUsd: null,
  requestPicoUsd: 7,
  toolCallPicoUsd: { web_search: 10_000_000_000, file_search: 0 },
  tiers: [
    {
      ...plainRates(4_000_000, 15_000_000),
      aboveInputTokens: 200_000,
      cacheWritePicoUsd: 5_000_000,
    },
  ],
  batchPermille: 500,
  contextTokensMax: 1_000_000,
  outputTokensMax: null,
  source: "catalogue:0.1.8",
};

const text =
  '{"source":"catalogue:0.1.8","input_pico_usd":2000000,"output_pico_usd":10000000,' +
  '"cached_input_pico_usd":0,"cache_write_1h_pico_usd":1,"reasoning_pico_usd":2,' +
  '"audio_input_pico_usd":3,"cached_audio_input_pico_usd":4,"audio_output_pico_usd":5,' +
  '"image_input_pico_usd":6,"image_output_pico_usd":8,"image_pico_usd":40000000000,' +
  '"audio_second_pico_usd":100000000,"character_pico_usd":0,"request_pico_usd":7,' +
  '"tool_call_pico_usd":{"web_search":10000000000,"file_search":0},"tiers":[' +
  '{"above_input_tokens":200000,"input_pico_usd":4000000,"output_pico_usd":15000000,' +
  '"cache_write_pico_usd":5000000}],"batch_permille":500,"context_tokens_max":1000000}';

test("a price has one JSON text, and the text gives the price back", () => {
  expect([priceJson(full), priceJson(full), parsePriceJson(text)]).toEqual([text, text, full]);
  for (const price of Object.values(SIMULATED_PRICES)) {
    expect(parsePriceJson(priceJson(price))).toEqual(price);
  }
});

test("what a price leaves open is left out of its text", () => {
  const price = testPrice({ inputPicoUsd: 1, outputPicoUsd: 2 });
  expect(priceJson(price)).toBe('{"source":"test","input_pico_usd":1,"output_pico_usd":2}');
});

test("a text from before there were more kinds is read, its nulls being open", () => {
  const older =
    '{"source":"catalogue:0.1.7","input_pico_usd":2000000,"output_pico_usd":10000000,' +
    '"cached_input_pico_usd":200000,"cache_write_pico_usd":null,"request_pico_usd":7,"tiers":[' +
    '{"above_input_tokens":200000,"input_pico_usd":4000000,"output_pico_usd":15000000,' +
    '"cached_input_pico_usd":null,"cache_write_pico_usd":5000000}],' +
    '"context_tokens_max":1000000,"output_tokens_max":null}';
  expect(parsePriceJson(older)).toEqual(
    testPrice({
      inputPicoUsd: 2_000_000,
      outputPicoUsd: 10_000_000,
      cachedInputPicoUsd: 200_000,
      requestPicoUsd: 7,
      tiers: [
        {
          aboveInputTokens: 200_000,
          inputPicoUsd: 4_000_000,
          outputPicoUsd: 15_000_000,
          cacheWritePicoUsd: 5_000_000,
        },
      ],
      contextTokensMax: 1_000_000,
      source: "catalogue:0.1.7",
    }),
  );
});

test("what is not a whole price is not read as one", () => {
  const members: object = Object(JSON.parse(text));
  const values = [-1, 0.5, "1", 2 ** 53, [{}], [null], { a: -1 }, { a: "1" }, false];
  const broken = [
    "",
    "{",
    "null",
    "[]",
    "5",
    "{}",
    ...["source", "input_pico_usd", "output_pico_usd"].map((name) =>
      JSON.stringify({ ...members, [name]: undefined }),
    ),
    ...Object.keys(members)
      .concat("output_tokens_max", "cache_write_pico_usd")
      .flatMap((name) => values.map((value) => JSON.stringify({ ...members, [name]: value }))),
    JSON.stringify({ ...members, batch_permille: 1_001 }),
    JSON.stringify({ ...members, tiers: [{ input_pico_usd: 1, output_pico_usd: 1 }] }),
  ];
  const readable = broken.filter((candidate) => parsePriceJson(candidate) !== undefined);
  // A text is a valid source, whatever it says.
  expect(readable.map((candidate) => parsePriceJson(candidate)?.source)).toEqual(["1"]);
});

test("a price is free when nothing of it costs anything", () => {
  const free = testPrice({});
  expect([
    isFree(free),
    isFree({ ...free, toolCallPicoUsd: { web_search: 0 } }),
    isFree({ ...free, toolCallPicoUsd: { web_search: 1 } }),
    isFree({ ...free, requestPicoUsd: 1 }),
    isFree({ ...free, audioOutputPicoUsd: 1 }),
    isFree({ ...free, tiers: [{ ...plainRates(0, 1), aboveInputTokens: 9 }] }),
  ]).toEqual([true, true, false, false, false, false]);
});
