/**
 * Bodies of refusals and failures, read within a bound: a stranger's body may be huge, nested without
 * end or no text at all, and then its status alone must do. Whose manner a body follows is told from its
 * shape, never from the dialect that a provider is configured with: relays pass on the words of others.
 */
import { LIMITS } from "../base/limits.ts";
import type {
  FailureAnswer,
  FailureKind,
  FailureReader,
  FailureReading,
} from "./failure-contract.ts";
import { scanObject, type ScanBounds } from "./json-scan.ts";
import { isObject, type JsonObject, parseJson } from "./json.ts";

const FAILURE_BOUNDS: ScanBounds = { depthMax: 32, nodesMax: 5_000, valuesMax: 5_000 };

const NOTHING_TOLD: FailureReading = { kind: null, retryAfterMs: null };

/** The object that a failure's body is, or the first of a list, as Google sends it; null: neither. */
export function failureBody(bytes: Uint8Array): JsonObject | null {
  if (bytes.byteLength === 0 || bytes.byteLength > LIMITS.failureBytesMax) return null;
  const { kind } = scanObject(bytes, [], FAILURE_BOUNDS);
  if (kind !== "object" && kind !== "other") return null;
  const body = parseJson(bytes);
  const first: unknown = Array.isArray(body) ? body[0] : body;
  return isObject(first) ? first : null;
}

/** What the first reader says that knows the shape. */
export function readBy(
  readers: readonly FailureReader[],
  status: number | null,
  headers: Headers,
  bytes: Uint8Array,
): FailureReading {
  // Where the body tells nothing, a header still may: Bedrock names its exceptions there.
  const failure: FailureAnswer = { status, headers, body: failureBody(bytes) ?? {} };
  for (const read of readers) {
    const reading = read(failure);
    if (reading !== null) return reading;
  }
  return NOTHING_TOLD;
}

/** A word of an error as its code, type or name: in lower case; empty when there is none. */
export function wordOf(value: unknown): string {
  return typeof value === "string" ? value.trim().toLowerCase() : "";
}

export type KindTable = Readonly<Record<string, FailureKind>>;

/** What a table says of a stranger's word; undefined, and not what every object inherits, when nothing. */
export function kindIn(table: KindTable, word: string): FailureKind | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

/** A sentence of an error; empty when there is none. */
export function sentenceOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
