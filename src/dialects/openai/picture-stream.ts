/**
 * Watches streamed pictures: `….partial_image` on the way, `….completed` for each that is done, with its
 * usage (types of openai-node 7.55, 2026-11). Every event is forwarded as it came; none is parsed but for
 * the members that tell something, because a picture weighs megabytes.
 */
import type { ClientRequest, StreamWatch } from "../contract.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { type JsonObject, parseJson } from "../json.ts";
import { writeEvent } from "../sse-event.ts";
import { addUsage } from "../usage-counts.ts";
import { noText, readPictureUsage } from "./picture-usage.ts";
import { TypedEvents } from "./typed-events.ts";

/** A picture of OpenAI's largest size as base64, and more. */
export const PICTURE_EVENT_BYTES_MAX = 64 * 1024 * 1024;

const TELLING = ["type", "usage", "error", "object", "status", "code"] as const;
/** Longer is no type, usage or error. */
const MEMBER_BYTES_MAX = 64 * 1024;

export function watchPictures({ choices }: Pick<ClientRequest, "choices">): StreamWatch {
  let left = choices;
  const see = (type: string, told: JsonObject): void => {
    const isCompleted = type.endsWith(".completed");
    events.content ||= isCompleted || type.endsWith(".partial_image");
    if (!isCompleted) return;
    const usage = readPictureUsage(told["usage"], 1);
    const before = events.usage;
    events.usage = usage === null || before === null ? (usage ?? before) : addUsage(before, usage);
    left -= 1;
    events.ended ||= left <= 0;
  };
  const events = new TypedEvents(see, {
    read: tellingMembers,
    eventBytesMax: PICTURE_EVENT_BYTES_MAX,
  });
  return events.watch({ output: noText, lengthEnding: () => writeEvent("[DONE]") });
}

/** Its short members that tell something; an empty object when it is none. */
function tellingMembers(data: string): JsonObject {
  const bytes = new TextEncoder().encode(data);
  const scan = scanObject(bytes, TELLING, ANSWER_BOUNDS);
  const told: Record<string, unknown> = {};
  if (scan.kind !== "object") return told;
  for (const [name, { value }] of scan.members) {
    if (value.end - value.start > MEMBER_BYTES_MAX) continue;
    told[name] = parseJson(bytes.subarray(value.start, value.end));
  }
  return told;
}
