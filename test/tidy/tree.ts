/**
 * The repository as the house rules see it: paths and texts, from the disk or from an example in a
 * test. Every rule is a function from a Tree to the breaches it found, so that it can be shown to
 * find one.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { viewsOf, type Views } from "./strip.ts";

export type Source = Views & { readonly path: string; readonly text: string };

export type Tree = {
  /** Every file by its path from the root, with its text. */
  readonly files: ReadonlyMap<string, string>;
  /** What stands in the root folder, dot-files and ignored things left out. */
  readonly root: readonly string[];
  /** The TypeScript files of our folders, comments and strings told apart. */
  readonly sources: readonly Source[];
};

/** What breaks a rule, each with its place: `path:line what`. */
export type Rule = (tree: Tree) => readonly string[];

const FOLDERS = ["src", "actors", "drizzle", "test", "bench", ".ci"];
/** Of this machine, not of the repository; the same names as in the ignore file. */
const IGNORED = /^(?:node_modules|data|\..*|.*\.log)$/;

export function treeOf(files: Readonly<Record<string, string>>): Tree {
  const all = new Map(Object.entries(files));
  const root = new Set([...all.keys()].map((path) => path.replace(/\/.*$/, "")));
  return {
    files: all,
    root: [...root].filter((name) => !IGNORED.test(name)).sort(),
    sources: [...all]
      .filter(([path]) => /^(?:src|actors|drizzle|test|bench)\/.*\.tsx?$/.test(path))
      .map(([path, text]) => ({ path, text, ...viewsOf(text) })),
  };
}

export function readTree(root: string): Tree {
  const entries = readdirSync(root, { withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  for (const folder of FOLDERS) {
    const found = new Bun.Glob(`${folder}/**/*`).scanSync({ cwd: root, dot: true });
    for (const path of found) if (!path.startsWith("bench/results/")) paths.push(path);
  }
  const files = paths.sort().map((path) => [path, readFileSync(join(root, path), "utf8")]);
  const names = entries.map((entry) => entry.name).filter((name) => !IGNORED.test(name));
  return { ...treeOf(Object.fromEntries(files)), root: names.sort() };
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line += 1;
  }
  return line;
}

/** Whether `path` is in one of the places; a place that ends with a slash is a folder. */
export function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));
}
