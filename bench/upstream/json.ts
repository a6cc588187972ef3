/**
 * Reading JSON of unknown shape without trusting it.
 */

/** An object of which nothing is known yet. */
export type JsonObject = { readonly [member: string]: unknown };

/** True for objects that are neither null nor lists. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type JsonReading = { readonly ok: true; readonly value: JsonObject } | { readonly ok: false };

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A request body that must be one JSON object in valid UTF-8. */
export function readObject(body: Uint8Array): JsonReading {
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return isObject(value) ? { ok: true, value } : { ok: false };
  } catch {
    return { ok: false };
  }
}
