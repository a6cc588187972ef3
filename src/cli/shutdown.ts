/**
 * The way out. The first signal drains: `/readyz` says 503, nothing new is admitted, running streams
 * get their time, everything is settled and flushed. A second one ends what still runs, at once.
 */
import { GatewayError } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import type { Running } from "./boot.ts";

/**
 * One Ctrl-C can arrive several times: the terminal sends it to the whole group, and npx and
 * `bun start` each pass their own on. Copies come within milliseconds; a person needs longer.
 */
const SIGNAL_COPY_MS = 100;

/** Resolves with the exit code: 0 when everything is settled and on disk, 1 when the disk failed. */
export async function untilShutDown(running: Running): Promise<number> {
  const { lifecycle, log, clock } = running.gateway;
  const first = await new Promise<NodeJS.Signals>((resolve) => {
    let firstAtMs: number | null = null;
    // Never taken off again: without a listener the next signal would end the process at once.
    const onSignal = (signal: NodeJS.Signals): void => {
      if (firstAtMs === null) {
        firstAtMs = clock.monotonicMs();
        resolve(signal);
      } else if (clock.monotonicMs() - firstAtMs > SIGNAL_COPY_MS) force(running, signal);
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
  log.info("drain.started", { signal: first, inFlight: lifecycle.inFlightCount() });
  await lifecycle.drain(LIMITS.drainMs);
  try {
    await running.close();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    // The disk would not take everything; what is missing there, the next start resolves.
    log.error("drain.incomplete", { detail: error.message });
    return 1;
  }
  log.info("drain.ended");
  return 0;
}

function force(running: Running, signal: NodeJS.Signals): void {
  const { lifecycle, log, clock } = running.gateway;
  log.warn("drain.forced", { signal, inFlight: lifecycle.inFlightCount() });
  lifecycle.stopAll("draining");
  // Whatever hangs now has had its chance; the ledger's next start resolves what is open.
  clock.after(LIMITS.drainForcedMs, () => process.exit(1));
}
