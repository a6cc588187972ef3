/**
 * The provider actors by id and by name, each beside its row and its credential in plain text (in
 * memory only). An edit or a failure may replace an actor; attempts under way keep their entry, whose
 * handle speaks to whichever actor the provider has now, and take their slots along.
 */
import { providerInFlight, startProvider, type ProviderHandle } from "../../actors/provider.ts";
import type { Clock } from "../base/clock.ts";
import type { ProviderRow } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import type { LearnedSizes } from "./learned-sizes.ts";
import { outputCapMember, type OutputCapMember } from "./quirks.ts";

/**
 * One way into a provider: a credential and a family of models, with the actor that remembers how
 * attempts on it went.
 */
export type Lane = {
  readonly credential: string | null;
  readonly handle: ProviderHandle;
};

export type ProviderEntry = {
  readonly row: ProviderRow;
  /** The lanes that an attempt with this upstream model may take. */
  readonly lanesFor: (model: string) => readonly Lane[];
  /** All lanes that there are now. */
  readonly lanes: () => readonly Lane[];
  /** The member in which this provider takes an output limit. */
  readonly outputCapMember: OutputCapMember;
};

export interface ProviderActors {
  readonly byId: (id: string) => ProviderEntry | null;
  readonly byName: (name: string) => ProviderEntry | null;
  readonly all: () => Iterable<ProviderEntry>;
  /** Follows a committed write: `row` null removes. */
  readonly apply: (id: string, row: ProviderRow | null) => void;
  readonly stop: () => void;
}

/** A provider's place: what everybody holds, and the actor behind it. */
type Seat = { readonly handle: ProviderHandle; actor: ProviderHandle };

export function createProviderActors(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly learned: Pick<LearnedSizes, "inputsOf">;
  readonly unseal: (row: ProviderRow) => string | null;
}): ProviderActors {
  const { unseal, log } = deps;
  const entries = new Map<string, ProviderEntry>();
  const names = new Map<string, ProviderEntry>();
  const seats = new Map<string, Seat>();

  const entryFor = (row: ProviderRow, old: ProviderEntry | undefined): ProviderEntry => {
    const { handle } = seatFor(deps, seats, row, old);
    const member = outputCapMember(row.baseUrl);
    const withLane = (credential: string | null, is: ProviderRow): ProviderEntry => {
      const lanes = [{ credential, handle }];
      return { row: is, lanesFor: () => lanes, lanes: () => lanes, outputCapMember: member };
    };
    try {
      return withLane(unseal(row), row);
    } catch (error) {
      // One damaged credential must not keep the others from serving.
      log.error("provider.credential.unusable", { provider: row.name, error });
      return withLane(null, { ...row, enabled: false });
    }
  };
  return {
    byId: (id) => entries.get(id) ?? null,
    byName: (name) => names.get(name) ?? null,
    all: () => entries.values(),
    apply: (id, row) => {
      const old = entries.get(id);
      if (old !== undefined) {
        entries.delete(id);
        names.delete(old.row.name);
      }
      if (row === null) {
        seats.delete(id);
        return;
      }
      const entry = entryFor(row, old);
      entries.set(id, entry);
      names.set(row.name, entry);
    },
    stop: () => {
      for (const { actor } of seats.values()) actor.stop();
    },
  };
}

type SeatDeps = {
  readonly clock: Clock;
  readonly log: Log;
  readonly learned: Pick<LearnedSizes, "inputsOf">;
};

/** An edit keeps the actor, and with it breaker and cooldown, unless it bears on what these are about. */
function seatFor(
  deps: SeatDeps,
  seats: Map<string, Seat>,
  row: ProviderRow,
  old: ProviderEntry | undefined,
): Seat {
  const seat = seats.get(row.id);
  if (seat === undefined) {
    const actor = startActor(deps, seats, row, []);
    const made: Seat = { actor, handle: handleOf(() => made.actor) };
    seats.set(row.id, made);
    return made;
  }
  const isSame = old?.row.baseUrl === row.baseUrl && old.row.maxConcurrent === row.maxConcurrent;
  if (!isSame || !seat.actor.isAlive()) replace(deps, seats, row, seat);
  return seat;
}

/** The attempts under way go on in the new actor. */
function replace(deps: SeatDeps, seats: Map<string, Seat>, row: ProviderRow, seat: Seat): void {
  const before = seat.actor;
  seat.actor = startActor(deps, seats, row, providerInFlight(before));
  before.stop();
}

function startActor(
  deps: SeatDeps,
  seats: Map<string, Seat>,
  row: ProviderRow,
  inFlight: readonly string[],
): ProviderHandle {
  const { clock, log, learned } = deps;
  const { id: providerId, maxConcurrent } = row;
  const learnedInputs = learned.inputsOf(providerId);
  const input = { providerId, maxConcurrent, learnedInputs, inFlight, atMs: clock.nowMs() };
  const actor = startProvider(input, (error) => {
    log.error("provider.actor.failed", { provider: row.name, error });
    // Its memory (breaker, statistics) is gone; the provider goes on with a fresh one.
    const seat = seats.get(providerId);
    if (seat?.actor === actor) replace(deps, seats, row, seat);
  });
  return actor;
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
