/**
 * The only reader of time. Everything else takes a Clock as an argument, so that a test or the
 * simulator can replace it. Wall time dates things; monotonic time measures them.
 */

export type Timer = { readonly cancel: () => void };

export interface Clock {
  /** Wall time, milliseconds since the epoch (UTC). May jump. */
  readonly nowMs: () => number;
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. Never goes back. */
  readonly monotonicMs: () => number;
  /** Calls `callback` once after `delayMs`, unless cancelled. */
  readonly after: (delayMs: number, callback: () => void) => Timer;
  /** Calls `callback` every `periodMs` until cancelled; does not keep the process alive. */
  readonly every: (periodMs: number, callback: () => void) => Timer;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  every: (periodMs, callback) => {
    const handle = setInterval(callback, periodMs);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts; tells which of the two it was. */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
): Promise<"elapsed" | "aborted"> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve("aborted");
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      resolve("aborted");
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve("elapsed");
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Every UTC day: the system's time counts no leap seconds. */
export const UTC_DAY_MS = 24 * 60 * 60_000;

/** Start of the UTC day that a time lies in. */
export function startOfUtcDayMs(atMs: number): number {
  return Math.floor(atMs / UTC_DAY_MS) * UTC_DAY_MS;
}

/** RFC 3339 in UTC with milliseconds, the form of every time in our APIs. */
export function formatTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
