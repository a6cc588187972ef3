/** Our errors as OpenAI's clients expect them, as a body and as the last event of a stream. */
import type { ErrorReply } from "../contract.ts";
import { writeEvent } from "../sse-event.ts";

export function errorBody({ message, type, code, param }: ErrorReply): string {
  return JSON.stringify({ error: { message, type, code, param } });
}

/** Official SDKs throw on a chunk with `error` (openai-node 7.55, 2026-11). */
export function errorEvent(error: ErrorReply): Uint8Array {
  return writeEvent(errorBody(error));
}
