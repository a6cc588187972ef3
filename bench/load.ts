/**
 * Offers load and measures each exchange from its *planned* start. In an open loop the arrivals are
 * fixed before the first answer, so a server that stalls shows its stall in every arrival that had
 * to wait (no coordinated omission), also when the generator itself held the arrival back. A closed
 * loop keeps a number of clients busy, each starting when its last exchange ended.
 */
import type { Clock, Timer } from "../src/base/clock.ts";
import type { Random } from "../src/base/random.ts";
import { Distribution } from "./statistics.ts";

/** How exchanges come: at a rate whatever the answers do, or from clients that wait for them. */
export type LoadPlan =
  | {
      readonly kind: "open";
      readonly ratePerSecond: number;
      /** Evenly spaced, or exponential gaps as from many independent clients. */
      readonly gaps: "constant" | "exponential";
      readonly inFlightMax: number;
      /** Give up once this many arrivals are unanswered: the rate is past what can be served. */
      readonly unansweredMax?: number;
    }
  | { readonly kind: "closed"; readonly clients: number };

/** One phase of load; every phase is bounded in time and in failures. */
export type LoadOptions = {
  readonly plan: LoadPlan;
  readonly durationMs: number;
  /** Exchanges planned before this time are offered but not recorded. */
  readonly warmUpMs: number;
  /** How long answers may take after the last planned start. */
  readonly graceMs: number;
  /** Failed exchanges after which the rest is not worth offering. */
  readonly failuresMax: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
};

/** `undefined`: succeeded; else the reason why the exchange failed. */
export type Outcome = string | undefined;

/** Makes one exchange; must not reject. */
export type Send = (plannedAtMs: number) => Promise<Outcome>;

/** What a phase showed. */
export type LoadResult = {
  /** From planned start to the end, succeeded exchanges; those unanswered at the end as so far. */
  readonly latency: Distribution;
  /** From planned start to actual start: the generator's own lateness. */
  readonly lag: Distribution;
  /** Recorded exchanges, the warm-up not among them. */
  readonly succeeded: number;
  /** Failed ones by reason, the warm-up included: a failure is never unimportant. */
  readonly failures: ReadonlyMap<string, number>;
  readonly unanswered: number;
  readonly elapsedMs: number;
  /** Ended before its time, by too many failures or unanswered arrivals. */
  readonly gaveUp: boolean;
};

/** All failed exchanges of a phase, whatever the reason; unanswered ones are not among them. */
export function failureCount(result: LoadResult): number {
  let count = 0;
  for (const times of result.failures.values()) count += times;
  return count;
}

/** Runs one phase of load to its end; resolves early when `signal` aborts. */
export function runLoad(options: LoadOptions, send: Send): Promise<LoadResult> {
  return new Promise((resolve) => {
    const run = new LoadRun(options, send, resolve);
    run.start();
  });
}

/** Servers may put something unique into each refusal. */
const reasonsMax = 20;

type Exchange = { readonly plannedAtMs: number };

class LoadRun {
  readonly #options: LoadOptions;
  readonly #send: Send;
  readonly #resolve: (result: LoadResult) => void;
  readonly #latency = new Distribution();
  readonly #lag = new Distribution();
  readonly #failures = new Map<string, number>();
  readonly #inFlight = new Set<Exchange>();
  #succeeded = 0;
  #failed = 0;
  #startedAtMs = 0;
  #nextPlannedMs = 0;
  #arrivalTimer: Timer | undefined;
  #endTimer: Timer | undefined;
  #over = false;

  constructor(options: LoadOptions, send: Send, resolve: (result: LoadResult) => void) {
    this.#options = options;
    this.#send = send;
    this.#resolve = resolve;
  }

  start(): void {
    const { clock, durationMs, graceMs, plan, signal } = this.#options;
    this.#startedAtMs = clock.monotonicMs();
    this.#nextPlannedMs = this.#startedAtMs;
    this.#endTimer = clock.after(durationMs + graceMs, () => this.#finish(false));
    signal.addEventListener("abort", this.#giveUp, { once: true });
    if (signal.aborted) this.#giveUp();
    else if (plan.kind === "open") this.#launchDue();
    else for (let client = 0; client < plan.clients; client += 1) this.#launch(this.#startedAtMs);
  }

  readonly #giveUp = (): void => this.#finish(true);

  /** Exchanges in flight were not given their time, so they say nothing about the server. */
  #fail(): void {
    this.#inFlight.clear();
    this.#nextPlannedMs = this.#endsAtMs;
    this.#finish(true);
  }

