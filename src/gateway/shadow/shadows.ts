/**
 * Shadow traffic: copies of requests for targets whose answers nobody sees. A copy is made when the
 * exchange it copies has been dispatched, which never waits for it and never learns of it.
 *
 * Bounds: so many at once, and so many bytes of bodies that they keep from being let go.
 */
import { laneHealth } from "../../../actors/provider.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ClientRequest } from "../../dialects/contract.ts";
import type { ClientCall } from "../exchange.ts";
import type { Candidate } from "../resolve.ts";

/** The request that is copied. */
export type Mirrored = {
  readonly requestId: string;
  readonly routeId: string | null;
  readonly call: Pick<ClientCall, "dialect" | "codec" | "place" | "query" | "headers">;
  readonly request: ClientRequest;
};

export type ShadowParts = {
  /** Sends one copy and accounts for it; never rejects. */
  readonly run: (mirrored: Mirrored, candidate: Candidate) => Promise<void>;
  /** Whether there is anything to spare for what nobody waits for. */
  readonly isAllowed: () => boolean;
  readonly draw: () => number;
  readonly nowMs: () => number;
  /** Told of a copy that is not made for want of room. */
  readonly onSkipped: (candidate: Candidate) => void;
};

export class Shadows {
  readonly #parts: ShadowParts;
  #count = 0;
  #bytes = 0;

  constructor(parts: ShadowParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#count;
  }

  /** `candidates`: the shadows of a route, the lanes of each next to each other. */
  mirror(mirrored: Mirrored, candidates: readonly Candidate[]): void {
    // What is not in memory lasts no longer than its exchange.
    if (mirrored.request.form !== undefined && mirrored.request.bytes.byteLength === 0) return;
    let before: Candidate["target"] = null;
    for (const { target } of candidates) {
      if (target === null || target === before) continue;
      before = target;
      if (this.#parts.draw() * 100 >= (target.percent ?? 100)) continue;
      const lanes = candidates.filter((candidate) => candidate.target === target);
      this.#send(mirrored, lanes);
    }
  }

  #send(mirrored: Mirrored, lanes: readonly Candidate[]): void {
    const atMs = this.#parts.nowMs();
    const able = lanes.find(({ lane }) => laneHealth(lane.handle, atMs).availableAtMs === null);
    const bytes = mirrored.request.bytes.byteLength;
    if (able === undefined || !this.#hasRoom(bytes) || !this.#parts.isAllowed()) {
      const [first] = lanes;
      if (first !== undefined) this.#parts.onSkipped(able ?? first);
      return;
    }
    this.#count += 1;
    this.#bytes += bytes;
    void this.#parts.run(mirrored, able).finally(() => {
      this.#count -= 1;
      this.#bytes -= bytes;
    });
  }

  #hasRoom(bytes: number): boolean {
    return this.#count < LIMITS.shadowsMax && this.#bytes + bytes <= LIMITS.shadowBytesMax;
  }
}
