/** Where text completions hold what was generated: `text` of a choice, beside labels and log probabilities. */
import { ByteSearch } from "../byte-search.ts";
import type { GeneratedOutput } from "../usage-contract.ts";
import type { OnText } from "../generated-text.ts";
import { COLON, isSpace, QUOTE, stringEnd } from "../json-bytes.ts";
import { isObject, type JsonObject } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { hasFinished } from "./chunk.ts";
import type { ChunkShape } from "./stream.ts";

const TEXT_KEY = '"text"';

/** `text` may also be one of the tokens that log probabilities list: then no colon follows. */
function readText(bytes: Uint8Array, from: number, end: number, onText: OnText): number {
  let at = skipSpace(bytes, from, end);
  if (bytes[at] !== COLON) return from;
  at = skipSpace(bytes, at + 1, end);
  if (bytes[at] !== QUOTE) return from;
  const close = stringEnd(bytes, at + 1);
  const stop = close < 0 || close > end ? end : close;
  if (stop - 1 > at + 1) onText(bytes, at + 1, stop - 1);
  return stop;
}

function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(bytes[at])) at++;
  return at;
}

export const COMPLETION_CHUNKS: ChunkShape = {
  textKey: TEXT_KEY,
  readText,
  hasContent: (chunk: JsonObject) => hasFinished(chunk) || hasText(chunk["choices"]),
  emptyChoice: { text: "" },
};

function hasText(choices: unknown): boolean {
  return (
    Array.isArray(choices) &&
    choices.some((choice) => isObject(choice) && choice["text"] !== "" && isText(choice["text"]))
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** The text of a plain answer's choices. */
export function completionOutput(answer: Uint8Array): GeneratedOutput {
  const search = new ByteSearch(TEXT_KEY);
  const meter = new OutputMeter();
  let at = search.next(answer, 0, answer.length);
  while (at >= 0) {
    const before = meter.textBytes;
    const end = readText(answer, at + TEXT_KEY.length, answer.length, meter.addText);
    meter.endPiece(before);
    at = search.next(answer, end, answer.length);
  }
  return meter.output(0);
}
