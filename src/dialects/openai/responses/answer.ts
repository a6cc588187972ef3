/** What a plain response says: its usage, what it made, its text, or the failure that it is. */
import type { MadeObject } from "../../../base/object-kind.ts";
import type { AnswerFailure } from "../../contract.ts";
import type { GeneratedOutput, Usage } from "../../usage-contract.ts";
import type { JobState, StartedJob } from "../../job-contract.ts";
import { generatedText } from "../../generated-text.ts";
import { ANSWER_BOUNDS, scanObject } from "../../json-scan.ts";
import { listOf } from "../../json-body.ts";
import { isObject, type JsonObject, withoutMark } from "../../json.ts";
import { OutputMeter } from "../../output-meter.ts";
import { Counts } from "../../usage-counts.ts";
import { answerFailure } from "../answer.ts";
import { membersOf } from "./event.ts";
import { failureOfError } from "./failure.ts";
import { containerMade, itemMade } from "./made.ts";
import { readResponseUsage, ToolTally } from "./usage.ts";

/**
 * Members of items and their parts that hold nothing a model wrote: labels, pictures, what is sealed, and
 * what tools found.
 */
const NOT_TEXT = [
  "id",
  "type",
  "status",
  "role",
  "call_id",
  "name",
  "annotations",
  "logprobs",
  "encrypted_content",
  "result",
  "results",
  "outputs",
  "action",
  "container_id",
];

/** null when it reports none, as while it is not made yet; undefined when it is no JSON object. */
export function responseUsage(answer: Uint8Array): Usage | null | undefined {
  const bytes = withoutMark(answer);
  if (scanObject(bytes, [], ANSWER_BOUNDS).kind !== "object") return undefined;
  const { usage, output } = membersOf(bytes, ["usage", "output"]);
  const tally = new ToolTally();
  for (const item of itemsOf(output)) tally.add(item);
  return readResponseUsage(usage, tally.calls());
}

/** One that failed, or an error of a relay in place of a response. */
export function responseFailure(answer: Uint8Array): AnswerFailure | null {
  const { object, status, error } = membersOf(withoutMark(answer), ["object", "status", "error"]);
  if (object !== "response") return answerFailure(answer);
  return status === "failed" ? failureOfError(isObject(error) ? error : {}) : null;
}

const UNDER_WAY: ReadonlySet<unknown> = new Set(["queued", "in_progress"]);
const ENDED: ReadonlySet<unknown> = new Set(["completed", "incomplete", "failed", "cancelled"]);

/** One that is made in the background. */
export function startedResponse(answer: Uint8Array): StartedJob | null {
  const { id, status } = membersOf(withoutMark(answer), ["id", "status"]);
  return typeof id === "string" && UNDER_WAY.has(status) ? { kind: "response", id } : null;
}

/** How it stands; null where its status is none that is known. */
export function responseState(answer: Uint8Array): JobState | null {
  const { status } = membersOf(withoutMark(answer), ["status"]);
  if (UNDER_WAY.has(status)) return { state: "running" };
  if (!ENDED.has(status)) return null;
  const usage = responseUsage(answer) ?? null;
  return { state: "ended", outputs: [], usage, outputTokensSeen: responseOutput(answer).tokens };
}

/** Nothing but containers where the client asked that nothing be kept. */
export function responseMade(answer: Uint8Array): readonly MadeObject[] {
  const { id, store, output } = membersOf(withoutMark(answer), ["id", "store", "output"]);
  const containers = itemsOf(output).flatMap(containerMade);
  if (typeof id !== "string" || store === false) return containers;
  return [{ kind: "response", id }, ...itemsOf(output).flatMap(itemMade), ...containers];
}

/** Of a page of input items, which have ids of their own. */
export function pageMade(answer: Uint8Array): readonly MadeObject[] {
  return itemsOf(membersOf(withoutMark(answer), ["data"])["data"]).flatMap(itemMade);
}

/** The text of its items; none when it has none. */
export function responseOutput(answer: Uint8Array): GeneratedOutput {
  return outputOf(outputItems(answer)).output(0);
}

/** About 4 bytes a token, in Base64. */
const SEALED_CHARS_PER_TOKEN = 5;

/** Without the messages of the client that it repeats. What is sealed in it can only be measured. */
export function compactionOutput(answer: Uint8Array): GeneratedOutput {
  const written = outputItems(answer).filter(({ role = "assistant" }) => role === "assistant");
  const sealed = written.map(({ encrypted_content: text }) =>
    typeof text === "string" ? text.length : 0,
  );
  const chars = sealed.reduce((sum, one) => sum + one, 0);
  return outputOf(written).output(Math.ceil(chars / SEALED_CHARS_PER_TOKEN));
}

/** Counting costs nothing: whatever was counted, nothing was used. null: it is no count. */
export function countUsage(answer: Uint8Array): Usage | null | undefined {
  const body = scanObject(withoutMark(answer), ["input_tokens"], ANSWER_BOUNDS);
  if (body.kind !== "object") return undefined;
  if (!body.members.has("input_tokens")) return null;
  return new Counts().usage({ inputTokens: 0, outputTokens: 0 });
}

function outputOf(items: readonly JsonObject[]): OutputMeter {
  const meter = new OutputMeter();
  for (const item of items) {
    const bytes = new TextEncoder().encode(JSON.stringify(item));
    const before = meter.textBytes;
    generatedText(bytes, 0, bytes.length, NOT_TEXT, meter.addText);
    meter.endPiece(before);
  }
  return meter;
}

function outputItems(answer: Uint8Array): readonly JsonObject[] {
  return itemsOf(membersOf(withoutMark(answer), ["output"])["output"]);
}

function itemsOf(items: unknown): readonly JsonObject[] {
  return listOf(items).filter(isObject);
}
