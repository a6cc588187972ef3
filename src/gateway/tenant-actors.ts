/**
 * The tenant actors by id: built from the ledger when first needed, rebuilt after an edit or a
 * failure, dropped when idle. While one is being built, admissions wait and facts (settlements,
 * ends) are kept and replayed in order, so that no money moves unseen.
 *
 * Invariant: every attempt of this process without a settlement is in `live`, and every exchange
 * with slots in `slots`; together with the ledger's sums they rebuild an actor exactly.
 */
import type {
  BucketFill,
  OpenHold,
  SlotOwner,
  TenantEvent,
  TenantVerdict,
} from "../../actors/contract.ts";
import type { LearnedOutputs } from "../../actors/policy/learned-output.ts";
import {
  isTenantIdle,
  startTenant,
  tenantFills,
  tenantLearnedOutputs,
  type TenantHandle,
} from "../../actors/tenant.ts";
import type { Clock } from "../base/clock.ts";
import { GatewayError } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { ScopeChain } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import type { Store } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import { tenantInput, windowSums, type TenantRules } from "./tenant-input.ts";

type Entry = {
  handle: TenantHandle | null;
  building: Promise<TenantHandle> | null;
  /** Counts rebuilds, so that an older build that ends late is dropped. */
  generation: number;
  readonly pending: TenantEvent[];
  readonly live: Map<string, OpenHold>;
  readonly slots: Map<string, SlotOwner>;
  /** Exchanges whose first hold has not been handed to the ledger, by their access token. */
  readonly unwritten: Map<string, string>;
  fills: readonly BucketFill[];
  learnedOutputs: LearnedOutputs | null;
  lastUsedAtMs: number;
};

type Admission = Extract<TenantEvent, { type: "exchange.admit" }>;
type FurtherHold = Extract<TenantEvent, { type: "attempt.hold" }>;

export type TenantActorsParts = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** null when the tenant does not exist (any more). */
  readonly rules: (tenantId: string) => TenantRules | null;
};

export class TenantActors {
  readonly #parts: TenantActorsParts;
  readonly #entries = new Map<string, Entry>();

  constructor(parts: TenantActorsParts) {
    this.#parts = parts;
  }

  /** The actor, ready to be asked; a promise while it is being built. */
  ready(tenantId: string): TenantHandle | Promise<TenantHandle> {
    const entry = this.#entryOf(tenantId);
    if (entry.handle !== null && entry.building === null) return entry.handle;
    return entry.building ?? this.#startBuild(tenantId, entry);
  }

  /** Rates, slots and the first hold of an exchange: all or nothing. */
  admit(handle: TenantHandle, event: Admission): TenantVerdict {
    const verdict = handle.ask(event);
    if (!verdict.allowed) return verdict;
    const { exchangeId, scopes, tokens } = event;
    const entry = this.#entryOf(scopes.tenantId);
    entry.slots.set(exchangeId, { exchangeId, scopes, tokens });
    entry.unwritten.set(exchangeId, scopes.tokenId);
    entry.lastUsedAtMs = event.atMs;
    entry.live.set(event.attemptId, liveHold(event, scopes, verdict.value.heldNanoUsd));
    return verdict;
  }

  /** The hold of a further attempt. */
  hold(handle: TenantHandle, scopes: ScopeChain, event: FurtherHold): TenantVerdict {
    const verdict = handle.ask(event);
    if (!verdict.allowed) return verdict;
    const { live } = this.#entryOf(scopes.tenantId);
    live.set(event.attemptId, liveHold(event, scopes, verdict.value.heldNanoUsd));
    return verdict;
  }

  /** From here on the ledger counts the request: called right before its first hold is handed over. */
  noteWritten(tenantId: string, exchangeId: string): void {
    this.#entryOf(tenantId).unwritten.delete(exchangeId);
  }

  /**
   * A fact that must arrive: kept while the actor is being built. The posting of a settlement must
   * have been handed to the ledger before, so that what the ledger then says contains it.
   */
  tell(tenantId: string, event: TenantEvent): void {
    const entry = this.#entryOf(tenantId);
    if (entry.handle !== null && entry.building === null) {
      deliver(entry, entry.handle, event);
      return;
    }
    entry.pending.push(event);
    if (entry.building === null) void this.#startBuild(tenantId, entry);
  }

  /** Rules changed: the actor is built anew; resolves when the new one is in force. */
  async rebuild(tenantId: string): Promise<void> {
    const entry = this.#entries.get(tenantId);
    // A tenant that nobody has asked for yet is built from the new rules anyway.
    if (entry === undefined || (entry.handle === null && entry.building === null)) return;
    try {
      await this.#startBuild(tenantId, entry);
    } catch {
      // Logged where it failed. The write stands: the next admission builds from the new rules.
    }
  }

