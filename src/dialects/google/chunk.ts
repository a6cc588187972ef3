/**
 * What one GenerateContentResponse says, which is a plain answer, an event of a stream or an element of a
 * streamed array: an error, content, a finish, a blocked prompt, and calls of Google's own tools.
 */
import type { AnswerFailure } from "../contract.ts";
import { isObject, type JsonObject } from "../json.ts";

/** Members of a part that say something about its text, and nothing by themselves. */
const LABELS: ReadonlySet<string> = new Set(["text", "thought"]);

/** The error that a chunk is, `data` being its text; null when it is none. */
export function failureOf(chunk: JsonObject, data: string): AnswerFailure | null {
  const { error } = chunk;
  if (!isObject(error)) return null;
  const { code } = error;
  const isStatus = typeof code === "number" && Number.isInteger(code) && code >= 400 && code <= 599;
  return { body: data, status: isStatus ? code : null };
}

/** Text, thoughts, calls, data or a finish; and that a prompt was blocked, which is all there will be. */
export function hasContent(chunk: JsonObject): boolean {
  return isBlocked(chunk) || candidatesOf(chunk).some((one) => hasFinished(one) || hasParts(one));
}

export function candidatesOf({ candidates }: JsonObject): readonly JsonObject[] {
  return Array.isArray(candidates) ? candidates.filter(isObject) : [];
}

export function indexOf({ index }: JsonObject): number {
  return typeof index === "number" ? index : 0;
}

export function hasFinished({ finishReason }: JsonObject): boolean {
  return typeof finishReason === "string" && finishReason !== "FINISH_REASON_UNSPECIFIED";
}

/** Nothing is generated for a blocked prompt, so no candidate says that it has finished. */
export function isBlocked({ promptFeedback }: JsonObject): boolean {
  return isObject(promptFeedback) && typeof promptFeedback["blockReason"] === "string";
}

function hasParts({ content }: JsonObject): boolean {
  const parts = isObject(content) ? content["parts"] : undefined;
  return Array.isArray(parts) && parts.some((part) => isObject(part) && isFilled(part));
}

function isFilled(part: JsonObject): boolean {
  const { text } = part;
  return (
    (typeof text === "string" && text !== "") ||
    Object.keys(part).some((member) => !LABELS.has(member))
  );
}

/**
 * Searches are paid for by the query from Gemini 3 on, and before by the prompt that needed any; maps by
 * the prompt (ai.google.dev/pricing, 2026-11).
 */
export function toolCallsOf(chunk: JsonObject): Readonly<Record<string, number>> {
  let queries = 0;
  let maps = 0;
  for (const { groundingMetadata } of candidatesOf(chunk)) {
    if (!isObject(groundingMetadata)) continue;
    const { webSearchQueries, groundingChunks } = groundingMetadata;
    const found = Array.isArray(groundingChunks) ? groundingChunks.filter(isObject) : [];
    const asked = Array.isArray(webSearchQueries) ? webSearchQueries.length : 0;
    queries += asked > 0 ? asked : Number(found.some(({ web }) => isObject(web)));
    maps += Number(found.some(({ maps: place }) => isObject(place)));
  }
  const searches = isPaidByPrompt(chunk) ? Math.min(queries, 1) : queries;
  return {
    ...(searches > 0 ? { web_search: searches } : {}),
    ...(maps > 0 ? { google_maps: 1 } : {}),
  };
}

function isPaidByPrompt({ modelVersion }: JsonObject): boolean {
  return (
    typeof modelVersion === "string" && /^(?:models\/)?gemini-[12](?:\.|-|$)/u.test(modelVersion)
  );
}
