/** OpenAI's API, which most providers and local servers speak: how it words errors. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";
import { HEADERS } from "./headers.ts";

export const openaiDialect: Dialect = {
  name: "openai",
  headers: HEADERS,
  errorBody,
  errorEvent,
  errorEventOf,
};
