/**
 * Simulated time: one heap of events in the order of their time, ties in the order of their making.
 * After each event all promises it resolved are followed, before the next begins, so that nothing
 * depends on how fast the real machine is.
 *
 * Invariant: an event of a process that has died never runs.
 */
import { drainMicrotasks } from "bun:jsc";

/** Whose event it is; `isDead` events are dropped. The world's own have no owner. */
export type Owner = {
  readonly isDead: boolean;
  /** Until then it is halted, and what is due waits. */
  readonly wakesAtMs?: number;
};

type Event = {
  atMs: number;
  readonly order: number;
  readonly owner: Owner | null;
  readonly run: () => void;
  isCancelled: boolean;
};

export type Scheduled = { readonly cancel: () => void };

export class World {
  /** True time since the run began, in milliseconds with a fraction. */
  nowMs = 0;
  /** Wall time at true time 0. */
  readonly #wallStartMs: number;
  /** What the wall clock was moved by, by hand or by the network's time. */
  wallShiftMs = 0;
  eventCount = 0;
  /** Counts every event, draw and fact: what came first. */
  order = 0;
  #hash = 0n;
  readonly #heap: Event[] = [];
  readonly trace: string[] | null;

  constructor(wallStartMs: number, keepsTrace: boolean) {
    this.#wallStartMs = wallStartMs;
    this.trace = keepsTrace ? [] : null;
  }

  get wallMs(): number {
    return Math.floor(this.#wallStartMs + this.nowMs + this.wallShiftMs);
  }

  schedule(delayMs: number, owner: Owner | null, run: () => void): Scheduled {
    this.order += 1;
    const atMs = this.nowMs + Math.max(0, delayMs);
    const event: Event = { atMs, order: this.order, owner, run, isCancelled: false };
    this.#push(event);
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }

  /** Runs the next event that still counts; false when there is none. */
  step(): boolean {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      if (event.isCancelled || event.owner?.isDead === true) continue;
      const wakesAtMs = event.owner?.wakesAtMs ?? 0;
      if (wakesAtMs > event.atMs) {
        event.atMs = wakesAtMs;
        this.#push(event);
        continue;
      }
      this.nowMs = Math.max(this.nowMs, event.atMs);
      this.eventCount += 1;
      event.run();
      drainMicrotasks();
      return true;
    }
  }

  /** The machine sleeps: what was due meanwhile runs when it wakes up. */
  sleep(durationMs: number): void {
    this.nowMs += durationMs;
  }

  /** Notes a fact in the trace; equal traces are equal runs. */
  note(fact: string): void {
    this.#hash = Bun.hash.wyhash(`${this.nowMs} ${fact}`, this.#hash);
    this.trace?.push(`${this.nowMs.toFixed(3)} ${fact}`);
  }

  get traceHash(): string {
    return this.#hash.toString(16).padStart(16, "0");
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.push(event) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        below += 1;
        child = right;
      }
      if (!isBefore(child, last)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
