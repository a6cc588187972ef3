/**
 * Containers in which Anthropic runs code: an answer names the one that it was given, and a later request may
 * go on in it. What lies in one is its tenant's alone, and only the account that made it has it
 * (`container` of requests, answers and `message_delta`, @anthropic-ai/sdk 1.11, 2026-11).
 */
import type { MadeObject, NamedObject } from "../../base/object-kind.ts";
import { ANSWER_BOUNDS, scanObject } from "../json-scan.ts";
import { isObject, type JsonObject, parseJson, withoutMark } from "../json.ts";

/** Spread into a request: nothing, nearly always. */
export function containerNamed({ container }: JsonObject): {
  readonly objects?: readonly NamedObject[];
} {
  const id = isObject(container) ? container["id"] : container;
  return typeof id === "string" ? { objects: [{ kind: "container", id, param: "container" }] } : {};
}

/** Of a message, or of what an event says of one. */
export function containerIn({ container }: JsonObject): readonly MadeObject[] {
  return isObject(container) && typeof container["id"] === "string"
    ? [{ kind: "container", id: container["id"] }]
    : [];
}

/** Of a plain answer. */
export function containerMade(answer: Uint8Array): readonly MadeObject[] {
  const bytes = withoutMark(answer);
  const scan = scanObject(bytes, ["container"], ANSWER_BOUNDS);
  const span = scan.kind === "object" ? scan.members.get("container")?.value : undefined;
  return span === undefined
    ? []
    : containerIn({ container: parseJson(bytes.subarray(span.start, span.end)) });
}
