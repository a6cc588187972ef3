/**
 * A copy of the database as of one moment, made beside a running server without stopping it. The copy
 * knows that it is one: a Tollgate that is started from it is frozen until an operator accepts that
 * what was spent after the copy is missing.
 *
 * Invariant: under its name the copy is whole, on the disk and marked, or it is not there.
 */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { GatewayError } from "../base/error.ts";
import { failureDetail } from "./failure.ts";
import { markBackup } from "./freeze.ts";

/** Throws GatewayError `ledger_unavailable` that names the file which cannot be read or written. */
export function backupDatabase(from: string, to: string, nowMs: number): void {
  if (!existsSync(from)) throw unusable(`${from}: there is no such database`);
  if (existsSync(to)) throw unusable(`${to}: exists already; a backup overwrites nothing`);
  const part = `${to}.part`;
  const sqlite = open(from);
  try {
    rmSync(part, { force: true });
    // It holds what the database holds, so it is as private, from its first byte on.
    closeSync(openSync(part, "wx", 0o600));
    sqlite.prepare("vacuum into ?").run(part);
    mark(part, nowMs);
    renameSync(part, to);
    sync(dirname(to));
  } catch (error) {
    rmSync(part, { force: true });
    throw unusable(failureDetail(error, to), error);
  } finally {
    sqlite.close();
  }
}

function open(file: string): Database {
  const sqlite = new Database(file, { readonly: true });
  try {
    // Opening alone reads nothing.
    sqlite.prepare("select count(*) from sqlite_master").get();
    return sqlite;
  } catch (error) {
    sqlite.close();
    throw unusable(failureDetail(error, file), error);
  }
}

function mark(file: string, nowMs: number): void {
  const sqlite = new Database(file, { readwrite: true });
  try {
    // One file and no log beside it.
    sqlite.exec("pragma journal_mode = delete");
    markBackup({ orm: drizzle({ client: sqlite }) }, nowMs);
  } finally {
    sqlite.close();
  }
  // The copy itself was not synced; the commit of the mark synced what it changed.
  sync(file);
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function unusable(message: string, cause?: unknown): GatewayError {
  return new GatewayError("ledger_unavailable", { message }, cause);
}
