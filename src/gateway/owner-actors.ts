/**
 * The actors of all owners of rules (tenants, their end users, everyone): built from the ledger when
 * first needed, rebuilt after an edit or a failure, dropped when idle. While one is being built,
 * admissions wait and facts (settlements, ends) are kept and replayed in order, so that no money
 * moves unseen.
 *
 * Invariant: what this process has taken is in `outstanding`, whichever actors know of it; together
 * with the ledger's sums it rebuilds an actor exactly.
 */
import type { OpenHold, SlotOwner, TenantEvent } from "../../actors/contract.ts";
import { startTenant, tenantFills, tenantKnows, type TenantHandle } from "../../actors/tenant.ts";
import type { Clock } from "../base/clock.ts";
import { GatewayError } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import {
  endUserScopeId,
  GLOBAL_SCOPE_ID,
  ownerKey,
  type Owner,
  type ScopeChain,
} from "../base/scope.ts";
import type { Store } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import type { Alerts } from "./alerts.ts";
import type { OwnerBudgets } from "./owner-budgets.ts";
import type { Learned } from "./learned.ts";
import { Outstanding, type GivenBack } from "./outstanding.ts";
import { ownerInput, windowSums, type OwnerRules } from "./owner-input.ts";
import { carriedBy, createEntry, dropPosted, type Entry } from "./owner-entry.ts";
import { isAtRest, longIdle, surplus } from "./passivation.ts";

/** Who knows what is configured for an owner. */
export type OwnersConfigured = {
  /** null when the owner does not exist (any more). */
  readonly rulesOf: (owner: Owner) => OwnerRules | null;
  /** Cheap; where it is false nobody asks the owner, and no actor is kept for it. */
  readonly hasRules: (owner: Owner) => boolean;
  readonly budgets: Pick<OwnerBudgets, "hasEveryone" | "hasEndUser">;
};

export type OwnerActorsParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly configured: OwnersConfigured;
  readonly alerts: Alerts;
  readonly learned: Pick<Learned, "outputsOf">;
};

/** The actors that an exchange asks, in this order; the first is its tenant's. */
export type AskedOwners = readonly [tenant: TenantHandle, ...others: TenantHandle[]];

export class OwnerActors {
  readonly #parts: OwnerActorsParts;
  readonly #entries = new Map<string, Entry>();
  readonly #outstanding = new Outstanding();
  #endUsersAdded = 0;

  constructor(parts: OwnerActorsParts) {
    this.#parts = parts;
  }

