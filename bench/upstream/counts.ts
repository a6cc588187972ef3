/**
 * The counters of the simulated provider. A request is counted when its headers arrived and once
 * more when its end is known. A reset starts new counters: requests that came before stay in
 * flight, but what becomes of them is no longer counted.
 */

import type { Received } from "./received.ts";

/** All counters at one moment, since the start or the last reset. */
export type UpstreamStats = {
  readonly requests: number;
  readonly inFlight: number;
  readonly inFlightMax: number;
  /** Answers of any status that were handed over to their end. */
  readonly completed: number;
  /** Connections that the client closed before the answer was complete. */
  readonly closedEarly: number;
  /** Connections that a script made us drop. */
  readonly cut: number;
  readonly requestBytes: number;
  /** Bytes of answer bodies, without headers and chunk framing. */
  readonly bodyBytesSent: number;
  readonly tokensGenerated: number;
  /** Sums of what answers reported as used. */
  readonly promptTokensReported: number;
  readonly completionTokensReported: number;
  readonly byPath: Readonly<Record<string, number>>;
  readonly byModel: Readonly<Record<string, number>>;
  /** By the status that was sent, at the moment its headers left. */
  readonly byStatus: Readonly<Record<string, number>>;
};

/** Names come from clients; beyond this many they are counted together. */
const namesMax = 1_000;
const otherNames = "(other)";

/** The counters between two resets. */
export class Counts {
  requests = 0;
  completed = 0;
  closedEarly = 0;
  cut = 0;
  inFlightMax: number;
  requestBytes = 0;
  bodyBytesSent = 0;
  tokensGenerated = 0;
  promptTokensReported = 0;
  completionTokensReported = 0;
  readonly #byPath = new Map<string, number>();
  readonly #byModel = new Map<string, number>();
  readonly #byStatus = new Map<string, number>();

  constructor(inFlight: number) {
    this.inFlightMax = inFlight;
  }

  countPath(path: string): void {
    countName(this.#byPath, path);
  }

  countModel(model: string): void {
    countName(this.#byModel, model);
  }

  countStatus(status: number): void {
    countName(this.#byStatus, String(status));
  }

  /** Adds what is known of a request at its end. */
  countEnd(received: Received): void {
    this.completed += received.isCompleted ? 1 : 0;
    this.closedEarly += received.isClosedEarly ? 1 : 0;
    this.cut += received.isCut ? 1 : 0;
    this.bodyBytesSent += received.bodyBytesSent;
    this.tokensGenerated += received.tokensGenerated;
    this.promptTokensReported += received.usage?.promptTokens ?? 0;
    this.completionTokensReported += received.usage?.completionTokens ?? 0;
  }

  /** A copy that later requests do not change. */
  snapshot(inFlight: number): UpstreamStats {
    return {
      requests: this.requests,
      inFlight,
      inFlightMax: this.inFlightMax,
      completed: this.completed,
      closedEarly: this.closedEarly,
      cut: this.cut,
      requestBytes: this.requestBytes,
      bodyBytesSent: this.bodyBytesSent,
      tokensGenerated: this.tokensGenerated,
      promptTokensReported: this.promptTokensReported,
      completionTokensReported: this.completionTokensReported,
      byPath: Object.fromEntries(this.#byPath),
      byModel: Object.fromEntries(this.#byModel),
      byStatus: Object.fromEntries(this.#byStatus),
    };
  }
}

/** Counts by name, for a bounded number of names. */
function countName(counts: Map<string, number>, name: string): void {
  const known = counts.get(name);
  if (known !== undefined || counts.size < namesMax) {
    counts.set(name, (known ?? 0) + 1);
  } else {
    counts.set(otherNames, (counts.get(otherNames) ?? 0) + 1);
  }
}
