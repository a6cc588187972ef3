/** Anthropic's API: how it words errors and rates. */
import type { Dialect } from "../contract.ts";
import { answerHeaders } from "./answer-headers.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";

export const anthropicDialect: Dialect = {
  name: "anthropic",
  // Without a version Anthropic refuses. Who says none wrote for this one, which clients have said since
  // 2023; the SDK says a newer one since 1.0 (2026-10).
  defaultHeaders: { "anthropic-version": "2023-06-01" },
  answerHeaders,
  errorBody,
  errorEvent,
  errorEventOf,
};
