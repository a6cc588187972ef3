/**
 * Disks that become full under an upload, by whatever the machine allows: a file system that is made smaller
 * while it is written to, and everywhere the system's bound on the size of a process's files.
 */
import { statfsSync } from "node:fs";
import type { Child, Stage } from "./harness.ts";
import { bound, BOUNDED_PREFIX } from "./small-disk.ts";

export type UploadDisk = {
  readonly name: string;
  /** Whether it is full when the upload begins, or becomes so while it comes. */
  readonly isFull: "before" | "within";
  /** What the log says of it. */
  readonly told: RegExp;
  /** Makes the folder one on it. What to put before the command of the process that is to live there. */
  readonly make: (stage: Stage, folder: string) => readonly string[];
  readonly fill: (child: Child, folder: string) => void;
  readonly free: (child: Child, folder: string) => void;
};

/** More than is to stay free for the ledger; it takes no memory before it is written to. */
const ROOMY = "size=4g,nr_inodes=10000";
const NARROW_BYTES = 9_000_000;
const FILE_BYTES = 5_000_000;

function run(...command: string[]): boolean {
  return Bun.spawnSync(command, { stdout: "ignore", stderr: "ignore" }).success;
}

function mount(folder: string): boolean {
  return run("mount", "-t", "tmpfs", "-o", ROOMY, "tmpfs", folder);
}

function remount(folder: string, options: string): void {
  const isDone = run("mount", "-o", `remount,${options}`, folder);
  if (!isDone) throw new Error("what was mounted could not be changed");
}

function makeMounted(stage: Stage, folder: string): readonly string[] {
  if (!mount(folder)) throw new Error("it could be mounted a moment ago");
  stage.later(() => void run("umount", folder));
  return [];
}

const MOUNTED: readonly UploadDisk[] = [
  {
    name: "a file system that becomes full",
    isFull: "within",
    told: /ENOSPC|less than \d+ bytes are free/,
    make: makeMounted,
    fill: (_, folder) => remount(folder, `size=${NARROW_BYTES}`),
    free: (_, folder) => remount(folder, ROOMY),
  },
  {
    name: "a file system with room for no other file",
    isFull: "before",
    told: /ENOSPC/,
    make: makeMounted,
    fill: (_, folder) => {
      const { files, ffree } = statfsSync(folder);
      remount(folder, `nr_inodes=${files - ffree}`);
    },
    free: (_, folder) => remount(folder, ROOMY),
  },
];

const BOUNDED: UploadDisk = {
  name: "a bound on the size of files",
  isFull: "within",
  told: /EFBIG/,
  make: () => BOUNDED_PREFIX,
  fill: (child) => bound(child, String(FILE_BYTES)),
  free: (child) => bound(child, "unlimited"),
};

/** What this machine lets us try: `folder` is an empty one. */
export function uploadDisks(folder: string): readonly UploadDisk[] {
  if (!mount(folder)) return [BOUNDED];
  run("umount", folder);
  return [...MOUNTED, BOUNDED];
}
