/**
 * Tells failures of the disk from bugs, and says in a sentence what is wrong with which file and
 * what would help. Everything SQLite can blame on the world is here; the rest is ours.
 */

/** What to do about a failure of the disk. */
export type DiskFailure = {
  /** SQLite's extended code, such as `SQLITE_IOERR_FSYNC`. */
  readonly code: string;
  /** For operators: the file, what is wrong, what would help. */
  readonly detail: string;
  readonly kind: "full" | "busy" | "broken";
};

/** The error that SQLite gave, which others may have wrapped; null when it did not come from there. */
export function sqliteError(
  error: unknown,
): { readonly code: string; readonly message: string } | null {
  if (!(error instanceof Error)) return null;
  const { message } = error;
  if ("code" in error && typeof error.code === "string" && error.code.startsWith("SQLITE_")) {
    return { code: error.code, message };
  }
  return error.cause === undefined ? null : sqliteError(error.cause);
}

/** null when the error is not the disk's. */
export function diskFailure(error: unknown, file: string): DiskFailure | null {
  const code = sqliteError(error)?.code;
  if (code === undefined) return null;
  const known = TEXTS.find(([prefix]) => code.startsWith(prefix));
  if (known === undefined) return null;
  const [, kind, text] = known;
  return { code, kind, detail: `${file}: ${text} (${code})` };
}

/** A sentence for any failure, the disk's or not. */
export function failureDetail(error: unknown, file: string): string {
  const message =
    sqliteError(error)?.message ?? (error instanceof Error ? error.message : String(error));
  return diskFailure(error, file)?.detail ?? `${file}: ${message}`;
}

export const DISK_FULL = "the disk is full; free some space on it";

const TEXTS: readonly (readonly [prefix: string, kind: DiskFailure["kind"], text: string])[] = [
  ["SQLITE_FULL", "full", DISK_FULL],
  [
    "SQLITE_BUSY",
    "busy",
    "another program holds a lock on the file; end its transaction or close it",
  ],
  ["SQLITE_LOCKED", "busy", "a table is locked by another connection; close it"],
  [
    "SQLITE_READONLY",
    "broken",
    "the file cannot be written; check its owner, its permissions and how the disk is mounted",
  ],
  [
    "SQLITE_CANTOPEN",
    "broken",
    "the file cannot be opened; check that its directory exists and may be written",
  ],
  ["SQLITE_PERM", "broken", "access to the file is denied; check its owner and permissions"],
  ["SQLITE_IOERR", "broken", "reading or writing failed; check the disk and the kernel log"],
  [
    "SQLITE_CORRUPT",
    "broken",
    "the file is damaged; stop Tollgate and restore the file from a backup",
  ],
  [
    "SQLITE_NOTADB",
    "broken",
    "the file is not an SQLite database; move it away or restore it from a backup",
  ],
  ["SQLITE_PROTOCOL", "busy", "the file's locks do not answer; is it on a network disk?"],
  ["SQLITE_NOMEM", "broken", "there is not enough memory"],
];
