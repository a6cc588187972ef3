/**
 * What every surface asks of a client's JSON body before it reads a member of its own: that it is an
 * object within bounds, that no member counts twice, and that its model is a name. Each dialect words
 * its own refusals; these are ours.
 */
import { LIMITS } from "../base/limits.ts";
import { allow, refuse, type Refusal, type Verdict } from "../base/verdict.ts";
import { type ScannedObject, scanObject } from "./json-scan.ts";
import { isObject, type JsonObject, parseJson } from "./json.ts";

export type Refused = { readonly allowed: false; readonly refusal: Refusal };

/** A body, parsed, and where the wanted members stand in its bytes. */
export type JsonBody = { readonly body: JsonObject; readonly scan: ScannedObject };

/** Why a body is not parsed at all. */
const UNREAD = {
  broken: "is not valid JSON.",
  too_deep: `is nested deeper than ${LIMITS.jsonDepthMax} levels.`,
  too_large: "holds too many members or values.",
} as const;

/**
 * `wanted`: the top-level members that the gateway depends on. Refuses one of them that comes twice:
 * readers differ on which of the two counts, so the upstream could obey the one we did not see. `what`: as
 * a refusal calls the whole.
 */
export function readJsonBody(
  bytes: Uint8Array<ArrayBuffer>,
  wanted: readonly string[],
  what = "The request body",
): Verdict<JsonBody> {
  const scan = scanObject(bytes, wanted);
  if (scan.kind !== "object" && scan.kind !== "other") {
    return refuse("invalid_json", `${what} ${UNREAD[scan.kind]}`);
  }
  const body = parseJson(bytes);
  if (body === undefined) return refuse("invalid_json", `${what} ${UNREAD.broken}`);
  if (!isObject(body) || scan.kind !== "object") {
    return wrong(`${what} must be a JSON object.`);
  }
  if (scan.repeated !== null) return repeated(scan.repeated);
  return refuseOtherCase(body, wanted) ?? allow({ body, scan });
}

/** How nearly all members are spelled. */
const PLAIN_NAME = /^[a-z0-9_]+$/;

/** Servers written in Go take `Model` for `model`, and even `toolſ` for `tools` (encoding/json). */
function refuseOtherCase(body: JsonObject, wanted: readonly string[]): Refused | null {
  for (const name of Object.keys(body)) {
    if (PLAIN_NAME.test(name) || wanted.includes(name)) continue;
    const folded = foldCase(name);
    const meant = wanted.find((one) => foldCase(one) === folded);
    if (meant !== undefined) {
      return wrong(`'${meant}' is spelled otherwise: ${JSON.stringify(name)}.`, meant);
    }
  }
  return null;
}

/** Both ways, because the long s and the sign of Kelvin become ordinary letters in one of them alone. */
function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** A name that could be put into neither a header, a path nor a row is none. */
export function refuseModelName(model: string): Refused | null {
  // Half a surrogate pair is no character.
  if (!model.isWellFormed()) return wrong("'model' must be well-formed text.", "model");
  if (Buffer.byteLength(model) <= LIMITS.modelNameBytesMax) return null;
  return wrong(`'model' must not be longer than ${LIMITS.modelNameBytesMax} bytes.`, "model");
}

export function repeated(name: string): Refused {
  return wrong(`'${name}' is given more than once.`, name);
}

export function wrong(message: string, param?: string): Refused {
  return refuse("invalid_request", message, param === undefined ? {} : { param });
}

export function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
