/** Headers of OpenAI's API and of its clients (openai-node 7.55, 2026-11). */
import type { DialectHeaders } from "../headers.ts";

export const HEADERS: DialectHeaders = {
  defaults: null,
  // Azure's.
  credentials: ["api-key"],
  accounts: ["openai-organization", "openai-project"],
  passed: ["x-should-retry", "openai-version", "openai-processing-ms"],
  told: null,
};
