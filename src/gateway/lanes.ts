/**
 * The lanes of one provider: an actor for each of its credentials and each family of models that is
 * asked for, started on demand. An edit keeps what the lanes remember unless it bears on what that is
 * about: another address begins anew everywhere, another credential begins anew. Attempts under way
 * keep their lane, whose handle speaks to whichever actor it has now.
 *
 * Bounds: families beyond the bound share one; families in which nothing happens make room.
 */
import { createProviderCommons, type ProviderCommons } from "../../actors/provider-commons.ts";
import type { ProviderInput } from "../../actors/provider-contract.ts";
import {
  isForgettable,
  laneHealth,
  providerInFlight,
  startProvider,
  type ProviderHandle,
} from "../../actors/provider.ts";
import { modelFamily, OTHER_FAMILY } from "../../actors/policy/model-family.ts";
import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { ProviderRow } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import type { Learned } from "./learned.ts";
import type { Presenter } from "./credentials/presenter.ts";
import { withoutScript } from "./prices/simulated.ts";

/**
 * One way into a provider: a credential and a family of models, with the actor that remembers how
 * attempts on it went.
 */
export type Lane = {
  /** Family and position; short, unique within its provider, and no secret. */
  readonly id: string;
  readonly family: string;
  /** Place of the credential among the provider's, from 1; null where it needs none. */
  readonly position: number | null;
  readonly credential: string | null;
  /** null: none is presented. */
  readonly presenter: Presenter | null;
  readonly handle: ProviderHandle;
};

/** A credential that can be used. */
export type Credential = {
  readonly position: number | null;
  /** As it is kept: what tells it from others, and from itself after an edit. */
  readonly sealed: string;
  readonly plain: string | null;
  readonly presenter: Presenter | null;
};

export type LaneDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly learned: Pick<Learned, "inputsOf" | "servicesOf">;
};

/** A lane's place: what everybody holds, and the actor behind it. */
type Seat = { readonly handle: ProviderHandle; actor: ProviderHandle };

/** The lanes of a family in every order that begins with another, and how often they were asked for. */
type Rotation = { readonly orders: readonly (readonly Lane[])[]; turn: number };

/** Turns are counted around: a multiple of every number of credentials up to 16. */
const TURNS = 720_720;

/** Families in which nothing happens are looked for at most this often, whatever clients name. */
const SWEEP_MS = 1_000;

export class Lanes {
  readonly commons: ProviderCommons;
  readonly #deps: LaneDeps;
  readonly #rotations = new Map<string, Rotation>();
  /** By the upstream's name of the model, for looking it up once. */
  readonly #byModel = new Map<string, Rotation>();
  readonly #seats = new Map<string, Seat>();
  #row: ProviderRow;
  #credentials: readonly Credential[];
  #sweptAtMs = 0;

  constructor(deps: LaneDeps, row: ProviderRow, credentials: readonly Credential[]) {
    this.#deps = deps;
    this.#row = row;
    this.#credentials = credentials;
    const { id: providerId } = row;
    this.commons = createProviderCommons({
      providerId,
      learnedInputs: deps.learned.inputsOf(providerId),
      services: deps.learned.servicesOf(providerId),
      atMs: deps.clock.nowMs(),
    });
  }

