/**
 * Changes single values of a JSON text in its bytes. Everything that no edit names stays as it was
 * to the last byte: unknown members, key order, number formats, white space.
 */
import { assert } from "../base/assert.ts";
import type { ScannedObject, Span } from "./json-scan.ts";

/** Puts `text` in the place of the bytes `start` to `end`; an insertion where they are equal. */
export type Edit = Span & { readonly text: string };

const encoder = new TextEncoder();

/** The bytes with all edits done, in a new array; the very same array when there are none. */
export function splice(
  bytes: Uint8Array<ArrayBuffer>,
  edits: readonly Edit[],
): Uint8Array<ArrayBuffer> {
  if (edits.length === 0) return bytes;
  const parts: Uint8Array[] = [];
  let at = 0;
  let length = 0;
  for (const edit of edits.toSorted((left, right) => left.start - right.start)) {
    assert(edit.start >= at && edit.end >= edit.start, "edits overlap or run backwards");
    const kept = bytes.subarray(at, edit.start);
    const text = encoder.encode(edit.text);
    parts.push(kept, text);
    length += kept.length + text.length;
    at = edit.end;
  }
  assert(at <= bytes.length, "an edit lies behind the end");
  const rest = bytes.subarray(at);
  parts.push(rest);
  const spliced = new Uint8Array(length + rest.length);
  let position = 0;
  for (const part of parts) {
    spliced.set(part, position);
    position += part.length;
  }
  return spliced;
}

/** An edit of a value that stands within `outer`, as an edit of the whole. */
export function within(outer: Span, edit: Edit): Edit {
  return { ...edit, start: edit.start + outer.start, end: edit.end + outer.start };
}

/** Puts `text` in the place of a value. */
export function replace({ start, end }: Span, text: string): Edit {
  return { start, end, text };
}

/** Adds members behind the last one; names and values are JSON texts. At least one. */
export function insertMembers(
  object: ScannedObject,
  members: readonly (readonly [key: string, value: string])[],
): Edit {
  assert(members.length > 0, "an insertion needs a member");
  const text = members.map(([key, value]) => `${key}:${value}`).join(",");
  const { insertAt } = object;
  return { start: insertAt, end: insertAt, text: object.empty ? text : `,${text}` };
}
