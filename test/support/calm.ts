/** A load that sheds nothing: the machine that tests run on is shared, and not what they are about. */
import type { LoadReadings } from "../../src/gateway/load/shed-policy.ts";
import type { Load } from "../../src/gateway/load/shed.ts";

export const CALM_LOAD: LoadReadings = { loopDelayMs: 0, memoryShare: 0, ledgerAgeMs: 0 };

export const CALM: Load = {
  read: () => CALM_LOAD,
  waitingHolds: () => ({ count: 0, oldestMs: 0 }),
};
