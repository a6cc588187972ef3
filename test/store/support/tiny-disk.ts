/** A memory disk so small that a test can fill it, where the machine lets a test mount one. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TinyDisk = Disposable & {
  readonly path: string;
  /** Takes all the room that is left, but for what is asked to be spared. */
  readonly fill: (sparedBytes?: number) => void;
  readonly free: () => void;
};

/** Throws with what `mount` said when it may not. */
export function tinyDisk(): TinyDisk {
  const path = mkdtempSync(join(tmpdir(), "tollgate-disk-"));
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", path]);
  if (!mount.success) {
    rmSync(path, { recursive: true });
    throw new Error(mount.stderr.toString());
  }
  const filler = join(path, "filler");
  return {
    path,
    fill: (sparedBytes = 0) => {
      fill(filler);
      if (sparedBytes > 0) truncateSync(filler, Math.max(0, statSync(filler).size - sparedBytes));
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => {
      Bun.spawnSync(["umount", "--lazy", path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Why no disk can be mounted here; null when one can. */
export function mountingRefused(): string | null {
  try {
    tinyDisk()[Symbol.dispose]();
    return null;
  } catch (error) {
    return String(error);
  }
}

function fill(file: string): void {
  const handle = openSync(file, "a");
  try {
    for (let size = 64 * 1024; size > 0;) {
      try {
        writeSync(handle, new Uint8Array(size));
      } catch {
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(handle);
  }
}
