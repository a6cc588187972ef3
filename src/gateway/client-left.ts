/**
 * What happens when a client goes away: the provider's policy decides whether its answer is given up
 * at once (`abort`) or read on to the usage (`drain`), which is bounded in number, time and bytes.
 * Never free, never forgotten.
 */
import { LIMITS } from "../base/limits.ts";
import { stopExchange, type ClientCall, type Exchange, type Stoppable } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

/** As much of an exchange as its client's leaving touches. */
type Followed = Stoppable &
  Pick<
    Exchange,
    "clientGone" | "drainsForLeftClient" | "isConcluded" | "onClientLeft" | "onRead"
  > & { readonly call: Pick<ClientCall, "signal"> };

type DrainParts = Pick<Gateway, "drains" | "watchdog">;

/** Follows the client's connection; the answer stops following. */
export function followClient(gateway: DrainParts, exchange: Followed): () => void {
  const { signal } = exchange.call;
  const stop = (): void => stopExchange(exchange, "client_gone");
  let drain: Drain | null = null;
  const onLeft = (): void => {
    if (exchange.clientGone) return;
    exchange.clientGone = true;
    // Once concluded nobody would end a drain; leaving then only stops the last bytes.
    const isDrained = exchange.drainsForLeftClient && !exchange.isConcluded;
    drain = isDrained ? beginDrain(gateway, stop) : null;
    if (drain === null) stop();
    else exchange.onRead = drain.onRead;
  };
  // Asked for when it happens: where others share the answer, leaving means something else.
  const onAbort = (): void => exchange.onClientLeft();
  exchange.onClientLeft = onLeft;
  if (signal.aborted) onLeft();
  else signal.addEventListener("abort", onAbort, { once: true });
  return () => {
    drain?.end();
    signal.removeEventListener("abort", onAbort);
  };
}

type Drain = { readonly onRead: (bytes: number) => void; readonly end: () => void };

/** null when too many are running: then the answer is given up like one whose policy is `abort`. */
function beginDrain({ drains, watchdog }: DrainParts, stop: () => void): Drain | null {
  if (!drains.begin()) return null;
  const deadline = watchdog.deadline(stop);
  deadline.arm(LIMITS.clientGoneDrainMs);
  let readBytes = 0;
  return {
    onRead: (bytes) => {
      readBytes += bytes;
      if (readBytes > LIMITS.clientGoneDrainBytesMax) stop();
    },
    end: () => {
      deadline.disarm();
      drains.end();
    },
  };
}
