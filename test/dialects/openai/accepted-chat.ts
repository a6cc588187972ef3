/** A chat request as the dialect accepts it. */
import type { ClientRequest } from "../../../src/dialects/contract.ts";
import { openaiDialect } from "../../../src/dialects/openai/dialect.ts";

const BODY = { model: "small", messages: [{ role: "user", content: "Hi" }] };

export function acceptedChat(more: object = {}): ClientRequest {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...BODY, ...more }));
  const accepted = openaiDialect.accept("chat", bytes);
  if (!accepted.allowed) throw new Error(accepted.refusal.message);
  return accepted.value;
}
