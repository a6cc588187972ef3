/**
 * What a file looks like from afar: it says at its top what it owns, it is short enough to hold one
 * idea, it is not a drawer for leftovers, and it does not merely pass on what others export.
 */
import { isIn, type Source, type Tree } from "./tree.ts";

const LINES_MAX = 300;
const COLUMNS_MAX = 120;

/** One idea each, but long by nature: catalogues and wire schemas. */
const LONG_FILES: readonly string[] = ["src/base/error.ts"];

const JUNK_NAMES = /(?:^|\/)(?:utils?|helpers?|common|shared|misc)(?:\/|\.tsx?$)/;

function sourcesIn(tree: Tree, rooms: readonly string[]): readonly Source[] {
  return tree.sources.filter((source) => isIn(source.path, rooms));
}

export function filesWithoutHeader(tree: Tree): readonly string[] {
  return sourcesIn(tree, ["src/", "actors/", "bench/", "drizzle/"])
    .filter((source) => !/^(?:#![^\n]*\n)?\s*\/[/*]/.test(source.text))
    .map((source) => `${source.path}:1 does not say at its top what it owns`);
}

export function longFiles(tree: Tree): readonly string[] {
  return sourcesIn(tree, ["src/", "actors/", "bench/"])
    .filter((source) => !isIn(source.path, LONG_FILES))
    .map((source) => ({ path: source.path, lines: source.text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines; at most ${LINES_MAX}`);
}

/** The inside of a string may pass the margin: a sentence cut in two is hard to find. */
export function longLines(tree: Tree): readonly string[] {
  return sourcesIn(tree, ["src/", "actors/", "drizzle/", "bench/"]).flatMap((source) => {
    const code = source.code.split("\n");
    return source.uncommented.split("\n").flatMap((line, index) => {
      // What differs between the two views is the inside of strings; both are as long as the line.
      let columns = 0;
      for (let at = 0; at < line.length; at += 1) {
        if (line.charAt(at) === code[index]?.charAt(at)) columns += 1;
      }
      if (columns <= COLUMNS_MAX) return [];
      return [`${source.path}:${index + 1} has ${columns} columns; at most ${COLUMNS_MAX}`];
    });
  });
}

export function junkDrawers(tree: Tree): readonly string[] {
  return tree.sources
    .filter((source) => JUNK_NAMES.test(source.path))
    .map(
      (source) => `${source.path} is named for leftovers; what it holds has a home or needs one`,
    );
}

/** A file that declares nothing and re-exports something hides where things live. */
export function barrels(tree: Tree): readonly string[] {
  const reExport = /\bexport\s*(?:type\s*)?(?:\{[^}]*\}|\*[^;]*?)\s*from\s*(['"])\s*\1\s*;?/g;
  const declaration = /\b(?:const|let|var|function|class|type|interface|await)\b/;
  return tree.sources
    .filter((source) => source.code.search(reExport) !== -1)
    .filter((source) => {
      const rest = source.code
        .replaceAll(reExport, "")
        .replaceAll(/\bimport\b[^;]*?from\s*(['"])\s*\1\s*;?/g, "");
      return !declaration.test(rest);
    })
    .map((source) => `${source.path} only passes on what other files export`);
}
