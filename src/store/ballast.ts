/**
 * A file that takes room while the disk has some. When the disk is full it is deleted, so that
 * postings of requests that are running can still be written; new holds are refused until the file
 * fits again, which also proves that there is room.
 */
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";

/** Room for the postings of about two thousand attempts. */
const BALLAST_BYTES = 1024 * 1024;

export interface Ballast {
  /** Makes sure that the file is there in full; false when the disk has no room for it. */
  readonly ensure: () => boolean;
  /** Gives the room back to the disk. */
  readonly release: () => void;
}

export function createBallast(file: string): Ballast {
  let isPresent = false;
  return {
    ensure: () => {
      isPresent ||= write(file);
      return isPresent;
    },
    release: () => {
      rmSync(file, { force: true });
      isPresent = false;
    },
  };
}

function write(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.size === BALLAST_BYTES) return true;
  try {
    const handle = openSync(file, "w", 0o600);
    try {
      // Not zeros: some file systems would keep those as a hole that takes no room.
      const block = new Uint8Array(64 * 1024).fill(0x7e);
      for (let at = 0; at < BALLAST_BYTES; at += block.length) writeFully(handle, block);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    return true;
  } catch {
    // Whatever the reason, there is no room to be had; a part of the file would only take more.
    rmSync(file, { force: true });
    return false;
  }
}

function writeFully(handle: number, block: Uint8Array): void {
  for (let done = 0; done < block.length;) done += writeSync(handle, block, done);
}
