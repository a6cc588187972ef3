/** Calls that the thread has been asked and has not answered yet, by their number. */
import { AssertionError } from "../base/assert.ts";
import { GatewayError } from "../base/error.ts";
import type { FromThread } from "./protocol.ts";
import type { CallEntry } from "./queue.ts";
import { RETRY_AFTER_MIN_MS } from "./trouble.ts";

type Answer = Extract<FromThread, { type: "answer" | "unanswered" }>;

export class PendingCalls {
  readonly #entries = new Map<number, CallEntry>();

  add(entries: readonly CallEntry[]): void {
    for (const entry of entries) this.#entries.set(entry.message.id, entry);
  }

  /** A call that was given up meanwhile has no entry, and its answer goes nowhere. */
  answer(answer: Answer): void {
    const entry = this.#entries.get(answer.id);
    this.#entries.delete(answer.id);
    if (answer.type === "answer") entry?.resolve(answer.value);
    else if (answer.kind === "world") {
      const detail = { retryAfterMs: RETRY_AFTER_MIN_MS };
      entry?.reject(new GatewayError("ledger_unavailable", detail, answer.detail));
    } else entry?.reject(new AssertionError(`store call failed: ${answer.detail}`));
  }

  reject(entries: Iterable<CallEntry>, error: Error): void {
    for (const entry of entries) {
      this.#entries.delete(entry.message.id);
      entry.reject(error);
    }
  }

  rejectAll(error: Error): void {
    this.reject([...this.#entries.values()], error);
  }
}
