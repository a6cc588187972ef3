/**
 * The simulated clients: they send, read, stop reading, leave at any moment and ask again, and they
 * remember what they were told. A client's own view of its answer is checked here: one end, nothing
 * after it, and a stream that breaks off says so.
 */
import type { ClientCall, Reply } from "../../src/gateway/exchange.ts";
import { handle } from "../../src/gateway/handle.ts";
import type { ByteReader } from "../../src/gateway/transport.ts";
import type { ExchangeFacts } from "./oracle-types.ts";
import { Violation } from "./oracle-types.ts";
import type { Arrival } from "./plan.ts";
import type { Process } from "./process.ts";
import { RESIDENTS } from "./town.ts";
import type { World } from "./world.ts";
import { CHAT_CALL } from "../support/chat-call.ts";

export type ClientEvents = {
  readonly process: () => Process | null;
  /** A new exchange begins; the id is drawn while `call` runs. */
  readonly begin: (arrival: Arrival, process: Process, call: () => void) => ExchangeFacts;
  readonly ended: (facts: ExchangeFacts, status: number) => void;
  readonly failed: (violation: Violation) => void;
};

export class Clients {
  readonly #world: World;
  readonly #events: ClientEvents;
  readonly statuses = new Map<number, number>();
  /** Streams that ended with an error event. */
  cutStreams = 0;

  constructor(world: World, events: ClientEvents) {
    this.#world = world;
    this.#events = events;
  }

  ask(arrival: Arrival, tries = 1): void {
    const process = this.#events.process();
    const gateway = process?.gateway ?? null;
    if (process === null || gateway === null || process.isDead) {
      // Nobody listens while the process is down.
      this.#again(arrival, tries, 50);
      return;
    }
    if (process.wakesAtMs > this.#world.nowMs) {
      this.#world.schedule(process.wakesAtMs - this.#world.nowMs, null, () =>
        this.ask(arrival, tries),
      );
      return;
    }
    const leaving = new AbortController();
    let answered: Promise<Reply> | null = null;
    const facts = this.#events.begin(arrival, process, () => {
      answered = handle(
        gateway,
        this.#call(arrival, process, leaving.signal, () => facts.number),
      );
    });
    const visit = new Visit(this.#world, this.#events, process, arrival, facts, leaving);
    visit.onEnd = (status, isCut) => {
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      if (isCut) this.cutStreams += 1;
      this.#events.ended(facts, status);
      if (status === 429 || status >= 500 || isCut) this.#again(arrival, tries, 300);
    };
    if (answered !== null) visit.follow(answered);
  }

  #again(arrival: Arrival, tries: number, delayMs: number): void {
    if (tries >= arrival.client.tries) return;
    this.#world.schedule(delayMs, null, () => this.ask(arrival, tries + 1));
  }

  #call(arrival: Arrival, process: Process, signal: AbortSignal, number: () => number): ClientCall {
    const { client, resident } = arrival;
    const headers = new Headers({ authorization: `Bearer ${RESIDENTS[resident]?.secret ?? ""}` });
    if (client.timeoutMs !== null) headers.set("x-tollgate-timeout-ms", String(client.timeoutMs));
    return {
      ...CHAT_CALL,
      headers,
      declaredBytes: null,
      signal,
      onEnd: () => undefined,
      readBody: () =>
        new Promise((resolve) => {
          this.#world.schedule(client.bodyMs, process, () => resolve(bodyOf(arrival, number())));
        }),
    };
  }
}

export function bodyOf(arrival: Arrival, number: number): Uint8Array<ArrayBuffer> {
  const { route, stream, maxTokens, choices, padding, endUser } = arrival;
  return new TextEncoder().encode(
    JSON.stringify({
      model: route,
      seed: number,
      ...(endUser !== null && { user: endUser }),
      messages: [{ role: "user", content: "p".repeat(padding) }],
      ...(stream && { stream }),
      ...(maxTokens !== null && { max_tokens: maxTokens }),
      ...(choices > 1 && { n: choices }),
    }),
  );
}

/** What a client sees of a stream that breaks off: it is over. */
const BROKEN_OFF = { done: true } as const;

