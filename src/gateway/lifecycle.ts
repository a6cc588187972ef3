/**
 * Which exchanges are in flight, and the way out: when draining, nothing new is admitted, running
 * exchanges get their time, and what is left then is ended properly, settled and recorded.
 */
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import { stopExchange, type Stoppable, type StopReason } from "./exchange.ts";

export interface Lifecycle {
  readonly isDraining: () => boolean;
  readonly inFlightCount: () => number;
  readonly enter: (exchange: Stoppable) => void;
  /** One that nobody waits for: it is ended as soon as the way out begins. */
  readonly enterSpare: (exchange: Stoppable) => void;
  readonly leave: (exchange: Stoppable) => void;
  /**
   * Counts what an exchange left behind as in flight until it is done, for a few seconds at most: the
   * way out must not stop what it still needs.
   */
  readonly outlive: (pending: Promise<unknown>) => void;
  /** Refuses new exchanges from now on; resolves when none is left, at the latest soon after `withinMs`. */
  readonly drain: (withinMs: number) => Promise<void>;
  /** Ends what is running now; used by a second signal. */
  readonly stopAll: (reason: StopReason) => void;
}

/** `onDrain` is called once, when nothing new is admitted any more. */
export function createLifecycle(clock: Clock, onDrain: () => void): Lifecycle {
  const running = new Set<Stoppable>();
  const spare = new Set<Stoppable>();
  let isDraining = false;
  let onEmpty: (() => void) | null = null;
  const stopAll = (reason: StopReason): void => {
    for (const exchange of running) stopExchange(exchange, reason);
  };
  const leave = (exchange: Stoppable): void => {
    running.delete(exchange);
    spare.delete(exchange);
    if (running.size === 0) onEmpty?.();
  };
  return {
    isDraining: () => isDraining,
    inFlightCount: () => running.size,
    enter: (exchange) => {
      running.add(exchange);
    },
    enterSpare: (exchange) => {
      running.add(exchange);
      spare.add(exchange);
      if (isDraining) stopExchange(exchange, "draining");
    },
    leave,
    outlive: (pending) => {
      const left: Stoppable = {
        stoppedFor: null,
        stopAttempt: null,
        stopped: Promise.withResolvers(),
      };
      running.add(left);
      const late = clock.after(LIMITS.drainForcedMs, () => leave(left));
      void pending.finally(() => {
        late.cancel();
        leave(left);
      });
    },
    drain: (withinMs) => {
      if (!isDraining) {
        isDraining = true;
        onDrain();
        for (const exchange of spare) stopExchange(exchange, "draining");
      }
      if (running.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = clock.after(withinMs, () => stopAll("draining"));
        onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    },
    stopAll,
  };
}