  forget(tenantId: string): void {
    this.#entries.get(tenantId)?.handle?.stop();
    this.#entries.delete(tenantId);
  }

  /** The actors in memory. */
  *loaded(): Iterable<readonly [tenantId: string, handle: TenantHandle]> {
    for (const [tenantId, entry] of this.#entries) {
      if (entry.handle !== null) yield [tenantId, entry.handle];
    }
  }

  /** Drops every actor that nothing would miss. */
  passivateIdle(): void {
    const atMs = this.#parts.clock.nowMs();
    for (const [tenantId, entry] of this.#entries) {
      const isBusy = entry.building !== null || entry.live.size > 0 || entry.slots.size > 0;
      if (isBusy || atMs - entry.lastUsedAtMs < LIMITS.tenantIdleMs) continue;
      if (entry.handle === null || !isTenantIdle(entry.handle, atMs)) continue;
      entry.handle.stop();
      this.#entries.delete(tenantId);
    }
  }

  #entryOf(tenantId: string): Entry {
    let entry = this.#entries.get(tenantId);
    if (entry === undefined) {
      entry = {
        handle: null,
        building: null,
        generation: 0,
        pending: [],
        live: new Map(),
        slots: new Map(),
        unwritten: new Map(),
        fills: [],
        learnedOutputs: null,
        lastUsedAtMs: this.#parts.clock.nowMs(),
      };
      this.#entries.set(tenantId, entry);
    }
    return entry;
  }

  #startBuild(tenantId: string, entry: Entry): Promise<TenantHandle> {
    if (entry.handle !== null) retire(entry, entry.handle);
    const building = this.#build(tenantId, entry);
    entry.building = building;
    building.catch((error: unknown) => {
      // The next admission tries again; what was told meanwhile stays in `pending`.
      if (entry.building === building) entry.building = null;
      this.#parts.log.error("tenant.actor.unbuilt", { tenantId, error });
    });
    return building;
  }

  async #build(tenantId: string, entry: Entry): Promise<TenantHandle> {
    const { store, clock, log, rules: rulesOf } = this.#parts;
    entry.generation += 1;
    const { generation } = entry;
    const rules = rulesOf(tenantId);
    if (rules === null) throw new GatewayError("invalid_api_key");
    const health = store.health();
    // Sums read while postings wait for a broken disk would be too low.
    if (!health.ok) throw new GatewayError("ledger_unavailable", {}, health.detail);
    const atMs = clock.nowMs();
    dropPosted(entry);
    const state = await store.tenantState(tenantId, windowSums(rules.budgets, atMs));
    // A later rebuild has overtaken this one: its rules are the newer ones.
    if (generation !== entry.generation) return await this.ready(tenantId);
    const input = tenantInput(tenantId, rules, state, entry, atMs);
    const handle = startTenant(input, (error) => {
      log.error("tenant.actor.failed", { tenantId, error });
      if (entry.handle === handle) retire(entry, handle);
    });
    entry.handle = handle;
    entry.building = null;
    for (const event of entry.pending.splice(0)) deliver(entry, handle, event);
    return handle;
  }
}

function liveHold(
  { attemptId, exchangeId, atMs }: Admission | FurtherHold,
  scopes: ScopeChain,
  heldNanoUsd: NanoUsd,
): OpenHold {
  return { attemptId, exchangeId, scopes, heldNanoUsd, heldAtMs: atMs };
}

/** Keeps of an actor what the one after it goes on with. */
function retire(entry: Entry, handle: TenantHandle): void {
  entry.fills = tenantFills(handle);
  entry.learnedOutputs = tenantLearnedOutputs(handle);
  entry.handle = null;
  handle.stop();
}

/**
 * What was settled before the ledger is asked is in its answer: counting it again when the facts are
 * replayed would post it twice.
 */
function dropPosted({ pending, live }: Entry): void {
  const kept = pending.filter((event) => {
    if (event.type === "attempt.settle") live.delete(event.attemptId);
    return event.type !== "attempt.settle";
  });
  pending.splice(0, pending.length, ...kept);
}

/** Hands a fact to the actor and forgets what it resolves, in this order. */
function deliver(entry: Entry, handle: TenantHandle, event: TenantEvent): void {
  handle.send(event);
  if (event.type === "attempt.settle") entry.live.delete(event.attemptId);
  if (event.type === "exchange.end" || event.type === "exchange.undo") {
    entry.slots.delete(event.exchangeId);
    entry.unwritten.delete(event.exchangeId);
  }
  if (event.type === "exchange.undo") {
    for (const [attemptId, hold] of entry.live) {
      if (hold.exchangeId === event.exchangeId) entry.live.delete(attemptId);
    }
  }
}

/** How often idle tenants are looked for. */
export const PASSIVATION_PERIOD_MS = LIMITS.tenantIdleMs / 10;
