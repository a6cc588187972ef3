/**
 * The last requests, bounded in number and in the bytes of the bodies they keep. Old ones make way
 * for new ones; a lookup never shows the order of arrival wrongly.
 */

import type { Received } from "./received.ts";

/** A ring of requests. */
export class RecentRequests {
  readonly #capacity: number;
  readonly #keptBytesMax: number;
  #ring: Received[] = [];
  #oldest = 0;
  #withBody: Received[] = [];
  #keptBytes = 0;

  constructor(capacity: number, keptBytesMax: number) {
    this.#capacity = capacity;
    this.#keptBytesMax = keptBytesMax;
  }

  add(received: Received): void {
    if (this.#ring.length < this.#capacity) {
      this.#ring.push(received);
      return;
    }
    this.#ring[this.#oldest] = received;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
  }

  /** Keeps the bytes of a body, at the cost of the oldest bodies when they become too many. */
  keepBody(received: Received, body: Uint8Array): void {
    received.body = body;
    this.#withBody.push(received);
    this.#keptBytes += body.byteLength;
    while (this.#keptBytes > this.#keptBytesMax || this.#withBody.length > this.#capacity) {
      const oldest = this.#withBody.shift();
      this.#keptBytes -= oldest?.body?.byteLength ?? 0;
      if (oldest !== undefined) {
        oldest.body = undefined;
      }
    }
  }

  /** In the order of arrival. */
  list(): Received[] {
    return [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)];
  }

  clear(): void {
    this.#ring = [];
    this.#oldest = 0;
    this.#withBody = [];
    this.#keptBytes = 0;
  }
}
