/**
 * Keeps the truth: every request is received once and ended once, whatever happens in between.
 * Tests wait for what they expect with {@link Tally.until} and never sleep.
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../src/base/clock.ts";
import { Counts, type UpstreamStats } from "./counts.ts";
import type { Received } from "./received.ts";
import { RecentRequests } from "./recent.ts";

/** All kept bodies together. */
const keptBytesMax = 256 * 1_024 * 1_024;

/** What a test waits for. */
type Claim = (stats: UpstreamStats) => boolean;
type Wait = { readonly claim: Claim; readonly fulfil: (stats: UpstreamStats) => void };

type TallyOptions = {
  readonly clock: Clock;
  /** How many requests are remembered. */
  readonly requestsMax: number;
  readonly keepBodies: boolean;
};

/** The counters and the last requests of one server. */
export class Tally {
  keepBodies: boolean;
  readonly #clock: Clock;
  readonly #recent: RecentRequests;
  #counts = new Counts(0);
  #inFlight = 0;
  #number = 0;
  #numberAtReset = 0;
  #waits: Wait[] = [];

  constructor(options: TallyOptions) {
    this.#clock = options.clock;
    this.keepBodies = options.keepBodies;
    this.#recent = new RecentRequests(options.requestsMax, keptBytesMax);
  }

  /** A request's headers have arrived. */
  receive(method: string, path: string, headers: IncomingHttpHeaders): Received {
    this.#number += 1;
    const received: Received = {
      number: this.#number,
      method,
      path,
      headers,
      receivedAtMs: this.#clock.nowMs(),
      bodyBytes: 0,
      body: undefined,
      model: "",
      script: "",
      isStream: false,
      status: 0,
      tokensGenerated: 0,
      promptTokens: 0,
      usage: undefined,
      bodyBytesSent: 0,
      firstByteAtMs: undefined,
      endedAtMs: undefined,
      isCompleted: false,
      isClosedEarly: false,
      isCut: false,
    };
    this.#recent.add(received);
    this.#inFlight += 1;
    this.#counts.requests += 1;
    this.#counts.inFlightMax = Math.max(this.#counts.inFlightMax, this.#inFlight);
    this.#counts.countPath(path);
    this.#tellWaits();
    return received;
  }

  /** The whole request body has arrived. */
  bodyArrived(received: Received, body: Uint8Array): void {
    received.bodyBytes = body.byteLength;
    this.#counts.requestBytes += this.#isCounted(received) ? body.byteLength : 0;
    if (this.keepBodies) {
      this.#recent.keepBody(received, body);
    }
    this.#tellWaits();
  }

  /** The body named a model. */
  modelKnown(received: Received, model: string): void {
    received.model = model;
    if (this.#isCounted(received)) {
      this.#counts.countModel(model);
    }
  }

  /** The answer's headers leave now. */
  answering(received: Received, status: number): void {
    received.status = status;
    received.firstByteAtMs = this.#clock.nowMs();
    if (this.#isCounted(received)) {
      this.#counts.countStatus(status);
    }
    this.#tellWaits();
  }

  /** The answer is complete, or its connection is gone; called once for each request. */
  ended(received: Received, isFinished: boolean): void {
    received.endedAtMs = this.#clock.nowMs();
    received.isCompleted = isFinished && !received.isCut;
    received.isClosedEarly = !isFinished && !received.isCut;
    this.#inFlight -= 1;
    if (this.#isCounted(received)) {
      this.#counts.countEnd(received);
    }
    this.#tellWaits();
  }

  stats(): UpstreamStats {
    return this.#counts.snapshot(this.#inFlight);
  }

  /** In the order of arrival. */
  requests(): readonly Received[] {
    return this.#recent.list();
  }

  /** Zero again; requests in flight stay in flight. */
  reset(): void {
    this.#numberAtReset = this.#number;
    this.#counts = new Counts(this.#inFlight);
    this.#recent.clear();
    this.#tellWaits();
  }

  /** Resolves with the stats as soon as `claim` holds; rejects with the stats after `waitMsMax`. */
  until(claim: Claim, waitMsMax: number): Promise<UpstreamStats> {
    const now = this.stats();
    if (claim(now)) {
      return Promise.resolve(now);
    }
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        claim,
        fulfil: (stats) => {
          timer.cancel();
          resolve(stats);
        },
      };
      const timer = this.#clock.after(waitMsMax, () => {
        this.#waits = this.#waits.filter((other) => other !== wait);
        const seen = JSON.stringify(this.stats());
        reject(new Error(`the upstream did not come to this within ${waitMsMax} ms: ${seen}`));
      });
      this.#waits.push(wait);
    });
  }

  /** What came before the reset is not counted after it. */
  #isCounted(received: Received): boolean {
    return received.number > this.#numberAtReset;
  }

  /** Called at every change; costs nothing while nobody waits. */
  #tellWaits(): void {
    if (this.#waits.length === 0) {
      return;
    }
    const stats = this.stats();
    const fulfilled = this.#waits.filter((wait) => wait.claim(stats));
    this.#waits = this.#waits.filter((wait) => !fulfilled.includes(wait));
    for (const wait of fulfilled) {
      wait.fulfil(stats);
    }
  }
}
