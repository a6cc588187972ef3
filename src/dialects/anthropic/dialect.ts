/** Anthropic's API: how it presents credentials, errors and rates. */
import type { Dialect } from "../contract.ts";
import { answerHeaders } from "./answer-headers.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";

export const anthropicDialect: Dialect = {
  name: "anthropic",
  credentialHeaders: (credential) => ({ "x-api-key": credential }),
  // Without a version Anthropic refuses; this one is the only one in use since 2023 (2026-11).
  defaultHeaders: { "anthropic-version": "2023-06-01" },
  answerHeaders,
  errorBody,
  errorEvent,
  errorEventOf,
};
