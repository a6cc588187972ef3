/**
 * The upstream's bytes: the client's own. The model is the path's, so that only a body which repeats its
 * name is changed for it, and the output limit is changed where a budget needs a smaller one.
 */
import { assert } from "../../base/assert.ts";
import type { ClientRequest, RequestEdits } from "../contract.ts";
import { elementsOf } from "../json-elements.ts";
import { scanObject, type ScannedObject, type Span } from "../json-scan.ts";
import { parseJson } from "../json.ts";
import { type Edit, insertMembers, replace, splice, within } from "../splice.ts";
import {
  CONFIG_NAMES,
  COUNTED_REQUEST,
  GENERATION_CONFIG,
  MAX_OUTPUT_TOKENS,
  type Name,
} from "./members.ts";
import { renamed } from "./model-name.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** `request` must have been accepted; the very same bytes when nothing has to change. */
export function upstreamBytes(request: ClientRequest, edits: RequestEdits): Bytes {
  const { bytes } = request;
  const changes = edits.model === request.model ? [] : modelChanges(request, edits.model);
  if (edits.outputTokensCap !== null && request.generates) {
    changes.push(...capOutput(bytes, edits.outputTokensCap));
  }
  return splice(bytes, changes);
}

/** Wherever a body may repeat the model: at its top, and in what is counted or embedded. */
function modelChanges(request: ClientRequest, upstreamModel: string): Edit[] {
  const { bytes, model } = request;
  const body = scanned(bytes, ["model", "requests", ...COUNTED_REQUEST]);
  const rename = (object: ScannedObject, outer: Span): Edit[] => {
    const span = object.members.get("model")?.value;
    const value =
      span && parseJson(bytes.subarray(outer.start + span.start, outer.start + span.end));
    if (span === undefined || typeof value !== "string") return [];
    const name = JSON.stringify(renamed(value, model, upstreamModel));
    return [within(outer, replace(span, name))];
  };
  const requests = body.members.get("requests")?.value;
  const counted = memberOf(body, COUNTED_REQUEST);
  const inner = [
    ...(requests === undefined ? [] : elementsOrItself(bytes, requests)),
    ...(counted === undefined ? [] : [counted]),
  ];
  return [
    ...rename(body, { start: 0, end: bytes.length }),
    ...inner.flatMap((outer) => {
      const object = scanObject(bytes.subarray(outer.start, outer.end), ["model"]);
      return object.kind === "object" ? rename(object, outer) : [];
    }),
  ];
}

function elementsOrItself(bytes: Bytes, span: Span): readonly Span[] {
  return bytes[span.start] === 0x7b ? [span] : elementsOf(bytes, span);
}

/** Lowers a limit of the client above the cap; sets one where the client set none. */
function capOutput(bytes: Bytes, cap: number): Edit[] {
  const body = scanned(bytes, GENERATION_CONFIG);
  const [configName] = GENERATION_CONFIG;
  const limit = `{"${MAX_OUTPUT_TOKENS[0]}":${cap}}`;
  const span = memberOf(body, GENERATION_CONFIG);
  if (span === undefined) return [insertMembers(body, [[`"${configName}"`, limit]])];
  const config = scanObject(bytes.subarray(span.start, span.end), CONFIG_NAMES.flat());
  // null is as good as absent, and an accepted body has nothing else there.
  if (config.kind !== "object") return [replace(span, limit)];
  const set = memberOf(config, MAX_OUTPUT_TOKENS);
  if (set === undefined) {
    const added = insertMembers(config, [[`"${MAX_OUTPUT_TOKENS[0]}"`, String(cap)]]);
    return [within(span, added)];
  }
  const value = parseJson(bytes.subarray(span.start + set.start, span.start + set.end));
  const isLower = value !== null && Number(value) <= cap;
  return isLower ? [] : [within(span, replace(set, String(cap)))];
}

function scanned(bytes: Bytes, wanted: readonly string[]): ScannedObject {
  const body = scanObject(bytes, wanted);
  assert(body.kind === "object", "an accepted body is an object");
  return body;
}

function memberOf({ members }: ScannedObject, [camelCase, snakeCase]: Name): Span | undefined {
  return (members.get(camelCase) ?? members.get(snakeCase))?.value;
}
