/**
 * What stands outside the code and can stop being true all the same: the root folder, the documents
 * and the paths they name, the pinned versions, and traces of the machine it was written on.
 */
import { PACKAGES } from "./rooms.ts";
import { lineAt, type Tree } from "./tree.ts";

const BUN_VERSION = "1.4.4";
const README_LINES_MAX = 120;

export const ROOT_FILES = [
  "ARCHITECTURE.md",
  "CHANGELOG.md",
  "Dockerfile",
  "LICENSE",
  "README.md",
  "bun.lock",
  "bunfig.toml",
  "package.json",
  "tsconfig.json",
];
export const ROOT_FOLDERS = ["actors", "bench", "drizzle", "src", "test"];

export function rootListing(tree: Tree): readonly string[] {
  const approved = [...ROOT_FILES, ...ROOT_FOLDERS];
  return [
    ...tree.root
      .filter((name) => !approved.includes(name))
      .map((name) => `${name} is not approved`),
    ...approved.filter((name) => !tree.root.includes(name)).map((name) => `${name} is missing`),
  ];
}

export function longReadme(tree: Tree): readonly string[] {
  const lines = (tree.files.get("README.md") ?? "").trimEnd().split("\n").length;
  if (lines <= README_LINES_MAX) return [];
  return [`README.md has ${lines} lines; at most ${README_LINES_MAX}`];
}

/** Paths in backticks, in code blocks and in links; a pattern with stars must match something. */
export function pathsThatDoNotExist(tree: Tree): readonly string[] {
  const paths = [...tree.files.keys()];
  return ["README.md", "ARCHITECTURE.md"].flatMap((document) => {
    const text = tree.files.get(document) ?? "";
    return namedPaths(text)
      .filter(({ path }) => !exists(paths, path))
      .map(({ path, line }) => `${document}:${line} names ${path}, which does not exist`);
  });
}

function exists(paths: readonly string[], named: string): boolean {
  if (/[*{?]/.test(named)) {
    const glob = new Bun.Glob(named);
    return paths.some((path) => glob.match(path));
  }
  const folder = named.endsWith("/") ? named : `${named}/`;
  return paths.some((path) => path === named || path.startsWith(folder));
}

function namedPaths(text: string): readonly { path: string; line: number }[] {
  const quoted = /^```[^\n]*\n(.*?)^```|`([^`\n]+)`|\]\(([^)\s]+)\)/gms;
  const found: { path: string; line: number }[] = [];
  for (const match of text.matchAll(quoted)) {
    const quote = match[1] ?? match[2] ?? match[3] ?? "";
    const start = match.index + match[0].indexOf(quote);
    for (const word of quote.matchAll(/(?:\{[^}\s]*\}|[^\s'"`()[\]{},;|│├└─])+/g)) {
      const path = word[0].replace(/^\.\//, "").replace(/(?:#.*|:\d+|[.:…]+)$/, "");
      if (isOurs(path)) found.push({ path, line: lineAt(text, start + word.index) });
    }
  }
  return found;
}

function isOurs(path: string): boolean {
  const first = /^([^/]+)\/./.exec(`${path}/`)?.[1] ?? "";
  const isFolder = path.includes("/") && [...ROOT_FOLDERS, ".ci"].includes(first);
  return isFolder || ROOT_FILES.includes(path) || /^[A-Z]+\.md$/.test(path);
}

type Manifest = {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
};

function manifestOf(tree: Tree): Manifest {
  const manifest: Manifest = JSON.parse(tree.files.get("package.json") ?? "{}");
  return manifest;
}

export function looseVersions(tree: Tree): readonly string[] {
  const { dependencies, devDependencies } = manifestOf(tree);
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json pins ${name} to ${version}, not to one version`);
}

/** A package that is shipped has a room, and a room's package is one we have. */
export function packagesWithoutRoom(tree: Tree): readonly string[] {
  const { dependencies = {}, devDependencies = {} } = manifestOf(tree);
  const known = { ...dependencies, ...devDependencies };
  return [
    ...Object.keys(dependencies)
      .filter((name) => PACKAGES[name] === undefined)
      .map((name) => `${name} is a dependency without a room in the import table`),
    ...Object.keys(PACKAGES)
      .filter((name) => !name.startsWith("bun:") && known[name] === undefined)
      .map((name) => `${name} has a room in the import table but is no dependency`),
  ];
}

/** One Bun, wherever its version is written. */
export function otherBunVersions(tree: Tree): readonly string[] {
  const named = /\bbun@(\d+(?:\.\w+)*)|\boven\/bun:(\d+(?:\.\w+)*)|"bun-types": "([^"]+)"/g;
  const places = [...ROOT_FILES.filter((name) => name !== "bun.lock"), ".ci/run"];
  return places.flatMap((place) => {
    const text = tree.files.get(place) ?? "";
    return [...text.matchAll(named)]
      .map((match) => ({ version: match[1] ?? match[2] ?? match[3] ?? "", at: match.index }))
      .filter(({ version }) => version !== BUN_VERSION)
      .map(
        ({ version, at }) =>
          `${place}:${lineAt(text, at)} names Bun ${version}, not ${BUN_VERSION}`,
      );
  });
}

/** Folders of the machine the code was written on, at the beginning of a path. */
const MACHINE_PATHS = /(?<![\w.~-])\/(?:work|root)\//g;

export function machinePaths(tree: Tree): readonly string[] {
  return [...tree.files].flatMap(([path, text]) =>
    [...text.matchAll(MACHINE_PATHS)].map(
      (match) => `${path}:${lineAt(text, match.index)} names ${match[0]}, a folder of some machine`,
    ),
  );
}
