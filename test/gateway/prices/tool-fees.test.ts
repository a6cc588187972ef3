/** Calls of tools that nobody priced are known as such. */
import { expect, test } from "bun:test";
import type { Usage } from "../../../src/dialects/usage-contract.ts";
import { Counts } from "../../../src/dialects/usage-counts.ts";
import {
  toolCallPicoUsd,
  UNPRICED_TOOL_CALL_PICO_USD,
  unpricedTools,
} from "../../../src/gateway/prices/tool-fees.ts";
import { testPrice } from "./support/price.ts";

const paid = testPrice({ inputPicoUsd: 1, toolCallPicoUsd: { web_search: 5, file_search: 0 } });
const free = testPrice({});

function usage(toolCalls: Record<string, number>): Usage | null {
  return new Counts().usage({ inputTokens: 1, outputTokens: 1, toolCalls });
}

test("a call costs its price, 0 where that was said, and 0.05 USD where nothing was", () => {
  const fees = ["web_search", "file_search", "web_fetch", "mcp", "oracle", "toString"].map((tool) =>
    toolCallPicoUsd(paid, tool),
  );
  const dear = UNPRICED_TOOL_CALL_PICO_USD;
  expect([fees, dear, toolCallPicoUsd(free, "oracle")]).toEqual([
    [5, 0, 0, 0, dear, dear],
    50_000_000_000,
    0,
  ]);
});

test("a picture costs as much as the dearest of a usual size, where nobody priced it", () => {
  expect(toolCallPicoUsd(paid, "image_generation")).toBe(250_000_000_000);
  const priced = testPrice({ toolCallPicoUsd: { image_generation: 7 } });
  expect([
    toolCallPicoUsd(priced, "image_generation"),
    toolCallPicoUsd(free, "image_generation"),
  ]).toEqual([7, 0]);
});

test("the tools without a price are told", () => {
  const used = usage({ web_search: 1, oracle: 2, mcp: 3, constructor: 1 });
  const plain = usage({});
  expect(used === null || plain === null).toBe(false);
  if (used === null || plain === null) return;
  expect([
    unpricedTools(used, paid),
    unpricedTools(used, free),
    unpricedTools(plain, paid),
  ]).toEqual([["oracle", "constructor"], [], []]);
});
