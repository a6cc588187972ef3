/**
 * Opens the one connection to the database: version, pragmas, integrity, migrations. Only the
 * writer thread calls this.
 *
 * Invariant: a commit that returned is on the disk (`synchronous=FULL` in WAL mode).
 */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drizzle, type BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import { migrate } from "drizzle-orm/bun-sqlite/migrator";
import { readMigrationFiles } from "drizzle-orm/migrator";
import { GatewayError } from "../base/error.ts";
import { failureDetail } from "./failure.ts";

export type Connection = {
  readonly file: string;
  readonly sqlite: Database;
  readonly orm: BunSQLiteDatabase;
};

/** SQLite before this release can lose commits in WAL mode when a reader resets the log. */
const SQLITE_VERSION_MIN = "3.51.3";
/** How long another program's lock is waited for; only this thread waits, never the event loop. */
const BUSY_TIMEOUT_MS = 1_000;
/** Up to this size the whole file is checked at start, about a second per GiB when cached. */
const FULL_CHECK_BYTES_MAX = 256 * 1024 * 1024;
/**
 * Past that, the small tables that money decisions start from. A damaged page of the others is refused
 * when it is read, and a verification of the ledger reads all of them.
 */
const CHECKED_TABLES = [
  "tenants",
  "projects",
  "tokens",
  "providers",
  "routes",
  "prices",
  "budgets",
  "limits",
  "settings",
  "open_attempts",
];
const MIGRATIONS = fileURLToPath(new URL("../../drizzle", import.meta.url));

/** Opens, checks and migrates. Throws GatewayError `ledger_unavailable` that names the file. */
export function openDatabase(file: string): Connection {
  let sqlite: Database | undefined;
  try {
    sqlite = connect(file);
    checkVersion(sqlite);
    checkIntegrity(sqlite, file);
    const orm = drizzle({ client: sqlite });
    migrateForward(sqlite, orm, file);
    return { file, sqlite, orm };
  } catch (error) {
    sqlite?.close();
    if (error instanceof GatewayError) throw error;
    throw new GatewayError("ledger_unavailable", { message: failureDetail(error, file) }, error);
  }
}

/** The same file again after its connection broke; it was checked and migrated before. */
export function reopenDatabase(file: string): Connection {
  const sqlite = connect(file);
  sqlite.exec("pragma foreign_keys = on");
  return { file, sqlite, orm: drizzle({ client: sqlite }) };
}

function connect(file: string): Database {
  const sqlite = new Database(file, { create: true, readwrite: true });
  sqlite.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const mode = sqlite.prepare("pragma journal_mode = wal").values()[0]?.[0];
  if (mode !== "wal") {
    sqlite.close();
    throw new Error(`no write-ahead log is possible here (${String(mode)}); is it a network disk?`);
  }
  sqlite.exec("pragma synchronous = full");
  sqlite.exec("pragma temp_store = memory");
  sqlite.exec("pragma cache_size = -8000");
  // The thread checkpoints between batches; this is for the case that it cannot keep up.
  sqlite.exec("pragma wal_autocheckpoint = 16000");
  sqlite.exec("pragma journal_size_limit = 67108864");
  return sqlite;
}

export function sqliteVersion(sqlite: Database): string {
  return String(sqlite.prepare("select sqlite_version()").values()[0]?.[0]);
}

function checkVersion(sqlite: Database): void {
  const version = sqliteVersion(sqlite);
  if (Bun.semver.order(version, SQLITE_VERSION_MIN) < 0) {
    throw new Error(`SQLite ${version} is too old; ${SQLITE_VERSION_MIN} or later is needed`);
  }
}

function checkIntegrity(sqlite: Database, file: string): void {
  const isSmall = statSync(file).size <= FULL_CHECK_BYTES_MAX;
  const present = new Set(
    sqlite.prepare("select name from sqlite_master where type = 'table'").values().flat(),
  );
  const checks = isSmall
    ? ["pragma quick_check(1)"]
    : CHECKED_TABLES.filter((name) => present.has(name)).map(
        (name) => `pragma quick_check(${name})`,
      );
  for (const check of checks) {
    const found = sqlite.prepare(check).values()[0]?.[0];
    if (found === "ok") continue;
    throw new GatewayError("ledger_unavailable", {
      message: `${file}: the file is damaged; restore it from a backup (${String(found).replaceAll("\n", "; ")})`,
    });
  }
}

/**
 * Runs the migrations that are missing, in one transaction. Foreign keys are switched on
 * afterwards, because a migration may have to rebuild a table that others refer to.
 */
function migrateForward(sqlite: Database, orm: BunSQLiteDatabase, file: string): void {
  migrate(orm, { migrationsFolder: MIGRATIONS });
  const known = readMigrationFiles({ migrationsFolder: MIGRATIONS }).at(-1)?.folderMillis ?? 0;
  const applied = sqlite.prepare("select max(created_at) from __drizzle_migrations").values()[0];
  if (Number(applied?.[0]) > known) {
    throw new GatewayError("ledger_unavailable", {
      message: `${file}: was written by a newer Tollgate; use that one or a backup from before it`,
    });
  }
  sqlite.exec("pragma foreign_keys = on");
}
