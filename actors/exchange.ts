/** An exchange's actor as the gateway uses it: tell it what happened, ask what comes next. */
import { assertNever } from "../src/base/assert.ts";
import type { ExchangeEvent, ExchangeInput, ExchangeStep } from "./contract.ts";
import { exchangeMachine } from "./exchange.machine.ts";
import { supervise, type OnFailure } from "./supervise.ts";

export interface ExchangeHandle {
  /** What is to be done now; of a dead actor: settle, as failed. */
  readonly step: () => ExchangeStep;
  /** False when the event was not taken; `onFailure` was told then. */
  readonly send: (event: ExchangeEvent) => boolean;
  readonly isAlive: () => boolean;
  readonly stop: () => void;
}

/** Throws when there is nobody to make an attempt with. */
export function startExchange(input: ExchangeInput, onFailure: OnFailure): ExchangeHandle {
  const actor = supervise(exchangeMachine, input, { onFailure });
  return {
    step: () => stepOf(actor.snapshot()),
    send: (event) => actor.send(event),
    isAlive: () => actor.alive,
    stop: () => actor.stop(),
  };
}

type ExchangeSnapshot = ReturnType<typeof exchangeMachine.getInitialSnapshot>;

function stepOf({ status, value, context }: ExchangeSnapshot): ExchangeStep {
  if (status === "error") return { do: "settle", failed: true };
  const { course, delayMs, failed } = context;
  switch (value) {
    case "attempting":
      return { do: "attempt", candidate: course.candidate, attemptNumber: course.failures + 1 };
    case "backingOff":
      return { do: "wait", delayMs };
    case "relaying":
      return { do: "relay" };
    case "settling":
      return { do: "settle", failed };
    case "ended":
      return { do: "end" };
    default:
      return assertNever(value);
  }
}
