/**
 * An exchange's actor as the gateway uses it: tell it what happened, ask what comes next. Starting an
 * actor costs several times what an exchange sends to it, so that one whose exchange has ended begins
 * the next.
 *
 * Invariant: an actor serves one exchange at a time. A handle lets go of its actor in the turn in which
 * the exchange ends, and an actor that failed serves no other.
 */
import { assert, assertNever } from "../src/base/assert.ts";
import type { ExchangeEvent, ExchangeInput, ExchangeStep } from "./exchange-contract.ts";
import { exchangeMachine } from "./exchange.machine.ts";
import { hedgeOf, isLastCandidate } from "./policy/retry.ts";
import { supervise, type OnFailure } from "./supervise.ts";

export interface ExchangeHandle {
  /** What is to be done now; of a dead actor: settle, as failed. */
  readonly step: () => ExchangeStep;
  /** False when the event was not taken; `onFailure` was told then. */
  readonly send: (event: ExchangeEvent) => boolean;
  /** Nobody but the candidate in hand is left who could be asked. */
  readonly isLastCandidate: () => boolean;
  /** A second attempt may begin beside the one in hand, and there is somebody for it. */
  readonly canHedge: (atMs: number) => boolean;
  readonly isAlive: () => boolean;
}

/** Throws when there is nobody to make an attempt with. */
export function startExchange(input: ExchangeInput, onFailure: OnFailure): ExchangeHandle {
  const kept = idle.pop() ?? new KeptActor();
  kept.begin(input);
  return new Story(kept, onFailure);
}

/** Idle actors that are kept, of 3 KB each; as many begin anew after a burst without being built. */
const IDLE_MAX = 256;

/** Ended exchanges' actors, the one that ended last on top. They remember nothing. */
const idle: KeptActor[] = [];

const ENDED: ExchangeStep = { do: "end" };

/** An actor that outlives its exchange, and whom to tell what it dies of. */
class KeptActor {
  onFailure: OnFailure = throwOn;
  readonly actor = supervise(exchangeMachine, undefined, {
    onFailure: (error) => this.onFailure(error),
  });

  begin(input: ExchangeInput): void {
    this.actor.send({ type: "exchange.begin", input });
  }
}

/** Of an exchange that has not begun, whoever begins it is told. */
function throwOn(error: unknown): never {
  throw error;
}

class Story implements ExchangeHandle {
  /** null from the end on: the actor may serve another exchange by then. */
  #kept: KeptActor | null;

  constructor(kept: KeptActor, onFailure: OnFailure) {
    kept.onFailure = onFailure;
    this.#kept = kept;
  }

  step(): ExchangeStep {
    return this.#kept === null ? ENDED : stepOf(this.#kept.actor.snapshot());
  }

  send(event: ExchangeEvent): boolean {
    const kept = this.#kept;
    // What comes after the end moves nothing.
    if (kept === null) return true;
    if (!kept.actor.send(event)) return false;
    if (kept.actor.snapshot().value === "idle") this.#end(kept);
    return true;
  }

  isLastCandidate(): boolean {
    return this.#kept !== null && isLastCandidate(this.#kept.actor.snapshot().context.course);
  }

  canHedge(atMs: number): boolean {
    const snapshot = this.#kept?.actor.snapshot();
    if (snapshot === undefined || snapshot.value !== "attempting") return false;
    return hedgeOf(snapshot.context.course, atMs) !== null;
  }

  isAlive(): boolean {
    return this.#kept === null || this.#kept.actor.alive;
  }

  #end(kept: KeptActor): void {
    this.#kept = null;
    // It must not keep the exchange that has ended, with its body, from being collected.
    kept.onFailure = throwOn;
    if (idle.length < IDLE_MAX) idle.push(kept);
  }
}

type ExchangeSnapshot = ReturnType<KeptActor["actor"]["snapshot"]>;

function stepOf({ status, value, context }: ExchangeSnapshot): ExchangeStep {
  if (status === "error") return { do: "settle", failed: true };
  const { course, delayMs, failed } = context;
  switch (value) {
    case "attempting":
      return { do: "attempt", candidate: course.candidate, attemptNumber: course.failures + 1 };
    case "hedging":
      assert(course.hedge !== null, "a hedge without a candidate");
      return { do: "hedge", candidate: course.hedge, attemptNumber: course.failures + 2 };
    case "continuing":
      return { do: "continue", candidate: course.candidate, attemptNumber: course.failures + 1 };
    case "backingOff":
      return { do: "wait", delayMs };
    case "relaying":
      return { do: "relay" };
    case "settling":
      return { do: "settle", failed };
    case "idle":
      return ENDED;
    default:
      return assertNever(value);
  }
}
