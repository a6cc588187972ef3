/**
 * Words that have one home, and words that have none: ambient time and chance, the environment, the
 * network, the terminal; and the ways around the type checker, the linter and the test runner.
 */
import { isIn, lineAt, type Source, type Tree } from "./tree.ts";

type Word = {
  readonly what: string;
  readonly pattern: RegExp;
  /** Where the rule holds. */
  readonly rooms: readonly string[];
  /** Where the word may stand all the same. */
  readonly homes: readonly string[];
  /** Absent: in code. */
  readonly view?: "comments" | "uncommented";
};

const PRODUCT = ["src/", "actors/", "drizzle/"];
const PROGRAMS = [...PRODUCT, "bench/"];
const ALL = [...PROGRAMS, "test/"];

/** An identifier that stands for itself, not a member of something else. */
const FREE = "(?<![\\w$.])";

const HOMES: readonly Word[] = [
  {
    what: "reads the clock",
    pattern: new RegExp(
      [
        "\\bDate\\.now\\b",
        "\\bperformance\\.(?:now|timeOrigin)\\b",
        "\\bnew\\s+Date\\(\\s*\\)",
        `${FREE}(?<!new\\s+)Date\\(\\s*\\)`,
        "\\bset(?:Timeout|Interval)\\b",
        "\\bBun\\.(?:nanoseconds|sleep|sleepSync)\\b",
        "\\bprocess\\.hrtime\\b",
        "\\bAbortSignal\\.timeout\\b",
      ].join("|"),
      "g",
    ),
    rooms: PRODUCT,
    homes: ["src/base/clock.ts"],
  },
  {
    what: "draws at random",
    pattern:
      /\bMath\.random\b|\b(?:getRandomValues|random(?:Bytes|Int|UUID|UUIDv5|UUIDv7|Fill|FillSync))\b/g,
    rooms: PROGRAMS,
    homes: ["src/base/random.ts"],
  },
  {
    what: "reads the environment",
    pattern: /\b(?:process|Bun|import\.meta)\.env\b/g,
    rooms: PROGRAMS,
    homes: ["src/config/"],
  },
  {
    what: "calls fetch",
    // A method that is named fetch has a body after its parameters; a call has none.
    pattern: new RegExp(
      [
        `${FREE}fetch\\s*\\((?![^()]*\\)\\s*(?::[^=;{}()]*)?\\{)`,
        `${FREE}fetch\\s*[,;)\\]}]`,
        "\\b(?:globalThis|Bun)\\.fetch\\b",
      ].join("|"),
      "g",
    ),
    rooms: PRODUCT,
    homes: ["src/gateway/transport.ts"],
  },
  {
    what: "writes to the console",
    pattern: new RegExp(`${FREE}console\\s*[.[]`, "g"),
    rooms: PROGRAMS,
    homes: ["src/cli/terminal.ts", "bench/terminal.ts"],
  },
];

const BANS: readonly Word[] = [
  {
    what: "says any",
    // Where a type stands; a value may have the name.
    pattern:
      /(?:[:<|&]|=>|\b(?:as|extends|is|keyof))\s*any\b(?!\s*[:(])|\btype\s[^=;]*=\s*any\b|(?<![\w$.])any(?:\[\]|>)/g,
    rooms: ALL,
    homes: [],
  },
  { what: "says as unknown as", pattern: /\bas\s+unknown\s+as\b/g, rooms: ALL, homes: [] },
  {
    what: "silences the type checker",
    pattern: /@ts-(?:ignore|expect-error|nocheck)\b/g,
    rooms: ALL,
    homes: [],
    view: "comments",
  },
  // Prettier code has a space or an opening bracket before a `!` that negates.
  { what: "says non-null !", pattern: /[\w$)\]]!(?!=)/g, rooms: ALL, homes: [] },
  { what: "declares an enum", pattern: /\benum\s+\w+\s*\{/g, rooms: ALL, homes: [] },
  {
    what: "exports a default",
    pattern: /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g,
    rooms: ALL,
    // drizzle-kit reads its settings from there.
    homes: ["drizzle/config.ts"],
  },
  { what: "exports *", pattern: /\bexport\s*(?:type\s*)?\*/g, rooms: ALL, homes: [] },
  { what: "says debugger", pattern: /(?<![\w$.])debugger\b/g, rooms: ALL, homes: [] },
  {
    what: "leaves something to do",
    pattern: /\b(?:TODO|FIXME|XXX)\b/g,
    rooms: ALL,
    homes: [],
    view: "comments",
  },
  {
    what: "does not run a test, or only one",
    pattern:
      /\b(?:test|it|describe)(?:\.\w+)*\.(?:skip|skipIf|only|todo|todoIf|if|failing)\b|\bx(?:it|test|describe)\s*\(/g,
    rooms: ["test/"],
    homes: [],
  },
];

export function wordsOutOfTheirHome(tree: Tree): readonly string[] {
  return HOMES.flatMap((word) => breachesOf(tree, word));
}

export function bannedWords(tree: Tree): readonly string[] {
  return BANS.flatMap((word) => breachesOf(tree, word));
}

function breachesOf(tree: Tree, word: Word): readonly string[] {
  return tree.sources
    .filter((source) => isIn(source.path, word.rooms) && !isIn(source.path, word.homes))
    .flatMap((source) => matchesIn(source, word));
}

function matchesIn(source: Source, word: Word): readonly string[] {
  const home = word.homes.length === 0 ? "" : `; its home: ${word.homes.join(", ")}`;
  return [...source[word.view ?? "code"].matchAll(word.pattern)].map(
    (match) => `${source.path}:${lineAt(source.text, match.index)} ${word.what}${home}`,
  );
}
