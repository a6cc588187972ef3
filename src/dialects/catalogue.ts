/**
 * Every wire language by its name: the only place where a name becomes a dialect. Failures are read in the
 * manner of every company here, because a provider may pass on another's words.
 */
import { readAnthropicFailure } from "./anthropic/failure.ts";
import { readBedrockFailure } from "./bedrock/failure.ts";
import type { Dialect, FailureReading } from "./contract.ts";
import { readBy } from "./failure.ts";
import { readGoogleFailure } from "./google/failure.ts";
import { openaiDialect } from "./openai/dialect.ts";
import { readOpenaiFailure } from "./openai/failure.ts";

export const DIALECTS: Readonly<Record<"openai", Dialect>> = { openai: openaiDialect };

export type DialectName = keyof typeof DIALECTS;

/** The dialect of that name; undefined when there is none. */
export function dialectNamed(name: string): Dialect | undefined {
  return Object.hasOwn(DIALECTS, name) ? DIALECTS[name as DialectName] : undefined;
}

/** The most telling shapes first; the last one reads whatever is left. */
const FAILURE_READERS = [
  readBedrockFailure,
  readGoogleFailure,
  readAnthropicFailure,
  readOpenaiFailure,
];

/** What a refusal or failure says; `status` null: it came within an answer, as an event or a whole body. */
export function readFailure(
  status: number | null,
  headers: Headers,
  bytes: Uint8Array,
): FailureReading {
  return readBy(FAILURE_READERS, status, headers, bytes);
}
