/** Keeps results in files, in folders that are made when they are missing. */
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { BenchIo } from "./terminal.ts";

/** Writes the file and says so. */
export async function save(path: string, content: string, io: BenchIo): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  await Bun.write(path, content);
  io.out(`written: ${path}\n`);
}
