/**
 * How many of the exchanges in flight may be one tenant's: at most four times as many as are free. A
 * tenant that is alone gets four fifths of the room, two that want everything four ninths each, and
 * some always stays free for the next one. The rule is that of dynamic thresholds for shared-memory
 * switches (Choudhury and Hahne, 1998). It counts every exchange, also those that no limit counts
 * because they get what another one has paid for.
 */
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";

/** Times what is free. */
const SHARE = 4;

export class TenantShares {
  readonly #counts = new Map<string, number>();

  /** False, and nothing is taken, where the tenant has its share; `inFlight`: everybody's, this one's included. */
  enter(tenantId: string, inFlight: number): boolean {
    const own = this.#counts.get(tenantId) ?? 0;
    if (own >= SHARE * (LIMITS.exchangesInFlightMax - inFlight)) return false;
    this.#counts.set(tenantId, own + 1);
    return true;
  }

  leave(tenantId: string): void {
    const own = this.#counts.get(tenantId) ?? 0;
    assert(own > 0, "an exchange left a tenant that it had not entered");
    if (own === 1) this.#counts.delete(tenantId);
    else this.#counts.set(tenantId, own - 1);
  }

  /** Tenants that have anything in flight. */
  get size(): number {
    return this.#counts.size;
  }
}
