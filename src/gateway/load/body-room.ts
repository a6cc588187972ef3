/**
 * Room for client bodies that are on their way: thousands of slow senders must not fill the memory.
 * Bytes are taken as they come, whatever length was declared, and given back when the body has been
 * read, whatever became of it.
 *
 * Invariants: all together never hold more than there is. A small body always finds room, because as
 * many of them as there can be exchanges fit beside the large ones. Of the room for large ones a
 * tenant has at most four times what is free, as of the exchanges (src/gateway/load/tenant-shares.ts):
 * bodies that stop half-way, all of one tenant, leave room for everybody else's.
 */
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";

/** Bytes that large bodies may have: the rest is what small ones can need. */
export const LARGE_BODIES_BYTES =
  LIMITS.bodiesReadingBytesMax - LIMITS.exchangesInFlightMax * LIMITS.bodySmallBytesMax;

/** Times what is free. */
const SHARE = 4;

/** What one body has of the room. */
export type BodyPlace = {
  /** False when there is no room for so many more bytes, or when the place was left; nothing is taken then. */
  readonly take: (bytes: number) => boolean;
  /** Gives all of it back. */
  readonly leave: () => void;
};

export class BodyRoom {
  readonly #bytesOf = new Map<string, number>();
  #takenBytes = 0;

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** A place for one more body, in which nothing is yet; leave it in the end. */
  enter(tenantId: string): BodyPlace {
    let ownBytes = 0;
    let isLeft = false;
    return {
      take: (bytes) => {
        if (isLeft || !this.#hasRoom(tenantId, bytes, ownBytes + bytes)) return false;
        this.#add(tenantId, bytes);
        ownBytes += bytes;
        return true;
      },
      leave: () => {
        isLeft = true;
        this.#add(tenantId, -ownBytes);
        ownBytes = 0;
      },
    };
  }

  #hasRoom(tenantId: string, bytes: number, bodyBytes: number): boolean {
    const taken = this.#takenBytes + bytes;
    if (bodyBytes <= LIMITS.bodySmallBytesMax) return taken <= LIMITS.bodiesReadingBytesMax;
    const tenants = (this.#bytesOf.get(tenantId) ?? 0) + bytes;
    return tenants <= SHARE * (LARGE_BODIES_BYTES - taken);
  }

  #add(tenantId: string, bytes: number): void {
    this.#takenBytes += bytes;
    const tenants = (this.#bytesOf.get(tenantId) ?? 0) + bytes;
    assert(tenants >= 0, "more room was given back than was taken");
    if (tenants === 0) this.#bytesOf.delete(tenantId);
    else this.#bytesOf.set(tenantId, tenants);
  }
}
