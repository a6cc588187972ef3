/** Makes a file cold: takes it out of the system's cache, as after a start of the machine. */

/**
 * False where that is not possible. Pages that were written and not synced stay, and so does what a
 * process holds in memory of its own.
 */
export function evict(file: string): boolean {
  if (Bun.which("dd") === null) return false;
  // Without a byte to copy, `nocache` is advice for the whole file.
  const run = Bun.spawnSync(["dd", `if=${file}`, "iflag=nocache", "count=0"], { stderr: "ignore" });
  return run.success;
}