  get #endsAtMs(): number {
    return this.#startedAtMs + this.#options.durationMs;
  }

  /** Open loop: starts every arrival whose time has come, as far as connections are allowed. */
  #launchDue(): void {
    const { plan, clock } = this.#options;
    if (plan.kind !== "open" || this.#over) return;
    this.#arrivalTimer?.cancel();
    const nowMs = clock.monotonicMs();
    while (this.#nextPlannedMs <= nowMs && this.#nextPlannedMs < this.#endsAtMs) {
      // The arrival keeps its planned start and is launched when an exchange ends.
      if (this.#inFlight.size >= plan.inFlightMax) return;
      this.#launch(this.#nextPlannedMs);
      this.#nextPlannedMs += this.#gapMs(plan.ratePerSecond, plan.gaps);
    }
    if (this.#inFlight.size >= (plan.unansweredMax ?? Number.POSITIVE_INFINITY)) {
      this.#giveUp();
    } else if (this.#nextPlannedMs < this.#endsAtMs) {
      this.#arrivalTimer = clock.after(this.#nextPlannedMs - nowMs, () => this.#launchDue());
    } else {
      this.#finishWhenAnswered();
    }
  }

  #gapMs(ratePerSecond: number, gaps: "constant" | "exponential"): number {
    const meanMs = 1_000 / ratePerSecond;
    return gaps === "constant" ? meanMs : -Math.log(1 - this.#options.random.unit()) * meanMs;
  }

  #launch(plannedAtMs: number): void {
    const exchange: Exchange = { plannedAtMs };
    this.#inFlight.add(exchange);
    if (this.#counts(plannedAtMs)) {
      this.#lag.recordMs(this.#options.clock.monotonicMs() - plannedAtMs);
    }
    void this.#send(plannedAtMs).then((outcome) => this.#ended(exchange, outcome));
  }

  #ended(exchange: Exchange, outcome: Outcome): void {
    if (this.#over) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#inFlight.delete(exchange);
    if (outcome !== undefined) {
      this.#failed += 1;
      const known = this.#failures.has(outcome) || this.#failures.size < reasonsMax;
      const reason = known ? outcome : "other reasons";
      this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    } else if (this.#counts(exchange.plannedAtMs)) {
      this.#succeeded += 1;
      this.#latency.recordMs(nowMs - exchange.plannedAtMs);
    }
    if (this.#failed >= this.#options.failuresMax) this.#fail();
    else if (this.#options.plan.kind === "open") this.#afterAnswer(nowMs);
    else if (nowMs < this.#endsAtMs) this.#launch(nowMs);
    else this.#finishWhenAnswered();
  }

  /** An arrival may have waited for this connection; otherwise the timer that is set will do. */
  #afterAnswer(nowMs: number): void {
    const isLate = this.#nextPlannedMs <= nowMs && this.#nextPlannedMs < this.#endsAtMs;
    if (isLate) this.#launchDue();
    else if (this.#nextPlannedMs >= this.#endsAtMs) this.#finishWhenAnswered();
  }

  #counts(plannedAtMs: number): boolean {
    return plannedAtMs - this.#startedAtMs >= this.#options.warmUpMs;
  }

  #finishWhenAnswered(): void {
    if (this.#inFlight.size === 0) this.#finish(false);
  }

  #finish(gaveUp: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#arrivalTimer?.cancel();
    this.#endTimer?.cancel();
    this.#options.signal.removeEventListener("abort", this.#giveUp);
    const nowMs = this.#options.clock.monotonicMs();
    const unanswered = this.#unansweredStarts(nowMs);
    // Leaving them out would make a stalled server look fast: they have waited this long already.
    for (const plannedAtMs of unanswered) this.#latency.recordMs(nowMs - plannedAtMs);
    this.#resolve({
      latency: this.#latency,
      lag: this.#lag,
      succeeded: this.#succeeded,
      failures: this.#failures,
      unanswered: unanswered.length,
      elapsedMs: nowMs - this.#startedAtMs,
      gaveUp,
    });
  }

  /** Planned starts that have come and have no answer: in flight, or never launched. */
  #unansweredStarts(nowMs: number): readonly number[] {
    const starts = [...this.#inFlight].map((exchange) => exchange.plannedAtMs);
    const { plan } = this.#options;
    const lastMs = Math.min(nowMs, this.#endsAtMs);
    while (plan.kind === "open" && this.#nextPlannedMs < lastMs) {
      starts.push(this.#nextPlannedMs);
      this.#nextPlannedMs += this.#gapMs(plan.ratePerSecond, plan.gaps);
    }
    return starts.filter((plannedAtMs) => this.#counts(plannedAtMs));
  }
}
