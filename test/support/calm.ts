/** A load that sheds nothing: the machine that tests run on is shared, and not what they are about. */
import type { LoadReadings } from "../../src/gateway/load/shed-policy.ts";

export const CALM_LOAD: LoadReadings = { loopDelayMs: 0, memoryShare: 0, ledgerAgeMs: 0 };
