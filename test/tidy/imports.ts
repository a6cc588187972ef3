/**
 * Import statements by pattern, type-only ones included: Bun's own scanner leaves those out, and a
 * dependency on a type is still a dependency.
 */
import { posix } from "node:path";
import { lineAt, type Source, type Tree } from "./tree.ts";

export type Import = {
  /** As written. */
  readonly specifier: string;
  /** The path from the root when it is a file of ours, else null. */
  readonly path: string | null;
  /** The package or built-in module when it is not, else null. */
  readonly module: string | null;
  readonly isTypeOnly: boolean;
  /** `export … from`, of any form. */
  readonly isReExport: boolean;
  readonly line: number;
};

/** Each ends at the quote that opens the specifier; run on code whose strings are blank. */
const STATEMENTS = [
  /\b(?:import|export)\b[^;'"`()]*?\bfrom\s*['"]/g,
  /\bimport\s*['"]/g,
  /\b(?:import|require|(?:require|import\.meta)\.resolve|Bun\.resolve(?:Sync)?)\s*\(\s*['"`]/g,
];

export function importsOf(source: Source): readonly Import[] {
  const found: Import[] = [];
  for (const pattern of STATEMENTS) {
    for (const match of source.code.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const quote = source.text.charAt(start - 1);
      const specifier = source.text.slice(start, source.text.indexOf(quote, start));
      const isOurs = /^\.{1,2}\//.test(specifier);
      found.push({
        specifier,
        path: isOurs ? posix.join(posix.dirname(source.path), specifier) : null,
        module: isOurs ? null : moduleOf(specifier),
        isTypeOnly: /^(?:import|export)\s+type\b/.test(match[0]),
        isReExport: match[0].startsWith("export"),
        line: lineAt(source.text, match.index),
      });
    }
  }
  return found.sort((one, other) => one.line - other.line);
}

function moduleOf(specifier: string): string {
  if (/^(?:node|bun):/.test(specifier)) return specifier;
  return /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
}

/** Groups of files that import each other in a circle, types included. */
export function importCycles(tree: Tree): readonly string[] {
  const paths = new Set(tree.sources.map((source) => source.path));
  const imports = new Map(
    tree.sources.map((source) => [
      source.path,
      importsOf(source).flatMap((one) =>
        one.path !== null && paths.has(one.path) ? one.path : [],
      ),
    ]),
  );
  const breaches: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      breaches.push(`${[...trail.slice(start), path].join(" → ")} is a circle of imports`);
    }
    if (start !== -1 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of paths) visit(path, []);
  return breaches;
}
