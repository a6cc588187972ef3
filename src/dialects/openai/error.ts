/** Our errors as OpenAI's clients expect them, as a body and as the last event of a stream. */
import type { ErrorReply } from "../reply-contract.ts";
import { failureBody } from "../failure.ts";
import { writeEvent } from "../sse-event.ts";

export function errorBody({ message, type, code, param }: ErrorReply): string {
  return JSON.stringify({ error: { message, type, code, param } });
}

/** Official SDKs throw on a chunk with `error` (openai-node 7.55, 2026-11). */
export function errorEvent(error: ErrorReply): Uint8Array {
  return writeEvent(errorBody(error));
}

/** Any body with an `error` that says something; a list, as Google sends it, is taken out of its brackets. */
export function errorEventOf(body: Uint8Array<ArrayBuffer> | string): Uint8Array | null {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const failure = failureBody(bytes);
  if (failure === null || !failure["error"]) return null;
  const text = new TextDecoder().decode(bytes);
  return writeEvent(text.trimStart().startsWith("{") ? text : JSON.stringify(failure));
}
