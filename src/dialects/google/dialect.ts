/** Gemini's API: how it words errors. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";
import { HEADERS } from "./headers.ts";

export const googleDialect: Dialect = {
  name: "google",
  headers: HEADERS,
  errorBody,
  errorEvent,
  errorEventOf,
};
