/**
 * Generations, whole and streamed. The address says which: the method's name, and for streams `alt=sse`,
 * without which Google streams a JSON array.
 */
import type { ClientRequest, Codec } from "../contract.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { acceptGeneration } from "./accept.ts";
import { answerFailure, answerOutput, answerUsage } from "./answer.ts";
import { watchArray } from "./array-stream.ts";
import { GOOGLE_PART_BYTES_MAX } from "./bounds.ts";
import { ARRAY_FRAMING } from "./error.ts";
import { watchEvents } from "./event-stream.ts";
import { GENERATION_CONFIG, valueOf } from "./members.ts";
import { methodPath } from "./model-name.ts";
import { asksForEvents } from "./query.ts";
import { upstreamBytes } from "./request.ts";

const COMMON = {
  eventBytesMax: GOOGLE_PART_BYTES_MAX,
  isDeterministic,
  request: upstreamBytes,
  watchContinuable: () => null,
  continued: () => null,
  usage: answerUsage,
  failureIn: answerFailure,
  output: answerOutput,
} as const;

export const generateContentCodec: Codec = {
  ...COMMON,
  surface: "generate_content",
  path: (_, model) => methodPath(model, "generateContent"),
  accept: (bytes, place) =>
    acceptGeneration("generate_content", { stream: false, forms: ["json"] }, bytes, place),
  watch: watchEvents,
};

const STREAM = {
  ...COMMON,
  surface: "stream_generate_content",
  path: (_: ClientRequest, model: string) => methodPath(model, "streamGenerateContent"),
} as const;

const eventStreamCodec: Codec = {
  ...STREAM,
  accept: (bytes, place) =>
    acceptGeneration(STREAM.surface, { stream: true, forms: ["sse"] }, bytes, place),
  watch: watchEvents,
};

export const streamGenerateContentCodec: Codec = {
  ...STREAM,
  at: ({ query }) => (asksForEvents(query ?? "") ? eventStreamCodec : streamGenerateContentCodec),
  framing: ARRAY_FRAMING,
  accept: (bytes, place) =>
    acceptGeneration(STREAM.surface, { stream: true, forms: ["json", "sse"] }, bytes, place),
  watch: watchArray,
};

/** Without chance in it, or with one that is told. */
function isDeterministic({ bytes }: ClientRequest): boolean {
  const body = parseJson(bytes);
  const config = isObject(body) ? valueOf(body, GENERATION_CONFIG) : null;
  return isObject(config) && isWithoutChance(config);
}

function isWithoutChance({ temperature, seed }: JsonObject): boolean {
  return temperature === 0 || Number.isInteger(seed);
}
