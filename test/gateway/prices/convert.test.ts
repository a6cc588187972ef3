/** A price of the public list becomes ours: every key of it, or it is no price at all. */
import { expect, test } from "bun:test";
import { convertListed, type ListedPrice } from "../../../src/gateway/prices/convert.ts";
import type { ModelPrice } from "../../../src/gateway/prices/price.ts";
import { testPrice } from "./support/price.ts";

function convert(listed: ListedPrice, id = "model"): ModelPrice | null {
  return convertListed(id, listed, null, "test");
}

test("every kind that has a price of its own keeps it", () => {
  const listed = {
    input_mtok: 1,
    output_mtok: 2,
    cache_read_mtok: 3,
    cache_write_mtok: 4,
    cache_write_1h_mtok: 5,
    output_reasoning_mtok: 6,
    input_audio_mtok: 7,
    cache_audio_read_mtok: 8,
    output_audio_mtok: 9,
    input_image_mtok: 10,
    output_image_mtok: 11,
    requests_kcount: 12,
    web_searches_kcount: 13,
    storage_searches_kcount: 14,
    social_searches_kcount: 15,
    code_executions_kcount: 16,
    output_citation_mtok: 1,
  };
  expect(convert(listed)).toEqual(
    testPrice({
      inputPicoUsd: 1_000_000,
      outputPicoUsd: 2_000_000,
      cachedInputPicoUsd: 3_000_000,
      cacheWritePicoUsd: 4_000_000,
      cacheWrite1hPicoUsd: 5_000_000,
      reasoningPicoUsd: 6_000_000,
      audioInputPicoUsd: 7_000_000,
      cachedAudioInputPicoUsd: 8_000_000,
      audioOutputPicoUsd: 9_000_000,
      imageInputPicoUsd: 10_000_000,
      imageOutputPicoUsd: 11_000_000,
      // Per thousand: 0.012 USD each.
      requestPicoUsd: 12_000_000_000,
      toolCallPicoUsd: {
        web_search: 13_000_000_000,
        file_search: 14_000_000_000,
        x_search: 15_000_000_000,
        code_execution: 16_000_000_000,
      },
    }),
  );
});

test("kinds that usage does not tell apart share the dearest of their prices", () => {
  const price = convert({
    input_mtok: 1,
    output_mtok: 1,
    cache_read_mtok: 0.1,
    cache_image_read_mtok: 0.2,
    cache_write_mtok: 2,
    cache_write_5m_mtok: 3,
    input_image_mtok: 4,
    input_video_mtok: 3,
    output_video_mtok: 17.5,
  });
  expect([
    price?.cachedInputPicoUsd,
    price?.cacheWritePicoUsd,
    price?.imageInputPicoUsd,
    price?.imageOutputPicoUsd,
  ]).toEqual([200_000, 3_000_000, 4_000_000, 17_500_000]);
});

test("a price with a unit that no usage of ours reports is none, rather than free of it", () => {
  expect([
    convert({ input_mtok: 1, output_mtok: 1, audio_hours: 0.1 }),
    convert({ input_mtok: 1, output_mtok: 1, some_new_kind_mtok: 1 }),
    convert({ output_mtok: 1 }),
    convert({}),
    convert({}, "model:free")?.inputPicoUsd,
  ]).toEqual([null, null, null, null, 0]);
});

test("tiers of some kinds are tiers of all, and a fee with tiers is taken at its dearest", () => {
  const price = convert({
    input_mtok: { base: 1, tiers: [{ start: 1_000, price: 2 }] },
    output_mtok: 3,
    output_audio_mtok: { base: 4, tiers: [{ start: 2_000, price: 5 }] },
    web_searches_kcount: { base: 10, tiers: [{ start: 5, price: 35 }] },
  });
  expect(price).toEqual(
    testPrice({
      inputPicoUsd: 1_000_000,
      outputPicoUsd: 3_000_000,
      audioOutputPicoUsd: 4_000_000,
      toolCallPicoUsd: { web_search: 35_000_000_000 },
      tiers: [
        {
          aboveInputTokens: 1_000,
          inputPicoUsd: 2_000_000,
          outputPicoUsd: 3_000_000,
          audioOutputPicoUsd: 4_000_000,
        },
        {
          aboveInputTokens: 2_000,
          inputPicoUsd: 2_000_000,
          outputPicoUsd: 3_000_000,
          audioOutputPicoUsd: 5_000_000,
        },
      ],
    }),
  );
});
