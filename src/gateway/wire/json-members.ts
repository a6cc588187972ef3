/** Top-level members of a JSON body are renamed, taken out and added in its bytes; the rest stays as it is. */
import { ANSWER_BOUNDS, type ScannedObject, scanObject } from "../../dialects/json-scan.ts";
import { insertMembers, splice } from "../../dialects/splice.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Values are JSON texts. */
export type MemberEdits = {
  readonly remove: readonly string[];
  /** Only where the body has none of that name; names of lower-case letters and underscores. */
  readonly add: Readonly<Record<string, string>>;
};

export function withMembers(bytes: Bytes, { remove, add }: MemberEdits): Bytes {
  const rest = remove.reduce(without, bytes);
  const names = Object.keys(add);
  const scan = scanned(rest, names);
  if (scan === null) return rest;
  const missing = Object.entries(add).filter(([name]) => !scan.members.has(name));
  if (missing.length === 0) return rest;
  const members = missing.map(([name, value]) => [JSON.stringify(name), value] as const);
  return splice(rest, [insertMembers(scan, members)]);
}

/** One after the other, so that two neighbours never share a comma. */
function without(bytes: Bytes, name: string): Bytes {
  const member = scanned(bytes, [name])?.members.get(name);
  if (member === undefined) return bytes;
  const { start } = member.key;
  const { end } = member.value;
  const after = commaFrom(bytes, end, 1);
  const before = commaFrom(bytes, start - 1, -1);
  const span = after === null ? { start: before ?? start, end } : { start, end: after + 1 };
  return without(splice(bytes, [{ ...span, text: "" }]), name);
}

/** null: between a member and its comma there is white space alone, and here is something else. */
function commaFrom(bytes: Bytes, from: number, step: 1 | -1): number | null {
  let at = from;
  while (isSpace(bytes[at])) at += step;
  return bytes[at] === COMMA ? at : null;
}

const COMMA = 0x2c;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Bodies have been checked when they came; null for what is none. */
function scanned(bytes: Bytes, names: readonly string[]): ScannedObject | null {
  const scan = scanObject(bytes, names, ANSWER_BOUNDS);
  return scan.kind === "object" ? scan : null;
}
