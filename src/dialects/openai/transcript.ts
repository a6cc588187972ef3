/**
 * What a plain transcript cost and holds. Its usage is the provider's seconds or tokens; where none is
 * reported, the length that the verbose forms tell.
 */
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { Counts } from "../usage-counts.ts";

const MEMBERS = ["usage", "duration", "text"] as const;

/** null: none. Subtitles and plain text are no JSON, and complete all the same: they tell nothing. */
export function transcriptUsage(answer: Uint8Array): Usage | null {
  const body = scanObject(answer, MEMBERS, ANSWER_BOUNDS);
  if (body.kind !== "object") return null;
  const member = (name: (typeof MEMBERS)[number]): unknown => {
    const span = body.members.get(name)?.value;
    return span === undefined ? undefined : parseJson(answer.subarray(span.start, span.end));
  };
  return readSoundUsage(member("usage")) ?? ofSeconds(member("duration"));
}

/** `{"type":"duration","seconds":9}` of Whisper, `{"type":"tokens",…}` of GPT's models (2026-11). */
export function readSoundUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counts = new Counts();
  const inputTokens = counts.reported(usage["input_tokens"] ?? usage["prompt_tokens"]);
  const outputTokens = counts.reported(usage["output_tokens"] ?? usage["completion_tokens"]);
  if (inputTokens === null || outputTokens === null) return ofSeconds(usage["seconds"]);
  const details = detailsIn(usage);
  return counts.usage({
    inputTokens,
    outputTokens,
    audioInputTokens: counts.of(details["audio_tokens"]),
    cachedInputTokens: counts.of(details["cached_tokens"]),
  });
}

function detailsIn(usage: JsonObject): JsonObject {
  const names = ["input_token_details", "input_tokens_details", "prompt_tokens_details"];
  return names.map((name) => usage[name]).find((details) => isObject(details)) ?? {};
}

/** A second that has begun is a second; some providers write the number as a text. */
function ofSeconds(seconds: unknown): Usage | null {
  const length = typeof seconds === "string" && seconds !== "" ? Number(seconds) : seconds;
  if (typeof length !== "number" || !Number.isFinite(length) || length < 0) return null;
  const counts = new Counts();
  const audioSeconds = counts.reported(Math.ceil(length));
  if (audioSeconds === null) return null;
  return counts.usage({ inputTokens: 0, outputTokens: 0, units: { audio_seconds: audioSeconds } });
}

/** All of it is text, but for JSON's own. */
export function transcriptOutput(answer: Uint8Array): GeneratedOutput {
  const meter = new OutputMeter();
  const body = scanObject(answer, MEMBERS, ANSWER_BOUNDS);
  const text = body.kind === "object" ? body.members.get("text")?.value : undefined;
  if (body.kind !== "object") meter.addText(answer, 0, answer.length);
  else if (text !== undefined) meter.addText(answer, text.start + 1, text.end - 1);
  meter.endPiece(0);
  return meter.output(0);
}