/** One exchange as its client goes through it. */
class Visit {
  onEnd: (status: number, isCut: boolean) => void = () => undefined;
  readonly #world: World;
  readonly #events: ClientEvents;
  readonly #process: Process;
  readonly #arrival: Arrival;
  readonly #facts: ExchangeFacts;
  readonly #leaving: AbortController;
  #cancel: (() => void) | null = null;
  #text = "";
  #reads = 0;

  constructor(
    world: World,
    events: ClientEvents,
    process: Process,
    arrival: Arrival,
    facts: ExchangeFacts,
    leaving: AbortController,
  ) {
    this.#world = world;
    this.#events = events;
    this.#process = process;
    this.#arrival = arrival;
    this.#facts = facts;
    this.#leaving = leaving;
    const { kind, whenMs } = arrival.client;
    if (kind === "leaves_at") world.schedule(whenMs, process, () => this.#leave());
  }

  follow(answered: Promise<Reply>): void {
    answered.then(
      (reply) => this.#take(reply),
      (error: unknown) => this.#wrong("handle-never-throws", String(error)),
    );
  }

  #take(reply: Reply): void {
    const { status, body } = reply;
    if (reply.headers["x-request-id"] !== this.#facts.requestId) {
      this.#wrong("request-id", `answered ${reply.headers["x-request-id"]}`);
    }
    if (body instanceof ReadableStream) this.#follow(status, body.getReader());
    else {
      const text = textOf(body);
      if (status === 500 && text.includes("internal_error")) {
        this.#wrong("no-bug", `answered internal_error: ${text}`);
      }
      this.#world.note(`x${this.#facts.number} ${status} ${text}`);
      this.#end(status, false);
    }
  }

  #follow(status: number, reader: ByteReader): void {
    this.#cancel = () => {
      reader.cancel().catch(() => undefined);
    };
    this.#readOn(status, reader).catch((error: unknown) =>
      this.#wrong("no-bug", `a stream could not be read: ${String(error)}`),
    );
  }

  async #readOn(status: number, reader: ByteReader): Promise<void> {
    const { kind, reads, slowMs } = this.#arrival.client;
    for (;;) {
      const read = await reader.read().catch(() => BROKEN_OFF);
      if (read.done) break;
      this.#reads += 1;
      const text = new TextDecoder().decode(read.value);
      this.#text += text;
      if (kind === "leaves_after_reads" && this.#reads === reads) this.#leave();
      if (kind === "leaves_at_end" && text.includes("data: [DONE]")) this.#leave();
      if (slowMs > 0) await this.#pause(slowMs);
    }
    this.#endStream(status);
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.schedule(durationMs, this.#process, resolve);
    });
  }

  #endStream(status: number): void {
    const hasLeft = this.#facts.leftAtOrder !== null;
    const ends = (this.#text.match(/^data: \[DONE\]$/gm) ?? []).length;
    const errors = (this.#text.match(/^data: \{"error"/gm) ?? []).length;
    if (!hasLeft && ends + errors !== 1) {
      this.#wrong("one-end", `a stream ended with ${ends} terminators and ${errors} errors`);
    }
    this.#world.note(`x${this.#facts.number} ${status} stream ${Bun.hash(this.#text)} ${ends}`);
    this.#end(status, ends === 0);
  }

  #end(status: number, isCut: boolean): void {
    if (this.#facts.isOver) return;
    this.#facts.isOver = true;
    this.onEnd(status, isCut);
  }

  #leave(): void {
    if (this.#facts.isOver || this.#facts.leftAtOrder !== null) return;
    this.#world.order += 1;
    this.#facts.leftAtOrder = this.#world.order;
    this.#world.note(`x${this.#facts.number} leaves`);
    this.#leaving.abort();
    this.#cancel?.();
    this.#end(499, false);
  }

  #wrong(invariant: string, detail: string): void {
    this.#events.failed(new Violation(invariant, `exchange ${this.#facts.number}: ${detail}`));
  }
}

function textOf(body: Uint8Array | string): string {
  return typeof body === "string" ? body : new TextDecoder().decode(body);
}
