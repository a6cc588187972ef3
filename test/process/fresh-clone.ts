/**
 * The repository as somebody gets it who clones it: without what was installed, built or written
 * while it ran. And a path on which only named tools are found.
 */
import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { REPOSITORY } from "./harness.ts";

/** What is in no clone. */
const NOT_CLONED = new Set(["node_modules", "data", ".git", "bench/results"]);

/** Copies the repository to `folder`, which must not exist, and returns it. */
export function copyRepository(folder: string): string {
  cpSync(REPOSITORY, folder, {
    recursive: true,
    filter: (source) => !NOT_CLONED.has(relative(REPOSITORY, source)),
  });
  return folder;
}

/** Makes a folder with links to the named tools, wherever they are; nothing else is there. */
export function toolsFolder(folder: string, names: readonly string[]): string {
  mkdirSync(folder);
  for (const name of names) {
    // Bun is the one that runs this, which may go by another name or lie on no path.
    const path = name === "bun" ? process.execPath : Bun.which(name);
    if (path === null) throw new Error(`${name} is not installed`);
    symlinkSync(path, join(folder, name));
  }
  return folder;
}
