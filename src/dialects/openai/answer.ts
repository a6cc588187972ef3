/**
 * What a plain answer cost, read from its bytes: only `usage` is parsed, however long the rest is.
 */
import { ByteSearch } from "../byte-search.ts";
import type { AnswerFailure } from "../contract.ts";
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { failureBody } from "../failure.ts";
import { generatedText } from "../generated-text.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { parseJson, withoutMark } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { failureOf } from "./chunk.ts";
import { NOT_TEXT } from "./members.ts";
import { readUsage } from "./usage.ts";

const messageKey = '"message"';
const usageBytesMax = 16 * 1024;

/**
 * null when the answer reports no usage, undefined when it is no JSON object. Its structure is
 * checked as far as the scan goes: a page of HTML or an answer that was cut off is not JSON, a wrong
 * digit somewhere inside stays between provider and client. Embeddings report no output.
 */
export function answerUsage(answer: Uint8Array): Usage | null | undefined {
  const body = scanObject(withoutMark(answer), ["usage", "choices"], ANSWER_BOUNDS);
  if (body.kind !== "object") return undefined;
  const span = body.members.get("usage")?.value;
  if (span === undefined || span.end - span.start > usageBytesMax) return null;
  const usage = parseJson(withoutMark(answer).subarray(span.start, span.end));
  return usage === undefined ? undefined : readUsage(usage, body.members.has("choices"));
}

/** A relay that lost its provider may say so with status 200 (OpenRouter, one-api, 2026-11). */
export function answerFailure(answer: Uint8Array): AnswerFailure | null {
  const body = failureBody(withoutMark(answer));
  if (body === null || "choices" in body || "data" in body) return null;
  return failureOf(body, new TextDecoder().decode(answer));
}

/** The text of its messages; none when it has none. */
export function answerOutput(answer: Uint8Array): GeneratedOutput {
  const search = new ByteSearch(messageKey);
  const meter = new OutputMeter();
  let at = search.next(answer, 0, answer.length);
  while (at >= 0) {
    const before = meter.textBytes;
    const from = at + messageKey.length;
    const end = generatedText(answer, from, answer.length, NOT_TEXT, meter.addText);
    meter.endPiece(before);
    at = search.next(answer, end, answer.length);
  }
  return meter.output(0);
}
