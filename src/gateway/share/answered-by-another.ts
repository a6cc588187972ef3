/**
 * Is a request answered by somebody else's exchange? Asked once it is authenticated and understood,
 * before any limit or budget is: who gets what another one has paid for takes nothing.
 */
import type { AcceptedRequest } from "../accept.ts";
import type { Exchange, Reply } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { IDEMPOTENCY_KEY } from "./idempotency-key.ts";
import { answerByKey } from "./idempotency.ts";

/** null, at once or after a look at what is known: it has to be answered on its own. */
export function answeredByAnother(
  gateway: Gateway,
  exchange: Exchange,
  { principal, request }: AcceptedRequest,
): Promise<Reply | null> | null {
  const key = exchange.call.headers.get(IDEMPOTENCY_KEY);
  return key === null ? null : answerByKey(gateway, exchange, key, principal, request);
}
