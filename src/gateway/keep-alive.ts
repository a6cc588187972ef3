/**
 * Comments on a stream that is silent towards its client, so that nothing in between takes the connection
 * for dead. A comment is an event of its own, never within another, and every reader of server-sent events
 * passes it over (white space is what readers of other streams pass over); it is no content, and no clock of
 * the provider's hears of it.
 */
import { LIMITS } from "../base/limits.ts";
import { keepAlivePart } from "../dialects/framing.ts";
import type { Admitted } from "./admit.ts";
import type { Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { send } from "./client-stream.ts";
import type { Sink } from "./sink.ts";
import type { Deadline } from "./watchdog.ts";

export class KeepAlive {
  readonly #exchange: Exchange;
  readonly #sink: Sink;
  readonly #silenceMs: number;
  readonly #deadline: Deadline;
  #isStopped = false;

  constructor({ watchdog }: Gateway, exchange: Exchange, sink: Sink, silenceMs: number) {
    this.#exchange = exchange;
    this.#sink = sink;
    this.#silenceMs = silenceMs;
    this.#deadline = watchdog.deadline(() => this.comment());
  }

  /** Something was sent just now, and all of it was taken. */
  sent(): void {
    if (!this.#isStopped) this.#deadline.arm(this.#silenceMs);
  }

  /** Bytes wait for a slow client: it hears from us as soon as it reads. */
  pause(): void {
    this.#deadline.pause();
  }

  comment(): void {
    if (this.#exchange.clientGone) return;
    const part = keepAlivePart(this.#exchange.call.codec);
    const unwritten = send(this.#exchange, this.#sink, [part]);
    // A client that reads no more is sent no further comment until it took this one: none pile up.
    if (unwritten === null) this.sent();
    else void unwritten.then(() => this.sent());
  }

  stop(): void {
    this.#isStopped = true;
    this.#deadline.disarm();
  }
}

/** Silence after which a client of this route hears a comment; 0: never. */
export function keepAliveMsOf({ terms }: Admitted): number {
  return terms.keepAliveMs ?? LIMITS.keepAliveMs;
}

/** null where a stream may be silent as long as it likes, or nobody is there to hear. */
export function keepAliveOf(
  gateway: Gateway,
  exchange: Exchange,
  sink: Sink | null,
  silenceMs: number,
): KeepAlive | null {
  return sink === null || silenceMs === 0
    ? null
    : new KeepAlive(gateway, exchange, sink, silenceMs);
}
