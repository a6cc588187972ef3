/** Headers of Gemini's API and of its clients (@google/genai 3.1, @ai-sdk/google 4.0, 2026-11). */
import type { DialectHeaders } from "../headers.ts";

export const HEADERS: DialectHeaders = {
  defaults: null,
  credentials: ["x-goog-api-key"],
  accounts: ["x-goog-user-project"],
  // Which tier served, where the usage does not say it.
  passed: ["x-gemini-service-tier"],
  told: null,
};