  /**
   * The lanes that an attempt with this model may take, one for each credential: each time another
   * one first, so that load spreads, and those that rest last.
   */
  lanesFor(model: string): readonly Lane[] {
    const rotation = this.#byModel.get(model) ?? this.#lookUp(model);
    const { orders } = rotation;
    if (orders.length <= 1) return orders[0] ?? [];
    rotation.turn = (rotation.turn + 1) % TURNS;
    return inTurn(rotation, this.#deps.clock.nowMs());
  }

  /** What the next one who asks will get; no turn is taken. */
  lanesNow(model: string): readonly Lane[] {
    const rotation = this.#byModel.get(model) ?? this.#lookUp(model);
    const { orders, turn } = rotation;
    if (orders.length <= 1) return orders[0] ?? [];
    return inTurn({ orders, turn: (turn + 1) % TURNS }, this.#deps.clock.nowMs());
  }

  /** All that have been asked for. */
  all(): readonly Lane[] {
    return [...this.#rotations.values()].flatMap(({ orders }) => orders[0] ?? []);
  }

  /** Follows an edit. */
  update(row: ProviderRow, credentials: readonly Credential[]): void {
    const before = this.#row;
    const kept = new Set(credentials.map(({ sealed }) => sealed));
    this.#row = row;
    this.#credentials = credentials;
    for (const family of this.#rotations.keys()) {
      for (const { sealed } of this.#credentials) {
        const seat = this.#seats.get(seatKey(family, sealed));
        if (seat !== undefined) this.#renew(before, family, seat);
      }
    }
    for (const key of this.#seats.keys()) if (!kept.has(sealedOf(key))) this.#seats.delete(key);
    const families = [...this.#rotations.keys()];
    this.#rotations.clear();
    this.#byModel.clear();
    for (const family of families) this.#rotations.set(family, this.#rotationOf(family));
  }

  stop(): void {
    for (const { actor } of this.#seats.values()) actor.stop();
  }

  #renew(before: ProviderRow, family: string, seat: Seat): void {
    const { row, clock } = { row: this.#row, clock: this.#deps.clock };
    if (before.baseUrl !== row.baseUrl || !seat.actor.isAlive()) {
      this.#replace(family, seat);
      return;
    }
    const to = row.terms.breakerForced ?? null;
    if (to !== (before.terms.breakerForced ?? null)) {
      seat.handle.send({ type: "breaker.force", to, atMs: clock.nowMs() });
    }
  }

  #lookUp(model: string): Rotation {
    const family = modelFamily(withoutScript(model));
    const rotation = this.#rotations.get(family) ?? this.#begin(family);
    // Names are whatever clients write; those that are in use come back at once.
    if (this.#byModel.size >= LIMITS.laneModelsMax) this.#byModel.clear();
    this.#byModel.set(model, rotation);
    return rotation;
  }

  #begin(wanted: string): Rotation {
    if (this.#rotations.size >= LIMITS.providerFamiliesMax) this.#sweep();
    const isFull = this.#rotations.size >= LIMITS.providerFamiliesMax;
    const family = isFull ? OTHER_FAMILY : wanted;
    const there = this.#rotations.get(family);
    if (there !== undefined) return there;
    const rotation = this.#rotationOf(family);
    this.#rotations.set(family, rotation);
    return rotation;
  }

  /** Drops the families in which nothing happens; `other` serves many and stays. */
  #sweep(): void {
    const nowMs = this.#deps.clock.nowMs();
    if (Math.abs(nowMs - this.#sweptAtMs) < SWEEP_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [family, { orders }] of this.#rotations) {
      const lanes = orders[0] ?? [];
      if (family === OTHER_FAMILY) continue;
      if (!lanes.every(({ handle }) => isForgettable(handle, nowMs))) continue;
      this.#rotations.delete(family);
      for (const { sealed } of this.#credentials) this.#seats.delete(seatKey(family, sealed));
    }
    this.#byModel.clear();
  }

  #rotationOf(family: string): Rotation {
    const lanes = this.#credentials.map(({ position, sealed, plain, presenter }): Lane => {
      const id = position === null ? family : `${family}#${position}`;
      const { handle } = this.#seatFor(family, sealed);
      return { id, family, position, credential: plain, presenter, handle };
    });
    const orders = lanes.map((_, first) => [...lanes.slice(first), ...lanes.slice(0, first)]);
    return { orders, turn: -1 };
  }

  #seatFor(family: string, sealed: string): Seat {
    const key = seatKey(family, sealed);
    const there = this.#seats.get(key);
    if (there !== undefined) return there;
    const actor = this.#start(family, [], () => made);
    const made: Seat = { actor, handle: handleOf(() => made.actor) };
    this.#seats.set(key, made);
    return made;
  }

  /** The attempts under way go on in the new actor. */
  #replace(family: string, seat: Seat): void {
    const before = seat.actor;
    seat.actor = this.#start(family, providerInFlight(before), () => seat);
    before.stop();
  }

  #start(family: string, inFlight: readonly string[], seatOf: () => Seat): ProviderHandle {
    const { clock, log } = this.#deps;
    const forced = this.#row.terms.breakerForced ?? null;
    const atMs = clock.nowMs();
    const input: ProviderInput = { commons: this.commons, family, forced, inFlight, atMs };
    const actor = startProvider(input, (error) => {
      log.error("provider.actor.failed", { provider: this.#row.name, family, error });
      // Its memory (breaker, rests) is gone; the lane goes on with a fresh one.
      const seat = seatOf();
      if (seat.actor === actor) this.#replace(family, seat);
    });
    return actor;
  }
}

/** Those that do not rest share the turns evenly. */
function inTurn({ orders, turn }: Rotation, nowMs: number): readonly Lane[] {
  const lanes = orders[0] ?? [];
  const resting = lanes.filter(({ handle }) => laneHealth(handle, nowMs).availableAtMs !== null);
  if (resting.length === 0) return orders[turn % lanes.length] ?? lanes;
  const working = lanes.filter((lane) => !resting.includes(lane));
  const first = working.length === 0 ? 0 : turn % working.length;
  return [...working.slice(first), ...working.slice(0, first), ...resting];
}

/** A sealed credential holds no line feed, so that two different pairs never share a key. */
function seatKey(family: string, sealed: string): string {
  return `${sealed}\n${family}`;
}

function sealedOf(key: string): string {
  return key.slice(0, key.indexOf("\n"));
}

function handleOf(actor: () => ProviderHandle): ProviderHandle {
  return {
    ask: (question) => actor().ask(question),
    send: (event) => actor().send(event),
    isAlive: () => actor().isAlive(),
    stop: () => actor().stop(),
    record: () => actor().record(),
    breaker: () => actor().breaker(),
  };
}
