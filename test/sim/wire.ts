/**
 * One simulated connection, as `fetch` shows it to the gateway: a response that comes or fails, a
 * body that is read, broken off or given up. Nothing reaches a process that has died.
 */
import type { Owner, World } from "./world.ts";

type Read = { readonly done: false; readonly value: Uint8Array } | { readonly done: true };
/** `onRead` tells the upstream that the gateway has really got it. */
type Arrived = { readonly read: Read | Error; readonly onRead?: (() => void) | undefined };

/** What an upstream answers with. */
export type Feed = {
  /** Sends text; `isSplit` lets it arrive in two reads, cut anywhere. */
  readonly push: (text: string, isSplit?: boolean, onRead?: () => void) => void;
  readonly end: (onRead?: () => void) => void;
  readonly break: (error: Error) => void;
};

export type WireResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly getReader: () => { read: () => Promise<Read>; cancel: () => Promise<void> };
  };
};

/** Bytes travel for this long. */
const TRAVEL_MS = 0.7;

export class Wire {
  readonly answer: Promise<WireResponse>;
  isHungUp = false;
  onHungUp: () => void = () => undefined;
  readonly #world: World;
  readonly #owner: Owner;
  readonly #answered = Promise.withResolvers<WireResponse>();
  readonly #queue: Arrived[] = [];
  #reading: PromiseWithResolvers<Read> | null = null;

  constructor(world: World, owner: Owner, signal: AbortSignal) {
    this.#world = world;
    this.#owner = owner;
    this.answer = this.#answered.promise;
    signal.addEventListener("abort", () => this.hangUp(), { once: true });
  }

  /** The gateway's side is closed; idempotent. */
  hangUp(): void {
    if (this.isHungUp) return;
    this.isHungUp = true;
    this.onHungUp();
    // A process that has died is told nothing.
    if (this.#owner.isDead) return;
    const error = new DOMException("The operation was aborted.", "AbortError");
    this.#answered.reject(error);
    this.#deliver({ read: error });
  }

  fail(afterMs: number, error: Error): void {
    this.#world.schedule(afterMs, this.#owner, () => {
      this.#answered.reject(error);
    });
  }

  /** Answers after a while; `then` runs although nobody may listen any more. */
  respond(
    afterMs: number,
    status: number,
    headers: Record<string, string>,
    then: (feed: Feed) => void,
  ): void {
    this.#world.schedule(afterMs, null, () => {
      this.#world.schedule(0, this.#owner, () => {
        this.#answered.resolve({ status, headers: new Headers(headers), body: this.#body() });
      });
      then({
        push: (text, isSplit = false, onRead) => this.#push(text, isSplit, onRead),
        end: (onRead) => this.#later({ read: { done: true }, onRead }),
        break: (error) => this.#later({ read: error }),
      });
    });
  }

  #push(text: string, isSplit: boolean, onRead?: () => void): void {
    const bytes = new TextEncoder().encode(text);
    const middle = isSplit ? Math.floor(bytes.length * 0.37) : 0;
    if (middle > 0) this.#later({ read: { done: false, value: bytes.slice(0, middle) } });
    this.#later({ read: { done: false, value: bytes.slice(middle) }, onRead });
  }

  #later(arrived: Arrived): void {
    this.#world.schedule(TRAVEL_MS, this.#owner, () => this.#deliver(arrived));
  }

  #deliver(arrived: Arrived): void {
    const reading = this.#reading;
    this.#reading = null;
    if (reading === null) this.#queue.push(arrived);
    else settle(reading, arrived);
  }

  #body(): WireResponse["body"] {
    return {
      getReader: () => ({
        read: () => {
          const reading = Promise.withResolvers<Read>();
          const next = this.#next();
          if (next === undefined) this.#reading = reading;
          else settle(reading, next);
          return reading.promise;
        },
        cancel: () => {
          this.hangUp();
          return Promise.resolve();
        },
      }),
    };
  }

  /** What a connection that was given up had buffered is lost; its end stays its end. */
  #next(): Arrived | undefined {
    if (this.isHungUp) return this.#queue.findLast(({ read }) => read instanceof Error);
    const [first] = this.#queue;
    if (first !== undefined && "value" in first.read) this.#queue.shift();
    return first;
  }
}

function settle(reading: PromiseWithResolvers<Read>, { read, onRead }: Arrived): void {
  onRead?.();
  if (read instanceof Error) reading.reject(read);
  else reading.resolve(read);
}