  /** The actor, ready to be asked; a promise while it is being built. */
  ready(owner: Owner): TenantHandle | Promise<TenantHandle> {
    const entry = this.#entryOf(owner);
    const { handle, building } = entry;
    if (building !== null) return building;
    // Where the clock went to times that the actor knows nothing of, the ledger does.
    if (handle !== null && tenantKnows(handle, this.#parts.clock.nowMs())) return handle;
    return this.#startBuild(entry);
  }

  /** Every actor with rules for an exchange; a promise to wait for, and ask again, while one is built. */
  allReady(scopes: ScopeChain): AskedOwners | Promise<unknown> {
    const { configured } = this.#parts;
    const { tenantId, endUserId } = scopes;
    const tenant = this.ready({ type: "tenant", tenantId });
    const others: (TenantHandle | Promise<TenantHandle>)[] = [];
    if (endUserId !== null && configured.budgets.hasEndUser(tenantId, endUserId)) {
      others.push(this.ready({ type: "end_user", tenantId, endUserId }));
    }
    if (configured.budgets.hasEveryone()) others.push(this.ready({ type: "everyone" }));
    const built = others.filter((other): other is TenantHandle => !(other instanceof Promise));
    return tenant instanceof Promise || built.length < others.length
      ? Promise.all([tenant, ...others])
      : [tenant, ...built];
  }

  /** An exchange was admitted by all of its owners, with its first hold. */
  noteAdmitted(slot: SlotOwner, hold: OpenHold): void {
    this.#outstanding.admitted(slot, hold);
    this.#noteUse(hold);
  }

  /** A further attempt was given a hold by all of its owners. */
  noteHeld(hold: OpenHold): void {
    this.#outstanding.held(hold);
    this.#noteUse(hold);
  }

  /** From here on the ledger counts the request: called right before its first hold is handed over. */
  noteWritten(tenantId: string, exchangeId: string): void {
    this.#outstanding.noteWritten(tenantId, exchangeId);
  }

  /**
   * A fact that must arrive at every owner of an exchange: kept while an actor is being built. The
   * posting of a settlement must have been handed to the ledger before, so that what the ledger then
   * says contains it. An owner without an actor finds everything there when it gets one.
   */
  tell(scopes: ScopeChain, event: TenantEvent): void {
    const { tenantId, endUserId } = scopes;
    const given = this.#outstanding.resolve(tenantId, event);
    if (event.type === "exchange.undo") this.#tellVoid(scopes, given.holds, event.atMs);
    this.#tellOwner(tenantId, event, given);
    if (endUserId !== null) this.#tellOwner(endUserScopeId(tenantId, endUserId), event, given);
    this.#tellOwner(GLOBAL_SCOPE_ID, event, given);
  }

  /** Rules changed: the actor is built anew; resolves when the new one is in force. */
  async rebuild(owner: Owner): Promise<void> {
    const entry = this.#entries.get(ownerKey(owner));
    // An owner that nobody has asked for yet is built from the new rules anyway.
    if (entry === undefined) return;
    // Of end users there may be thousands: those at rest are built when they ask again.
    const canWait = owner.type === "end_user" && isAtRest(entry, this.#parts.clock.nowMs());
    if (canWait || !this.#parts.configured.hasRules(owner)) {
      this.#drop(entry);
      return;
    }
    if (entry.handle === null && entry.building === null) return;
    try {
      await this.#startBuild(entry);
    } catch {
      // Logged where it failed. The write stands: the next admission builds from the new rules.
    }
  }

  /** Whether an owner's money is in an actor, or taken by requests under way. */
  isInUse(owner: Owner): boolean {
    return this.#entries.has(ownerKey(owner)) || this.#outstanding.holdsOf(owner).length > 0;
  }

  /** The actors in memory. */
  *loaded(): Iterable<readonly [owner: Owner, handle: TenantHandle]> {
    for (const { owner, handle } of this.#entries.values()) {
      if (handle !== null) yield [owner, handle];
    }
  }

  /** Every end user of a tenant that has an actor, or is getting one. */
  endUsersOf(tenantId: string): Owner[] {
    return [...this.#entries.values()]
      .map(({ owner }) => owner)
      .filter((owner) => owner.type === "end_user" && owner.tenantId === tenantId);
  }

  /** Drops every actor that nothing would miss. */
  passivateIdle(): void {
    const atMs = this.#parts.clock.nowMs();
    for (const entry of longIdle([...this.#entries.values()], atMs)) {
      const { owner } = entry;
      const isBusy = owner.type === "tenant" && this.#outstanding.isBusy(owner.tenantId);
      if (!isBusy) this.#drop(entry);
    }
    this.#dropSurplus();
  }

  stop(): void {
    for (const entry of this.#entries.values()) this.#drop(entry);
  }

  #entryOf(owner: Owner): Entry {
    const key = ownerKey(owner);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      // Before it is there, so that it is not the one to go.
      if (owner.type === "end_user") this.#makeRoom();
      entry = createEntry(key, owner, this.#parts.clock.nowMs());
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Looked at once for every tenth of the bound, because looking for the longest idle costs. */
  #makeRoom(): void {
    this.#endUsersAdded += 1;
    if (this.#endUsersAdded * 10 >= LIMITS.endUserActorsMax) this.#dropSurplus();
  }

  #dropSurplus(): void {
    this.#endUsersAdded = 0;
    const atMs = this.#parts.clock.nowMs();
    const surplusEntries = surplus(this.#entries.values(), LIMITS.endUserActorsMax, atMs);
    for (const entry of surplusEntries) this.#drop(entry);
  }

  #noteUse({ scopes, heldAtMs }: OpenHold): void {
    const { tenantId, endUserId } = scopes;
    const tenant = this.#entries.get(tenantId);
    if (tenant !== undefined) tenant.lastUsedAtMs = heldAtMs;
    if (endUserId === null) return;
    const endUser = this.#entries.get(endUserScopeId(tenantId, endUserId));
    if (endUser !== undefined) endUser.lastUsedAtMs = heldAtMs;
  }

  /** An actor that was built after a hold was taken does not know whose exchange it was for. */
  #tellVoid(scopes: ScopeChain, holds: readonly OpenHold[], atMs: number): void {
    for (const { attemptId } of holds) {
      this.tell(scopes, {
        type: "attempt.settle",
        attemptId,
        costNanoUsd: 0,
        observed: null,
        atMs,
      });
    }
  }

  #tellOwner(key: string, event: TenantEvent, given: GivenBack): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.handle === null || entry.building !== null) entry.pending.push({ event, given });
    else this.#deliver(entry.handle, event);
  }

  #deliver(handle: TenantHandle, event: TenantEvent): void {
    handle.send(event);
    if (event.type === "attempt.settle") this.#parts.alerts.take(handle);
  }

  #startBuild(entry: Entry): Promise<TenantHandle> {
    if (entry.handle !== null) this.#retire(entry, entry.handle);
    const building = this.#build(entry);
    entry.building = building;
    building.catch((error: unknown) => {
      // The next admission tries again; what was told meanwhile stays in `pending`.
      if (entry.building === building) entry.building = null;
      // That an owner was deleted is no failure.
      if (this.#entries.get(entry.key) !== entry) return;
      this.#parts.log.error("owner.actor.unbuilt", { owner: entry.owner, error });
    });
    return building;
  }

  async #build(entry: Entry): Promise<TenantHandle> {
    const { store, clock, log, configured, alerts, learned } = this.#parts;
    const { owner } = entry;
    entry.generation += 1;
    const { generation } = entry;
    const rules = configured.rulesOf(owner);
    if (rules === null) {
      this.#drop(entry);
      throw new GatewayError("invalid_api_key");
    }
    const health = store.health();
    // Sums read while postings wait for a broken disk would be too low.
    if (!health.ok) throw new GatewayError("ledger_unavailable", {}, health.detail);
    const atMs = clock.nowMs();
    dropPosted(entry);
    const state = await store.ownerState(owner, windowSums(rules.budgets, atMs));
    // A later rebuild has overtaken this one: its rules are the newer ones.
    if (generation !== entry.generation) return await this.ready(owner);
    const carried = {
      ...carriedBy(entry, this.#outstanding),
      learnedOutputs: owner.type === "tenant" ? learned.outputsOf(owner.tenantId) : null,
    };
    const handle = startTenant(ownerInput(owner, rules, state, carried, atMs), (error) => {
      log.error("owner.actor.failed", { owner, error });
      if (entry.handle === handle) this.#retire(entry, handle);
    });
    entry.handle = handle;
    entry.building = null;
    alerts.take(handle);
    for (const { event } of entry.pending.splice(0)) this.#deliver(handle, event);
    return handle;
  }

  /** Keeps of an actor what the one after it goes on with. */
  #retire(entry: Entry, handle: TenantHandle): void {
    this.#parts.alerts.take(handle);
    entry.fills = tenantFills(handle);
    entry.handle = null;
    handle.stop();
  }

  /** Whatever build is under way, it is overtaken; the next who asks begins anew. */
  #drop(entry: Entry): void {
    entry.generation += 1;
    this.#entries.delete(entry.key);
    if (entry.handle !== null) this.#retire(entry, entry.handle);
  }
}
