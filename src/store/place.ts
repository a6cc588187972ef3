/**
 * Whether the database and its log still lie under their names. SQLite goes on with files that were
 * removed or moved away, and what it commits to them is gone with the process.
 */
import { statSync } from "node:fs";

export const MOVED =
  "the file or its log was moved or removed while Tollgate ran; stop it and put them back";

export class Place {
  readonly #files: readonly string[];
  #inodes: string | null = null;

  /** Of a database's file. */
  constructor(file: string) {
    this.#files = [file, `${file}-wal`];
  }

  /** Call it after a commit, when there is a log: a few microseconds. */
  isSame(): boolean {
    const inodes = this.#files.map(inodeOf).join(" ");
    this.#inodes ??= inodes;
    return inodes === this.#inodes;
  }
}

function inodeOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "-" : `${found.dev}:${found.ino}`;
}
