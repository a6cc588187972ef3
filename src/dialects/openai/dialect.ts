/** OpenAI's API, which most providers and local servers speak: how it words errors. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";

export const openaiDialect: Dialect = {
  name: "openai",
  defaultHeaders: null,
  answerHeaders: null,
  errorBody,
  errorEvent,
  errorEventOf,
};
