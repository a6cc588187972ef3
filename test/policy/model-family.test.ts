/** Guarantee: snapshots of one model are one family, different models never are. */
import { describe, expect, test } from "bun:test";
import { modelFamily } from "../../actors/policy/model-family.ts";

const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  "gpt-4o": ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-20240806", "gpt-4o-latest"],
  "gpt-4o-mini": ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"],
  "gpt-4": ["gpt-4-0613"],
  "gpt-4-32k": ["gpt-4-32k"],
  "gpt-3.5-turbo": ["gpt-3.5-turbo-0125"],
  "gpt-5.2": ["gpt-5.2", "gpt-5.2-2026-01-15"],
  "claude-sonnet-4-5": ["claude-sonnet-4-5-20250929"],
  "claude-sonnet-4": ["claude-sonnet-4@20250514"],
  "anthropic.claude-3-5-sonnet": ["anthropic.claude-3-5-sonnet-20240620-v1:0"],
  "gemini-2.5-flash-preview": ["gemini-2.5-flash-preview-05-20"],
  "gemini-1.5-pro": ["gemini-1.5-pro-002"],
  "mistral-large": ["mistral-large-2411", "mistral-large-latest"],
  "command-r": ["command-r-08-2024"],
  "text-embedding-3-large": ["text-embedding-3-large"],
  "meta-llama/Llama-3.3-70B-Instruct": ["meta-llama/Llama-3.3-70B-Instruct"],
  "phi-4096": ["phi-4096"],
  "-latest": ["-latest"],
};

describe("the family of a model", () => {
  for (const [family, models] of Object.entries(FAMILIES)) {
    test.each([...models])(`of %s is ${family}`, (model) => {
      expect(modelFamily(model)).toBe(family);
    });
  }
});
