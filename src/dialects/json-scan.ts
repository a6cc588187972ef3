/**
 * One pass over the bytes of a JSON object, before anything parses it: refuses what would be dear to
 * parse (nesting, too many members or values) and finds the top-level members that somebody wants,
 * so that values can be read or replaced in place. It checks the structure only as far as it reads
 * it; whether the text is valid JSON is the native parser's word.
 */
import { LIMITS } from "../base/limits.ts";
import {
  COLON,
  COMMA,
  isClosing,
  isOpening,
  isSpace,
  nameAt,
  QUOTE,
  stringEnd,
} from "./json-bytes.ts";

/** Bytes `start` to `end`, the latter excluded. */
export type Span = { readonly start: number; readonly end: number };

/** A key with its quotes, and its value. */
export type Member = { readonly key: Span; readonly value: Span };

export type ScannedObject = {
  readonly kind: "object";
  /** The wanted members that are there; of a repeated one the last, which is what parsers keep. */
  readonly members: ReadonlyMap<string, Member>;
  /** The first wanted member that came twice; readers differ on which of the two counts. */
  readonly repeated: string | null;
  /** After the last value, or after the opening brace: where a further member can go. */
  readonly insertAt: number;
  readonly empty: boolean;
};

/** `other`: not an object. `broken`: not JSON. The last two would cost too much to parse. */
export type Scan = ScannedObject | { readonly kind: "other" | ScanFault };

type ScanFault = "broken" | "too_deep" | "too_large";

export type ScanBounds = {
  readonly depthMax: number;
  /** Members and containers. */
  readonly nodesMax: number;
  /** Values in arrays and nested objects, counted by the commas between them. */
  readonly valuesMax: number;
};

/** For bodies of clients, which are parsed after the scan. */
export const CLIENT_BOUNDS: ScanBounds = {
  depthMax: LIMITS.jsonDepthMax,
  nodesMax: LIMITS.jsonNodesMax,
  valuesMax: LIMITS.jsonValuesMax,
};

/** For answers of providers, whose size is bounded and which nobody parses as a whole. */
export const ANSWER_BOUNDS: ScanBounds = {
  depthMax: Infinity,
  nodesMax: Infinity,
  valuesMax: Infinity,
};

/** `wanted`: names of letters and underscores. */
export function scanObject(
  bytes: Uint8Array,
  wanted: readonly string[],
  bounds: ScanBounds = CLIENT_BOUNDS,
): Scan {
  return new Scanner(bytes, wanted, bounds).scan();
}

class Scanner {
  private readonly bytes: Uint8Array;
  private readonly wanted: readonly string[];
  private readonly bounds: ScanBounds;
  private readonly members = new Map<string, Member>();
  private repeated: string | null = null;
  private at = 0;
  private nodes = 0;
  private commas = 0;
  private fault: ScanFault = "broken";

  constructor(bytes: Uint8Array, wanted: readonly string[], bounds: ScanBounds) {
    this.bytes = bytes;
    this.wanted = wanted;
    this.bounds = bounds;
  }

  scan(): Scan {
    if (this.skipSpace() !== 0x7b) return { kind: this.skipValue(0) ? "other" : this.fault };
    this.at++;
    const opened = this.at;
    let insertAt = opened;
    let next = this.skipSpace();
    while (next !== 0x7d) {
      if (next !== QUOTE || !this.readMember()) return { kind: this.fault };
      insertAt = this.at;
      next = this.skipSpace();
      if (next === COMMA) {
        this.at++;
        next = this.skipSpace();
        if (next !== QUOTE) return { kind: "broken" };
      } else if (next !== 0x7d) return { kind: "broken" };
    }
    this.at++;
    if (this.skipSpace() !== undefined) return { kind: "broken" };
    const empty = insertAt === opened;
    return { kind: "object", members: this.members, repeated: this.repeated, insertAt, empty };
  }

  /** From the key's quote to the end of the value; false leaves the reason in `fault`. */
  private readMember(): boolean {
    const keyStart = this.at;
    const keyEnd = stringEnd(this.bytes, keyStart + 1);
    if (keyEnd < 0) return false;
    this.at = keyEnd;
    if (this.skipSpace() !== COLON) return false;
    this.at++;
    this.nodes++;
    if (this.nodes > this.bounds.nodesMax) return this.fail("too_large");
    this.skipSpace();
    const valueStart = this.at;
    if (!this.skipValue(1)) return false;
    const name = nameAt(this.bytes, keyStart + 1, keyEnd - 1, this.wanted);
    if (name !== undefined) {
      if (this.members.has(name)) this.repeated ??= name;
      const key = { start: keyStart, end: keyEnd };
      this.members.set(name, { key, value: { start: valueStart, end: this.at } });
    }
    return true;
  }

  /** The next byte that is no white space, not yet taken; undefined at the end. */
  private skipSpace(): number | undefined {
    const { bytes } = this;
    const length = bytes.length;
    let at = this.at;
    // Never reading behind the end keeps the compiled code of hot loops from being thrown away.
    while (at < length && isSpace(bytes[at])) at++;
    this.at = at;
    return at < length ? bytes[at] : undefined;
  }

  private skipValue(depth: number): boolean {
    const { bytes } = this;
    const first = bytes[this.at];
    if (isOpening(first)) return this.skipContainer(depth);
    if (first === QUOTE) {
      const end = stringEnd(bytes, this.at + 1);
      if (end < 0) return false;
      this.at = end;
      return true;
    }
    let at = this.at;
    while (at < bytes.length && !endsScalar(bytes[at])) at++;
    const some = at > this.at;
    this.at = at;
    return some;
  }

  /** `outside`: containers around this one. Brackets are counted, not matched to each other. */
  private skipContainer(outside: number): boolean {
    const { bytes } = this;
    const { depthMax, nodesMax, valuesMax } = this.bounds;
    const length = bytes.length;
    let { at, nodes, commas } = this;
    let depth = outside;
    while (at < length) {
      const byte = bytes[at] ?? 0;
      at++;
      // Digits, points and signs: most of what lies outside of strings in an answer of embeddings.
      if (byte > COMMA && byte < COLON) continue;
      if (byte === QUOTE) {
        at = stringEnd(bytes, at);
        if (at < 0) return false;
      } else if (byte === COMMA) {
        commas++;
        if (commas >= valuesMax) return this.fail("too_large");
      } else if (byte === COLON || isOpening(byte)) {
        nodes++;
        if (nodes > nodesMax) return this.fail("too_large");
        if (byte === COLON) continue;
        depth++;
        if (depth > depthMax) return this.fail("too_deep");
      } else if (isClosing(byte)) {
        depth--;
        if (depth > outside) continue;
        this.at = at;
        this.nodes = nodes;
        this.commas = commas;
        return true;
      }
    }
    return false;
  }

  private fail(fault: ScanFault): false {
    this.fault = fault;
    return false;
  }
}

function endsScalar(byte: number | undefined): boolean {
  return byte === COMMA || isClosing(byte) || isSpace(byte);
}
