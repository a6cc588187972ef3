/**
 * One process per data directory: a lock on a file of its own, held as an exclusive SQLite
 * transaction from start to close. The kernel releases it when the process is gone, however it
 * ended, so whoever gets it knows that no other process can still write or spend.
 */
import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../base/error.ts";
import { diskFailure, failureDetail } from "./failure.ts";

export type DirectoryLock = { readonly release: () => void };

/**
 * Creates the directory when it is missing and locks it. Throws GatewayError `ledger_unavailable`
 * that names it when it is in use or cannot be written.
 */
export function lockDirectory(dataDir: string): DirectoryLock {
  const file = join(dataDir, "tollgate.lock");
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const sqlite = new Database(file, { create: true, readwrite: true });
    try {
      sqlite.exec("begin exclusive");
    } catch (error) {
      sqlite.close();
      throw error;
    }
    return { release: () => sqlite.close() };
  } catch (error) {
    const message =
      diskFailure(error, file)?.kind === "busy"
        ? `The data directory ${dataDir} is in use by another Tollgate process; stop it or choose another directory.`
        : `The data directory ${dataDir} cannot be used: ${failureDetail(error, file)}`;
    throw new GatewayError("ledger_unavailable", { message }, error);
  }
}
