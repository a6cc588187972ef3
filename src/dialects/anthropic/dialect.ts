/** Anthropic's API: how it words errors and rates. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";
import { HEADERS } from "./headers.ts";

export const anthropicDialect: Dialect = {
  name: "anthropic",
  headers: HEADERS,
  errorBody,
  errorEvent,
  errorEventOf,
};
