/**
 * What happens when a client goes away: the provider's policy decides whether its answer is given up
 * at once (`abort`) or read on to the usage within a bound (`drain`). Never free, never forgotten.
 */
import { LIMITS } from "../base/limits.ts";
import { stopExchange, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

/** Follows the client's connection; the answer stops following. */
export function followClient(gateway: Gateway, exchange: Exchange): () => void {
  const { signal } = exchange.call;
  const drain = gateway.watchdog.deadline(() => stopExchange(exchange, "client_gone"));
  const onLeft = (): void => {
    if (exchange.clientGone) return;
    exchange.clientGone = true;
    if (exchange.drainsForLeftClient && exchange.stopAttempt !== null) {
      drain.arm(LIMITS.clientGoneDrainMs);
    } else {
      stopExchange(exchange, "client_gone");
    }
  };
  exchange.onClientLeft = onLeft;
  if (signal.aborted) onLeft();
  else signal.addEventListener("abort", onLeft, { once: true });
  return () => {
    drain.disarm();
    signal.removeEventListener("abort", onLeft);
  };
}
