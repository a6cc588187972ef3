/** Gemini's API: how it words errors. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";

export const googleDialect: Dialect = {
  name: "google",
  defaultHeaders: null,
  answerHeaders: null,
  errorBody,
  errorEvent,
  errorEventOf,
};
