/**
 * What pictures cost, by the answer that holds them: tokens where the model is paid by them, and how many
 * pictures there are. The pictures themselves, megabytes of base64, are passed over and never parsed.
 */
import type { GeneratedOutput, Usage } from "../usage-contract.ts";
import { isSpace } from "../json-bytes.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { isObject, type JsonObject, parseJson } from "../json.ts";
import { OutputMeter } from "../output-meter.ts";
import { Counts } from "../usage-counts.ts";

/** What each picture of an answer has, one of them; quotes within a text are escaped. */
const PICTURE_KEYS = ['"b64_json"', '"url"'];

/** Usage of a plain answer; null when it holds no pictures, undefined when it is no JSON object. */
export function pictureAnswerUsage(answer: Uint8Array): Usage | null | undefined {
  const body = scanObject(answer, ["usage", "svg_usage", "data"], ANSWER_BOUNDS);
  if (body.kind !== "object") return undefined;
  const data = body.members.get("data")?.value;
  if (data === undefined) return null;
  const read = (name: string): unknown => {
    const span = body.members.get(name)?.value;
    return span === undefined ? null : parseJson(answer.subarray(span.start, span.end));
  };
  const list = answer.subarray(data.start, data.end);
  const pictures = picturesIn(list);
  const usage = read("usage");
  // Pictures under a key that nobody knows yet are not none: who reports nothing else reports nothing.
  if (pictures === 0 && !isObject(usage) && !isEmptyList(list)) return null;
  return readPictureUsage(usage, pictures, read("svg_usage"));
}

/**
 * Tokens as OpenAI tells them (types of openai-node 7.55, 2026-11), beside the number of pictures.
 * `drawing`: those of a second model that writes a drawing, told apart from the first one's.
 */
export function readPictureUsage(
  usage: unknown,
  pictures: number,
  drawing: unknown = null,
): Usage | null {
  const counts = new Counts();
  const written = isObject(drawing) ? drawing : {};
  const told = isObject(usage) ? usage : {};
  const input = objectIn(told, "input_tokens_details");
  const output = objectIn(told, "output_tokens_details");
  const outputTokens = counts.of(told["output_tokens"]);
  // Those that tell no details make nothing but pictures.
  const text = counts.of(output["text_tokens"]);
  return counts.usage({
    inputTokens: counts.of(told["input_tokens"]) + counts.of(written["input_tokens"]),
    outputTokens: outputTokens + counts.of(written["output_tokens"]),
    imageInputTokens: counts.of(input["image_tokens"]),
    cachedInputTokens: counts.of(input["cached_tokens"]),
    imageOutputTokens: counts.reported(output["image_tokens"]) ?? Math.max(0, outputTokens - text),
    units: { images: pictures },
  });
}

function objectIn(holder: JsonObject, member: string): JsonObject {
  const value = holder[member];
  return isObject(value) ? value : {};
}

function isEmptyList(list: Uint8Array): boolean {
  let at = 1;
  while (isSpace(list[at])) at += 1;
  return at === list.length - 1;
}

/** Some write both keys for each, one of them null. */
function picturesIn(data: Uint8Array): number {
  return Math.max(...PICTURE_KEYS.map((key) => countFilled(data, key)));
}

function countFilled(bytes: Uint8Array, key: string): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = view.indexOf(key); at >= 0; at = view.indexOf(key, at + key.length)) {
    if (hasText(view, at + key.length)) count += 1;
  }
  return count;
}

/** Whether `: "` follows. */
function hasText(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (isSpace(bytes[at]) || bytes[at] === 0x3a) at += 1;
  return bytes[at] === 0x22;
}

/** Nothing of it is text that could be counted. */
export function noText(): GeneratedOutput {
  return new OutputMeter().output(1);
}
