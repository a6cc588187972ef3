/** `tollgate serve`: boot, say so, and stay until told to end. */
import { sleep, systemClock } from "../../base/clock.ts";
import type { Config } from "../../config/config.ts";
import { createLog, openLogSink, type Log } from "../../telemetry/log.ts";
import { boot } from "../boot.ts";
import { untilShutDown } from "../shutdown.ts";
import type { Terminal } from "../terminal.ts";
import { showAdminToken, welcome } from "../welcome.ts";

const STANDARD_ERROR = 2;
const LOG_FLUSH_MS = 1_000;
/** sysexits.h, EX_SOFTWARE. */
const EXIT_SOFTWARE = 70;

/** 0 after a clean drain, 1 when it cannot start. */
export async function serve(config: Config, { out, err }: Terminal): Promise<number> {
  const sink = openLogSink(STANDARD_ERROR);
  const log = createLog({
    level: config.logLevel,
    format: config.logFormat,
    colour: err.showsColours,
    clock: systemClock,
    sink,
    secrets: config.adminToken === null ? [] : [config.adminToken],
  });
  surviveStrayFailures(log);
  const booted = await boot(config, log, (text) => showAdminToken(out, text));
  if (!booted.ok) {
    err.line(`${err.styled("red", "error:")} ${booted.problem}`);
    return 1;
  }
  // Listening for signals comes first: who reads that we are ready may end us at once.
  const ended = untilShutDown(booted.running);
  welcome(out, booted.running);
  const exitCode = await ended;
  // Bounded: a reader of the log that is stuck must not keep the process.
  await Promise.race([sink.end(), sleep(systemClock, LOG_FLUSH_MS)]);
  return exitCode;
}

/**
 * A promise that nobody waited for is a bug, but of one request: it is told and the process goes on.
 * An exception outside of every request leaves the process in no known state: it ends, and the next
 * start recovers what was open.
 */
function surviveStrayFailures(log: Log): void {
  process.on("unhandledRejection", (error) => log.error("stray.rejection", { error }));
  process.on("uncaughtException", (error) => {
    log.error("stray.exception", { error });
    systemClock.after(LOG_FLUSH_MS, () => process.exit(EXIT_SOFTWARE));
  });
}
