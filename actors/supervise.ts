/**
 * The only place that starts an actor. An action that throws must neither end the process, which is
 * what XState does with an error that nobody observes, nor leave a corpse that takes events and
 * answers nothing: the failure is reported, the actor counts as dead from then on, and whoever owns
 * it builds a new one.
 *
 * The charts run no timers, so an actor can only fail while an event is sent to it.
 */
import {
  createActor,
  type ActorLogic,
  type EventObject,
  type NonReducibleUnknown,
  type Snapshot,
} from "xstate";

/** Told what an actor died of, and of every event that comes too late for it. */
export type OnFailure = (error: unknown) => void;

/** An event was sent to an actor that has died or was stopped. */
export class ActorGoneError extends Error {
  override name = "ActorGoneError";

  constructor(eventType: string) {
    super(`the actor is gone; "${eventType}" was not delivered`);
  }
}

/** With an observer of errors XState hands them over; `send` picks them up in the same turn. */
const ERRORS_OBSERVED = { error: (): void => undefined };

/** The part of an XState actor that is needed here. */
type Started<TSnapshot, TEvent> = {
  getSnapshot(): TSnapshot;
  send(event: TEvent): void;
  stop(): unknown;
};

/** A running actor. It may be dropped without being stopped: it owns no timer. */
export class Supervised<TSnapshot extends Snapshot<unknown>, TEvent extends EventObject> {
  readonly #actor: Started<TSnapshot, TEvent>;
  readonly #onFailure: OnFailure;

  constructor(actor: Started<TSnapshot, TEvent>, onFailure: OnFailure) {
    this.#actor = actor;
    this.#onFailure = onFailure;
  }

  get alive(): boolean {
    return this.#actor.getSnapshot().status === "active";
  }

  /** The last snapshot, of a dead actor too. */
  snapshot(): TSnapshot {
    return this.#actor.getSnapshot();
  }

  /** True when the actor took the event and lives; otherwise `onFailure` was told. */
  send(event: TEvent): boolean {
    if (!this.alive) {
      this.#onFailure(new ActorGoneError(event.type));
      return false;
    }
    this.#actor.send(event);
    const snapshot = this.#actor.getSnapshot();
    if (snapshot.status === "active") return true;
    this.#onFailure(snapshot.error);
    return false;
  }

  stop(): void {
    this.#actor.stop();
  }
}

/** Starts an actor. Throws what its construction threw: such an actor never lived. */
export function supervise<
  TSnapshot extends Snapshot<unknown>,
  TEvent extends EventObject,
  TInput extends NonReducibleUnknown,
>(
  logic: ActorLogic<TSnapshot, TEvent, TInput>,
  input: TInput,
  { onFailure }: { readonly onFailure: OnFailure },
): Supervised<TSnapshot, TEvent> {
  const actor = createActor(logic, { input });
  actor.subscribe(ERRORS_OBSERVED);
  actor.start();
  const snapshot = actor.getSnapshot();
  if (snapshot.status === "error") throw snapshot.error;
  return new Supervised(actor, onFailure);
}
