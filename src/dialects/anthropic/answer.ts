/** What a plain answer cost, read from its bytes: only `usage` is parsed, however long the rest is. */
import type { AnswerFailure } from "../contract.ts";
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { failureBody } from "../failure.ts";
import { generatedText } from "../generated-text.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { isObject, parseJson, withoutMark } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { Counts } from "../usage-counts.ts";
import { NOT_TEXT } from "./members.ts";
import { readUsage } from "./usage.ts";

/** With a list of the rounds of a long loop in it. */
const usageBytesMax = 256 * 1024;

/** null when the answer reports no usage, undefined when it is no JSON object. */
export function answerUsage(answer: Uint8Array): Usage | null | undefined {
  const bytes = withoutMark(answer);
  const body = scanObject(bytes, ["usage"], ANSWER_BOUNDS);
  if (body.kind !== "object") return undefined;
  const span = body.members.get("usage")?.value;
  if (span === undefined || span.end - span.start > usageBytesMax) return null;
  const usage = parseJson(bytes.subarray(span.start, span.end));
  return usage === undefined ? undefined : readUsage(usage);
}

/** Counting costs nothing: whatever was counted, nothing was used. null when it is no count. */
export function countUsage(answer: Uint8Array): Usage | null | undefined {
  const body = scanObject(withoutMark(answer), ["input_tokens"], ANSWER_BOUNDS);
  if (body.kind !== "object") return undefined;
  if (!body.members.has("input_tokens")) return null;
  return new Counts().usage({ inputTokens: 0, outputTokens: 0 });
}

/** A relay that lost its provider may say so with status 200, in whatever shape. */
export function answerFailure(answer: Uint8Array): AnswerFailure | null {
  const body = failureBody(withoutMark(answer));
  if (body === null || "content" in body || "input_tokens" in body) return null;
  const isFailure = body["type"] === "error" || isObject(body["error"]);
  return isFailure ? { body: new TextDecoder().decode(answer), status: null } : null;
}

/** The text, thinking and input of tools in it. */
export function answerOutput(answer: Uint8Array): GeneratedOutput {
  const bytes = withoutMark(answer);
  const meter = new OutputMeter();
  generatedText(bytes, 0, bytes.length, NOT_TEXT, meter.addText);
  meter.endPiece(0);
  return meter.output(0);
}
