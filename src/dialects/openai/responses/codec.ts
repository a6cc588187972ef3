/**
 * Responses: what OpenAI's own agents and clients speak, and those servers that follow them. Beside them
 * compaction, which Codex asks for when its input grows long, and the count of an input's tokens.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Codec } from "../../contract.ts";
import { ownedCodec } from "../../owned.ts";
import { answerFailure } from "../answer.ts";
import { acceptCompaction, acceptCount, acceptResponse } from "./accept.ts";
import {
  compactionOutput,
  countUsage,
  pageMade,
  responseFailure,
  responseMade,
  responseOutput,
  responseState,
  responseUsage,
  startedResponse,
} from "./answer.ts";
import { RESPONSE_FRAMING } from "./error.ts";
import { responseBytes } from "./request.ts";
import { watchResponse } from "./stream.ts";

export const responsesCodec: Codec = {
  surface: "responses",
  path: () => "/responses",
  accept: acceptResponse,
  // Each is kept under an id of its own.
  isDeterministic: () => false,
  framing: RESPONSE_FRAMING,
  eventBytesMax: LIMITS.responseEventBytesMax,
  request: responseBytes,
  watch: watchResponse,
  watchContinuable: () => null,
  continued: () => null,
  usage: responseUsage,
  failureIn: responseFailure,
  output: responseOutput,
  made: responseMade,
  job: startedResponse,
};

export const responseCompactCodec: Codec = {
  ...responsesCodec,
  surface: "response_compact",
  path: () => "/responses/compact",
  accept: acceptCompaction,
  output: compactionOutput,
};

export const responseCountCodec: Codec = {
  surface: "response_input_tokens",
  path: () => "/responses/input_tokens",
  accept: acceptCount,
  // What the provider keeps grows.
  isDeterministic: ({ objects }) => objects === undefined,
  request: responseBytes,
  watch: watchResponse,
  watchContinuable: () => null,
  continued: () => null,
  usage: countUsage,
  failureIn: answerFailure,
  output: responseOutput,
};

const OWNED = { kind: "response", framing: RESPONSE_FRAMING, watch: watchResponse } as const;

export const responseCodec: Codec = ownedCodec({
  surface: "response",
  ...OWNED,
  jobState: responseState,
});
export const responseDeleteCodec: Codec = ownedCodec({ surface: "response_delete", ...OWNED });
export const responseCancelCodec: Codec = ownedCodec({ surface: "response_cancel", ...OWNED });
export const responseInputCodec: Codec = ownedCodec({
  surface: "response_input_items",
  ...OWNED,
  made: pageMade,
});
