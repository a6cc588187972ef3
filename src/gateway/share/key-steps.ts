/**
 * Steps about idempotency keys on their way to the store: what comes while a commit is under way
 * shares the next one. Ends that the disk did not take are tried again from time to time; until they
 * are taken, their keys stay with their requests, so nothing is executed twice.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Store } from "../../store/contract.ts";
import type { KeyClaim, KeyStep } from "../../store/idempotency-contract.ts";
import type { Log } from "../../telemetry/log.ts";

type Claim = Extract<KeyStep, { do: "claim" }>;
type End = Exclude<KeyStep, Claim>;

type Waiting = PromiseWithResolvers<KeyClaim | null> & { readonly step: KeyStep };

export class KeySteps {
  readonly #store: Store;
  readonly #log: Log;
  #waiting: Waiting[] = [];
  #isUnderWay = false;
  #unsaved: End[] = [];

  constructor(store: Store, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** Durable when it resolves. Rejects with GatewayError `ledger_unavailable`. */
  async claim(step: Claim): Promise<KeyClaim> {
    const claim = await this.#take(step);
    return claim ?? { kind: "claimed" };
  }

  /** Resolves when it is durable, or has to wait for a better time. */
  async end(step: End): Promise<void> {
    try {
      await this.#take(step);
    } catch (error) {
      const { requestId } = step;
      this.#log.warn("idempotency.unsaved", { requestId, error });
      if (this.#unsaved.length < LIMITS.idempotencyStepsMax) this.#unsaved.push(step);
    }
  }

  async retry(): Promise<void> {
    const again = this.#unsaved;
    this.#unsaved = [];
    await Promise.all(again.map((step) => this.end(step)));
  }

  #take(step: KeyStep): Promise<KeyClaim | null> {
    const waiting = { step, ...Promise.withResolvers<KeyClaim | null>() };
    this.#waiting.push(waiting);
    if (!this.#isUnderWay) void this.#send();
    return waiting.promise;
  }

  async #send(): Promise<void> {
    this.#isUnderWay = true;
    // What is taken in this same turn rides along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const sent = this.#waiting.splice(0, this.#countOfNext());
      try {
        const answers = await this.#store.stepKeys(sent.map(({ step }) => step));
        for (const [place, { resolve }] of sent.entries()) resolve(answers[place] ?? null);
      } catch (error) {
        for (const { reject } of sent) reject(error);
      }
    }
    this.#isUnderWay = false;
  }

  /** How many go together: at least one, bounded in number and bytes. */
  #countOfNext(): number {
    let bytes = 0;
    const past = this.#waiting.findIndex(({ step }) => {
      bytes += step.do === "complete" ? (step.bodySealed?.length ?? 0) : 0;
      return bytes > LIMITS.idempotencyStepBytesMax;
    });
    const fitting = past < 0 ? this.#waiting.length : Math.max(1, past);
    return Math.min(fitting, LIMITS.idempotencyStepsMax);
  }
}
