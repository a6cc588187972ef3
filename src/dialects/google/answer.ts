/** What a plain answer cost and holds, read from its bytes: only `usageMetadata` is parsed, however long the rest. */
import { ByteSearch } from "../byte-search.ts";
import type { AnswerFailure } from "../contract.ts";
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { failureBody } from "../failure.ts";
import { generatedText } from "../generated-text.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { isObject, parseJson } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { failureOf, toolCallsOf } from "./chunk.ts";
import { NOT_TEXT } from "./members.ts";
import { readUsage } from "./usage.ts";

const CONTENT = '"content"';
const GROUNDING = '"groundingMetadata"';
const usageBytesMax = 16 * 1024;

/** null when the answer reports no usage, undefined when it is no JSON object. */
export function answerUsage(answer: Uint8Array): Usage | null | undefined {
  const body = scanObject(answer, ["usageMetadata"], ANSWER_BOUNDS);
  if (body.kind !== "object") return undefined;
  const span = body.members.get("usageMetadata")?.value;
  if (span === undefined || span.end - span.start > usageBytesMax) return null;
  const usage = parseJson(answer.subarray(span.start, span.end));
  return usage === undefined ? undefined : readUsage(usage, groundingCalls(answer));
}

/** Quotes within a JSON string are escaped, so no generated text looks like this key. */
function groundingCalls(answer: Uint8Array): Readonly<Record<string, number>> {
  if (new ByteSearch(GROUNDING).next(answer, 0, answer.length) < 0) return {};
  const body = parseJson(answer);
  return isObject(body) ? toolCallsOf(body) : {};
}

export function answerFailure(answer: Uint8Array): AnswerFailure | null {
  const body = failureBody(answer);
  return body === null || "candidates" in body
    ? null
    : failureOf(body, new TextDecoder().decode(answer));
}

/** The text of its candidates; none when it has none. */
export function answerOutput(answer: Uint8Array): GeneratedOutput {
  const meter = new OutputMeter();
  meterContents(answer, 0, answer.length, new ByteSearch(CONTENT), meter);
  return meter.output(0);
}

/** Adds the text of every content from `start` to `end`. */
export function meterContents(
  bytes: Uint8Array,
  start: number,
  end: number,
  contents: ByteSearch,
  meter: OutputMeter,
): void {
  let at = contents.next(bytes, start, end);
  while (at >= 0) {
    const before = meter.textBytes;
    const textEnd = generatedText(bytes, at + CONTENT.length, end, NOT_TEXT, meter.addText);
    meter.endPiece(before);
    at = contents.next(bytes, textEnd, end);
  }
}

/** Finds the contents of candidates. */
export function searchContents(): ByteSearch {
  return new ByteSearch(CONTENT);
}
