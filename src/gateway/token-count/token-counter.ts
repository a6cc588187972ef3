/**
 * Counts the tokens of exchanges whose provider reported none, on a thread of its own that is started
 * when it is first needed and stopped when it has not been for a while.
 *
 * Invariant: every question is answered within {@link LIMITS.tokenCountMs}, with null when the thread
 * is late, overloaded or gone: then the caller estimates by bytes. A late thread is given up with all
 * that waits for it, so that one text which it cannot get through delays no later answer.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../telemetry/log.ts";
import type { CountAnswer, CountQuestion } from "./protocol.ts";

export type Counted = Pick<CountAnswer, "inputTokens" | "outputTokens">;

export interface TokenCounter {
  readonly count: (texts: Pick<CountQuestion, "body" | "output">) => Promise<Counted | null>;
  readonly stop: () => void;
}

type Waiting = { readonly resolve: (counted: Counted | null) => void; readonly late: Timer };

export function createTokenCounter(clock: Clock, log: Log): TokenCounter {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let idle: Timer | null = null;
  let asked = 0;

  const settle = (id: number, counted: Counted | null): void => {
    const one = waiting.get(id);
    if (one === undefined) return;
    waiting.delete(id);
    one.late.cancel();
    one.resolve(counted);
  };
  const stop = (): void => {
    idle?.cancel();
    idle = null;
    worker?.terminate();
    worker = null;
    for (const id of waiting.keys()) settle(id, null);
  };
  const start = (): Worker => {
    const started = new Worker(new URL("./thread.ts", import.meta.url).href);
    started.addEventListener("message", (event: MessageEvent<string>) => {
      const { id, ...counted } = JSON.parse(event.data) as CountAnswer;
      settle(id, counted);
    });
    started.addEventListener("error", (event) => {
      log.error("token_counter.failed", { error: event.message });
      if (worker === started) stop();
    });
    // Counting never keeps the process alive.
    started.unref();
    return started;
  };

  return {
    count: ({ body, output }) => {
      if (waiting.size >= LIMITS.tokenCountsWaitingMax) return Promise.resolve(null);
      try {
        worker ??= start();
      } catch (error) {
        // No thread can be had (no memory, no file): answers are worth more than their exact count.
        log.error("token_counter.failed", { error });
        return Promise.resolve(null);
      }
      idle?.cancel();
      idle = clock.after(LIMITS.tokenCounterIdleMs, stop);
      const id = (asked += 1);
      const question: CountQuestion = { id, body, output };
      return new Promise((resolve) => {
        const late = clock.after(LIMITS.tokenCountMs, stop);
        waiting.set(id, { resolve, late });
        worker?.postMessage(JSON.stringify(question));
      });
    },
    stop,
  };
}
