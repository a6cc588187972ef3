/** A provider has its company's prices, also where it is called through something in between. */
import { expect, test } from "bun:test";
import { effectivePrice } from "../../../src/gateway/prices/resolve.ts";

const atMs = Date.UTC(2026, 10, 29);
const proxied = { name: "by-proxy", baseUrl: "https://proxy.example.com/v1", simulated: false };

test.each([
  ["groq", "llama-3.3-70b-versatile", 590_000],
  ["bedrock", "anthropic.claude-sonnet-4-20250514-v1:0", 3_000_000],
  ["vertex-anthropic", "claude-sonnet-4@20250514", 3_000_000],
  ["vertex", "gemini-2.5-flash", 300_000],
  ["azure", "gpt-4o", 2_500_000],
])("of %s", (company, model, inputPicoUsd) => {
  expect(effectivePrice({ ...proxied, terms: { company } }, model, null, atMs)).toMatchObject({
    inputPicoUsd,
  });
  expect(effectivePrice({ ...proxied, terms: {} }, model, null, atMs)).toBeNull();
});
