/** OpenAI's API, which most providers and local servers speak: chat completions and embeddings. */
import type { Dialect, Surface } from "../contract.ts";
import { accept } from "./accept.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { isDeterministic } from "./deterministic.ts";
import { continuedRequest, isContinuable } from "./continued-request.ts";
import { ContinuedStream } from "./continued-stream.ts";
import { errorBody, errorEvent, errorEventOf } from "./error.ts";
import { upstreamBytes } from "./request.ts";
import { watchStream } from "./stream.ts";

const PATHS: Readonly<Record<Surface, string>> = {
  chat: "/chat/completions",
  embeddings: "/embeddings",
};

export const openaiDialect: Dialect = {
  name: "openai",
  path: (surface) => PATHS[surface],
  accept,
  isDeterministic,
  request: upstreamBytes,
  credentialHeaders: (credential) => ({ authorization: `Bearer ${credential}` }),
  watch: watchStream,
  watchContinuable: (request) => (isContinuable(request) ? new ContinuedStream(request) : null),
  continued: continuedRequest,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
  errorBody,
  errorEvent,
  errorEventOf,
};
