/**
 * What this process has taken and not given back: holds of attempts without a settlement, slots of
 * exchanges, first holds that the ledger has not been handed. Kept by tenant, whichever actors took
 * part: with the ledger's sums it rebuilds any owner's actor exactly, one that is first needed while
 * requests run included.
 */
import type { OpenHold, SlotOwner, TenantEvent } from "../../actors/contract.ts";
import type { Owner } from "../base/scope.ts";

type OfTenant = {
  readonly holds: Map<string, OpenHold>;
  readonly slots: Map<string, SlotOwner>;
  /** Access tokens by the exchange whose first hold has not been handed to the ledger. */
  readonly unwritten: Map<string, string>;
};

/** What a fact gives back, for an actor that is being built and must find it to give it back too. */
export type GivenBack = {
  readonly holds: readonly OpenHold[];
  readonly slot: SlotOwner | null;
};

const NOTHING: GivenBack = { holds: [], slot: null };

export class Outstanding {
  readonly #tenants = new Map<string, OfTenant>();

  /** An exchange was admitted, with its first hold. */
  admitted(slot: SlotOwner, hold: OpenHold): void {
    const { slots, unwritten } = this.#tookHold(hold);
    slots.set(slot.exchangeId, slot);
    unwritten.set(slot.exchangeId, slot.scopes.tokenId);
  }

  /** A further attempt was given a hold. */
  held(hold: OpenHold): void {
    this.#tookHold(hold);
  }

  /** From here on the ledger counts the request: called right before its first hold is handed over. */
  noteWritten(tenantId: string, exchangeId: string): void {
    this.#tenants.get(tenantId)?.unwritten.delete(exchangeId);
  }

  /** Forgets what a fact of a tenant's exchange resolves, and answers with it. */
  resolve(tenantId: string, event: TenantEvent): GivenBack {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return NOTHING;
    const given = resolveIn(tenant, event);
    if (tenant.holds.size === 0 && tenant.slots.size === 0) this.#tenants.delete(tenantId);
    return given;
  }

  /** Holds that count in an owner's budgets. */
  holdsOf(owner: Owner): OpenHold[] {
    if (owner.type === "everyone") {
      return [...this.#tenants.values()].flatMap(({ holds }) => [...holds.values()]);
    }
    const holds = [...(this.#tenants.get(owner.tenantId)?.holds.values() ?? [])];
    return owner.type === "tenant"
      ? holds
      : holds.filter(({ scopes }) => scopes.endUserId === owner.endUserId);
  }

  /** Slots are kept by tenants' actors alone. */
  slotsOf(owner: Owner): SlotOwner[] {
    return owner.type === "tenant"
      ? [...(this.#tenants.get(owner.tenantId)?.slots.values() ?? [])]
      : [];
  }

  unwrittenTokenIdsOf(owner: Owner): string[] {
    return owner.type === "tenant"
      ? [...(this.#tenants.get(owner.tenantId)?.unwritten.values() ?? [])]
      : [];
  }

  /** Has a tenant any request under way? */
  isBusy(tenantId: string): boolean {
    return this.#tenants.has(tenantId);
  }

  #tookHold(hold: OpenHold): OfTenant {
    const { tenantId } = hold.scopes;
    let tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) {
      tenant = { holds: new Map(), slots: new Map(), unwritten: new Map() };
      this.#tenants.set(tenantId, tenant);
    }
    tenant.holds.set(hold.attemptId, hold);
    return tenant;
  }
}

function resolveIn({ holds, slots, unwritten }: OfTenant, event: TenantEvent): GivenBack {
  if (event.type === "attempt.settle") {
    const hold = holds.get(event.attemptId);
    holds.delete(event.attemptId);
    return hold === undefined ? NOTHING : { holds: [hold], slot: null };
  }
  if (event.type !== "exchange.end" && event.type !== "exchange.undo") return NOTHING;
  const { exchangeId } = event;
  const slot = slots.get(exchangeId) ?? null;
  slots.delete(exchangeId);
  unwritten.delete(exchangeId);
  if (event.type === "exchange.end") return { holds: [], slot };
  const undone = [...holds.values()].filter((hold) => hold.exchangeId === exchangeId);
  for (const { attemptId } of undone) holds.delete(attemptId);
  return { holds: undone, slot };
}
