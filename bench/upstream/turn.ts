/**
 * One request on its way through the simulated provider: what came, how it is to be answered, and
 * how to stop when the client is gone.
 */

import type { ServerResponse } from "node:http";
import type { FailGate } from "./fail-gate.ts";
import type { Received } from "./received.ts";
import type { Script } from "./script-members.ts";
import type { Tally } from "./tally.ts";
import type { TickWheel } from "./tick-wheel.ts";
import type { ReportedUsage } from "./usage.ts";

/** What all requests of one server share. */
export type World = {
  readonly tally: Tally;
  readonly wheel: TickWheel;
  readonly failures: FailGate;
  /** Laid under the scripts of model and header. */
  readonly defaultScript: () => Script;
  readonly nowSeconds: () => number;
};

/** The state of one request between its body and its end. */
export type Turn = {
  readonly world: World;
  readonly response: ServerResponse;
  readonly received: Received;
  readonly requestBody: Uint8Array;
  readonly script: Script;
  /** Forgets what is still to come; called when the connection is gone. */
  stop: (() => void) | undefined;
  /** What the answer reports as used, once its first `untilByte` bytes have left. */
  usage: { readonly reported: ReportedUsage; readonly untilByte: number } | undefined;
};

/** Goes on after `delayMs`, at once when it is 0, never when the client has gone. */
export function goOnAfter(turn: Turn, delayMs: number, next: () => void): void {
  if (delayMs === 0) {
    next();
    return;
  }
  const { wheel } = turn.world;
  const waiting = wheel.after(delayMs, next);
  turn.stop = () => wheel.cancel(waiting);
}
