/** Counts of any dialect: what is one, and that no part passes its whole. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { UsageDetails } from "../../src/dialects/usage-contract.ts";
import { readUsage as readAnthropic } from "../../src/dialects/anthropic/usage.ts";
import { readUsage as readBedrock } from "../../src/dialects/bedrock/usage.ts";
import { readUsage as readGoogle } from "../../src/dialects/google/usage.ts";
import { readUsage as readOpenai } from "../../src/dialects/openai/usage.ts";
import { addDetails, Counts } from "../../src/dialects/usage-counts.ts";

const none: UsageDetails = {
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  cachedAudioInputTokens: 0,
  imageInputTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  toolCalls: {},
};

describe("a count", () => {
  test("is a whole number from 0 to ten million; anything else breaks the report, absence does not", () => {
    const made = [0, 1, 10_000_000, -0, undefined, null, -1, 0.5, 10_000_001, Number.NaN, "1"].map(
      (value) => {
        const counts = new Counts();
        const inputTokens = counts.of(value);
        return counts.usage({ inputTokens, outputTokens: 0 })?.inputTokens ?? null;
      },
    );
    expect(made).toEqual([0, 1, 10_000_000, 0, 0, 0, null, null, null, null, null]);
  });

  test("of which the sum passes ten million breaks the report", () => {
    const counts = new Counts();
    expect([
      counts.usage({ inputTokens: 10_000_001, outputTokens: 0 }),
      counts.usage({ inputTokens: 0, outputTokens: 20_000_000 }),
    ]).toEqual([null, null]);
  });
});

describe("calls of tools", () => {
  test("are read by the ending of their members, those of none left out", () => {
    const counts = new Counts();
    const reported = { web_search_requests: 2, file_search_requests: 0, other: 5, Bad_requests: 1 };
    expect([
      counts.toolCalls(reported, "_requests"),
      counts.toolCalls({ web_search_calls: 2 }, "_requests"),
      counts.toolCalls(null, "_requests"),
      counts.toolCalls(JSON.parse('{"__proto___calls":3,"constructor_calls":1}'), "_calls"),
    ]).toEqual([{ web_search: 2 }, {}, {}, { constructor: 1 }]);
  });

  test("that no answer can make break the report", () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`t${at}_calls`, 1]));
    const usages = [{ a_calls: 10_001 }, { a_calls: -1 }, { a_calls: 1.5 }, many].map(
      (reported) => {
        const counts = new Counts();
        const toolCalls = counts.toolCalls(reported, "_calls");
        return counts.usage({ inputTokens: 1, outputTokens: 1, toolCalls });
      },
    );
    expect(usages).toEqual([null, null, null, null]);
  });
});

test("details of several answers add up, and none and none is none", () => {
  const first = { ...none, audioInputTokens: 3, toolCalls: { web_search: 1, oracle: 2 } };
  const second = { ...none, audioInputTokens: 4, cacheWriteTokens: 5, toolCalls: { oracle: 3 } };
  expect([
    addDetails(null, null),
    addDetails(first, null),
    addDetails(null, second),
    addDetails(first, second),
  ]).toEqual([
    null,
    first,
    second,
    {
      ...none,
      audioInputTokens: 7,
      cacheWriteTokens: 5,
      toolCalls: { web_search: 1, oracle: 5 },
    },
  ]);
});

describe("whatever a provider reports", () => {
  const members = `prompt_tokens completion_tokens total_tokens cached_tokens reasoning_tokens
    prompt_tokens_details completion_tokens_details audio_tokens image_tokens citation_tokens
    cache_read_input_tokens cache_creation_input_tokens cache_write_tokens prompt_cache_hit_tokens
    num_search_queries server_tool_use web_search_requests cached_tokens_details cache_creation
    input_tokens output_tokens ephemeral_1h_input_tokens promptTokenCount candidatesTokenCount
    cachedContentTokenCount thoughtsTokenCount promptTokensDetails inputTokens outputTokens
    cacheReadInputTokens cacheWriteInputTokens cacheDetails`.split(/\s+/);
  const count = fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: 300 }) },
    fc.constantFrom<unknown>(null, -1, 0.5, 1e300, "7", [], true),
  );
  const inner = fc.dictionary(fc.constantFrom(...members), count);
  const list = fc.array(
    fc.record({ modality: fc.constantFrom("TEXT", "AUDIO", "IMAGE"), tokenCount: count }),
  );
  const report = fc.dictionary(
    fc.constantFrom(...members),
    fc.oneof({ weight: 4, arbitrary: count }, inner, list),
    { maxKeys: 20 },
  );

  test("is read as nothing or as a usage whose parts fit into their wholes", () => {
    fc.assert(
      fc.property(fc.oneof(report, fc.anything()), (reported) => {
        for (const read of [readAnthropic, readBedrock, readGoogle, readChat, readEmbeddings]) {
          const usage = read(reported);
          if (usage === null) continue;
          const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = usage;
          const details = usage.details ?? none;
          const { toolCalls, units = {}, ...parts } = details;
          const wholes = [inputTokens, outputTokens, cachedInputTokens, reasoningTokens];
          const calls = [...Object.values(toolCalls), ...Object.values(units)];
          const counts = [...wholes, ...Object.values(parts), ...calls];
          expect(counts.every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true);
          const { cacheWriteTokens, cacheWrite1hTokens } = details;
          expect(cachedInputTokens + cacheWriteTokens + cacheWrite1hTokens).toBeLessThanOrEqual(
            inputTokens,
          );
          expect(details.audioInputTokens + details.imageInputTokens).toBeLessThanOrEqual(
            inputTokens,
          );
          expect(details.cachedAudioInputTokens).toBeLessThanOrEqual(
            Math.min(details.audioInputTokens, cachedInputTokens),
          );
          expect(details.audioOutputTokens + details.imageOutputTokens).toBeLessThanOrEqual(
            outputTokens,
          );
          expect(reasoningTokens).toBeLessThanOrEqual(outputTokens);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

function readChat(reported: unknown): ReturnType<typeof readOpenai> {
  return readOpenai(reported, true);
}

function readEmbeddings(reported: unknown): ReturnType<typeof readOpenai> {
  return readOpenai(reported, false);
}
