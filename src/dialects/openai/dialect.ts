/** OpenAI's API, which most providers and local servers speak: how it presents credentials and errors. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";

export const openaiDialect: Dialect = {
  name: "openai",
  credentialHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  defaultHeaders: null,
  answerHeaders: null,
  errorBody,
  errorEvent,
  errorEventOf,
};
