/**
 * The life of the writer thread: started, started again after it died, stopped. What its answers
 * mean is the writer's affair.
 */
import { GatewayError } from "../base/error.ts";
import type { Recovery } from "./contract.ts";
import type { FromThread, OpenMessage, ToThread } from "./protocol.ts";

/** Messages about work, not about the thread itself. */
export type Reply = Exclude<FromThread, { type: "opened" | "unopened" | "closed" }>;

export interface LinkEvents {
  readonly reply: (reply: Reply) => void;
  /** The thread is gone without having been stopped; whatever it was doing has no answer. */
  readonly died: (reason: string) => void;
}

/** The way to whatever owns the database: a thread, or for the simulator the same code beside it. */
export interface Link {
  /** True when batches can be sent. */
  readonly isOpen: boolean;
  /** Opens the database; rejects with GatewayError `ledger_unavailable`. */
  readonly open: (message: OpenMessage) => Promise<Recovery>;
  readonly send: (text: string) => void;
  /** Closes the database and ends the other side. */
  readonly close: () => Promise<void>;
}

/** One thread, from its start on. */
type Thread = {
  readonly worker: Worker;
  /** Resolves with the reason once it is gone and its connection closed. */
  readonly gone: Promise<string>;
  readonly opened: PromiseWithResolvers<Recovery>;
  readonly closed: PromiseWithResolvers<void>;
};

export class ThreadLink implements Link {
  readonly #url: string;
  readonly #events: LinkEvents;
  #thread: Thread | null = null;
  #isOpen = false;

  constructor(url: string, events: LinkEvents) {
    this.#url = url;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Starts a thread first. */
  async open(message: OpenMessage): Promise<Recovery> {
    const thread = this.#start();
    this.#thread = thread;
    send(thread, message);
    try {
      const recovery = await Promise.race([thread.opened.promise, failure(thread.gone)]);
      this.#isOpen = true;
      void thread.gone.then((reason) => this.#lose(thread, reason));
      return recovery;
    } catch (error) {
      await this.#stop(thread);
      throw error;
    }
  }

  send(text: string): void {
    this.#thread?.worker.postMessage(text);
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === null) return;
    this.#isOpen = false;
    send(thread, { type: "close" });
    await Promise.race([thread.closed.promise, thread.gone]);
    await this.#stop(thread);
  }

  #start(): Thread {
    const worker = new Worker(this.#url);
    const opened = Promise.withResolvers<Recovery>();
    const closed = Promise.withResolvers<void>();
    worker.addEventListener("message", (event: MessageEvent<string>) => {
      const said = JSON.parse(event.data) as FromThread;
      if (said.type === "opened") opened.resolve(said.recovery);
      else if (said.type === "unopened") opened.reject(unavailable(said.detail));
      else if (said.type === "closed") closed.resolve();
      else this.#events.reply(said);
    });
    let reason = "it ended";
    worker.addEventListener("error", (event) => {
      reason = event.message;
    });
    const gone = new Promise<string>((resolve) => {
      worker.addEventListener("close", () => resolve(reason));
    });
    return { worker, gone, opened, closed };
  }

  #lose(thread: Thread, reason: string): void {
    if (this.#thread !== thread || !this.#isOpen) return;
    this.#isOpen = false;
    this.#thread = null;
    this.#events.died(reason);
  }

  async #stop(thread: Thread): Promise<void> {
    if (this.#thread === thread) this.#thread = null;
    thread.worker.terminate();
    await thread.gone;
  }
}

function send(thread: Thread, message: ToThread): void {
  thread.worker.postMessage(JSON.stringify(message));
}

async function failure(gone: Promise<string>): Promise<never> {
  throw unavailable(`The writer thread could not start: ${await gone}`);
}

function unavailable(message: string): GatewayError {
  return new GatewayError("ledger_unavailable", { message });
}
