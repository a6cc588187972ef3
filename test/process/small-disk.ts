/**
 * Disks that can be filled and freed while a process writes to them, by whatever the machine allows:
 * a small file system of its own where we may mount one, and everywhere the system's bound on the
 * size of a process's files, which fails as real writes with a real error.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Child, Stage } from "./harness.ts";

export type SmallDisk = {
  /** Where the data directory goes. */
  readonly folder: string;
  /** Put before the command of the process that is to live on it. */
  readonly prefix: readonly string[];
  /** From now on nothing more can be written. */
  readonly fill: (child: Child) => void;
  readonly free: (child: Child) => void;
};

export type DiskKind = {
  readonly name: string;
  /** What `/readyz` says of it. */
  readonly complaint: RegExp;
  readonly make: (stage: Stage) => SmallDisk;
};

const MOUNTED_BYTES = 12 * 1024 * 1024;

function run(...command: string[]): boolean {
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).success;
}

/** Mounts an empty file system at `folder`, given back with the stage; false where we may not. */
export function mountSmall(stage: Stage, folder: string): boolean {
  mkdirSync(folder);
  if (!run("mount", "-t", "tmpfs", "-o", `size=${MOUNTED_BYTES}`, "tmpfs", folder)) return false;
  stage.later(() => void run("umount", folder));
  return true;
}

export function remountReadOnly(folder: string): boolean {
  return run("mount", "-o", "remount,ro", folder);
}

const mounted: DiskKind = {
  name: "a file system without room",
  complaint: /tollgate\.db: the disk is full; free some space on it/,
  make: (stage) => {
    const folder = stage.path("disk");
    if (!mountSmall(stage, folder)) throw new Error("it could be mounted a moment ago");
    const filler = join(folder, "filler");
    return {
      folder,
      prefix: [],
      fill: () => fillUp(filler),
      free: () => rmSync(filler),
    };
  },
};

/** Writes until the system refuses, a page at a time at the end so that no room is left over. */
function fillUp(path: string): void {
  const file = openSync(path, "w");
  try {
    for (const size of [1024 * 1024, 4096]) writeWhilePossible(file, new Uint8Array(size).fill(1));
  } finally {
    closeSync(file);
  }
}

function writeWhilePossible(file: number, block: Uint8Array): void {
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

/** Before the command of a process whose files are to be bounded in size. */
export const BOUNDED_PREFIX = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"];

/** A write past the bound fails with EFBIG, once the signal that comes with it is ignored. */
const bounded: DiskKind = {
  name: "files that may not grow",
  complaint: /tollgate\.db: reading or writing failed; check the disk and the kernel log/,
  make: (stage) => {
    const folder = stage.path("disk");
    mkdirSync(folder);
    return {
      folder,
      prefix: BOUNDED_PREFIX,
      fill: (child) => bound(child, "1"),
      // The bound of a process that was killed ended with it.
      free: (child) => (child.isEnded ? undefined : bound(child, "unlimited")),
    };
  },
};

/** From now on none of its files grows past so many bytes. */
export function bound(child: Child, bytes: string): void {
  if (!run("prlimit", "--pid", String(child.pid), `--fsize=${bytes}:`)) {
    throw new Error("prlimit could not bound the size of files");
  }
}

/** What this machine lets us try. */
export async function diskKinds(stage: Stage): Promise<readonly DiskKind[]> {
  return mountSmall(stage, stage.path("trial")) ? [mounted, bounded] : [bounded];
}
