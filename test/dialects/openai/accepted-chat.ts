/** A chat request as the dialect accepts it. */
import type { ClientRequest } from "../../../src/dialects/contract.ts";
import { codecOf } from "../../../src/dialects/catalogue.ts";
import { NOWHERE } from "../nowhere.ts";

const BODY = { model: "small", messages: [{ role: "user", content: "Hi" }] };

export function acceptedChat(more: object = {}): ClientRequest {
  const bytes = new TextEncoder().encode(JSON.stringify({ ...BODY, ...more }));
  const accepted = codecOf("chat").accept(bytes, NOWHERE);
  if (!accepted.allowed) throw new Error(accepted.refusal.message);
  return accepted.value;
}
