/** Gemini's API: how it presents credentials and errors. */
import type { Dialect } from "../contract.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";

export const googleDialect: Dialect = {
  name: "google",
  credentialHeaders: (credential) => ({ "x-goog-api-key": credential }),
  defaultHeaders: null,
  answerHeaders: null,
  errorBody,
  errorEvent,
  errorEventOf,
};
