/** Stores on real files in directories of their own, closed and removed when the test ends. */
import { Database } from "bun:sqlite";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import type { Store } from "../../../src/store/contract.ts";
import { openStore, type StoreOptions } from "../../../src/store/open.ts";

export type LoggedEvent = {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
};

/** A directory that is removed when it goes out of scope. */
export function tempDir(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "tollgate-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export type TempStore = AsyncDisposable & {
  readonly store: Store;
  readonly dir: string;
  /** Path of the database file. */
  readonly file: string;
  readonly log: readonly LoggedEvent[];
};

/** Opens a store in `dir`; closing it twice does no harm. */
export async function openIn(dir: string, options: Partial<StoreOptions> = {}): Promise<TempStore> {
  const log: LoggedEvent[] = [];
  const store = await openStore({
    dataDir: dir,
    clock: systemClock,
    log: (level, event, fields) => log.push({ level, event, fields }),
    ...options,
  });
  return {
    store,
    dir,
    file: join(dir, "tollgate.db"),
    log,
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** A store in a fresh directory. */
export async function tempStore(options: Partial<StoreOptions> = {}): Promise<TempStore> {
  const dir = tempDir();
  const temp = await openIn(dir.path, options);
  return {
    ...temp,
    [Symbol.asyncDispose]: async () => {
      await temp.store.close();
      dir[Symbol.dispose]();
    },
  };
}

/** Reads with a connection of its own, as another program would. */
export function readRows(file: string, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const database = new Database(file, { readonly: true });
  try {
    return database.query<Record<string, unknown>, []>(sql).all();
  } finally {
    database.close();
  }
}

/** Resolves once `condition` holds, looking at it each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * What a promise rejects with. `expect(…).rejects` cannot be used on the store: it runs the event
 * loop from inside, where Bun delivers no message of a worker whose last message is being handled.
 */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("the promise was expected to reject");
}

/**
 * Copies what is on the disk at this moment, which is what a crash of the process would leave. The mark
 * comes first: copied last it might be of a commit that the copy of the log has not.
 */
export function crashCopy(fromDir: string, toDir: string): void {
  for (const name of ["tollgate.db.mark", "tollgate.db", "tollgate.db-wal"]) {
    cpSync(join(fromDir, name), join(toDir, name));
  }
}
