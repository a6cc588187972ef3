/**
 * JSON as the wire needs it: strict UTF-8, no byte order mark, and `undefined` for what is not JSON.
 * Callers bound depth and size of what they hand over; see json-scan.ts for bodies of strangers.
 */

// RFC 8259, section 8.1: no byte order mark. Kept in the text, JSON.parse refuses it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value of a JSON text; undefined (which no JSON text means) when it is not JSON. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Strangers send what they like: "not JSON" is an answer to the caller's question, not an accident.
    return undefined;
  }
}

/** As {@link parseJsonText}, from bytes; undefined also when they are not UTF-8. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // Same as above: broken UTF-8 is an expected property of strangers' bytes.
    return undefined;
  }
  return parseJsonText(text);
}

/** Clients that follow the fetch standard drop a byte order mark, so an answer may carry one. */
export function withoutMark(answer: Uint8Array): Uint8Array {
  const isMarked = answer[0] === 0xef && answer[1] === 0xbb && answer[2] === 0xbf;
  return isMarked ? answer.subarray(3) : answer;
}
