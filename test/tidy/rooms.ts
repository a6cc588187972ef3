/**
 * Who may import whom, as tables: arrows point down, dialects do not know each other, and each
 * package from outside has one room, so that it can be replaced there.
 */
import { importsOf, type Import } from "./imports.ts";
import { isIn, type Source, type Tree } from "./tree.ts";

type Room = {
  readonly room: string;
  /** Files of ours that it may import. */
  readonly may: readonly string[];
  /** Files of ours of which it may import the types alone. */
  readonly mayTypes?: readonly string[];
  /** Built-in modules it may import; absent: all of them. */
  readonly builtins?: readonly string[];
};

const EVERYTHING = ["src/", "actors/", "drizzle/", "bench/", "package.json"];
const BASE = "src/base/";

/** The first room that holds a file is its room. */
const ROOMS: readonly Room[] = [
  { room: BASE, may: [BASE], builtins: ["node:crypto"] },
  { room: "actors/policy/", may: ["actors/policy/", BASE], builtins: [] },
  { room: "actors/", may: ["actors/", BASE], builtins: [] },
  { room: "drizzle/", may: ["drizzle/"], mayTypes: [BASE], builtins: [] },
  { room: "src/config/", may: ["src/config/", BASE] },
  { room: "src/prices/", may: ["src/prices/", BASE] },
  { room: "src/dialects/", may: ["src/dialects/", BASE], builtins: [] },
  {
    room: "src/providers/",
    may: ["src/providers/", "src/dialects/surfaces.ts", BASE],
    builtins: [],
  },
  { room: "src/store/", may: ["src/store/", "drizzle/", BASE] },
  { room: "src/telemetry/", may: ["src/telemetry/", BASE] },
  {
    room: "src/gateway/",
    may: [
      "src/gateway/",
      "actors/",
      "src/dialects/",
      "src/providers/",
      "src/store/",
      "src/telemetry/",
      BASE,
    ],
  },
  {
    room: "src/admin/",
    may: [
      "src/admin/",
      "src/providers/",
      "src/store/",
      "src/telemetry/",
      "src/gateway/directory.ts",
      "src/gateway/directory-contract.ts",
      "src/gateway/jobs/jobs-admin.ts",
      // What prices and windows are is arithmetic that operators are shown the results of.
      "src/gateway/prices/",
      "actors/policy/window.ts",
      BASE,
    ],
  },
  {
    room: "src/http/",
    may: [
      "src/http/",
      "src/gateway/",
      "src/admin/",
      "src/dialects/contract.ts",
      "src/dialects/surfaces.ts",
      "src/dialects/catalogue.ts",
      "src/telemetry/",
      BASE,
    ],
  },
  { room: "src/cli/", may: EVERYTHING },
  { room: "src/main.ts", may: EVERYTHING },
  // It makes databases, which only the store knows how to.
  { room: "bench/ledger-size/", may: ["bench/", "src/store/", "drizzle/", BASE] },
  { room: "bench/", may: ["bench/", BASE] },
];

/** Where each package may be imported; tests may import any. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@elysiajs/swagger": ["src/http/"],
  "@pydantic/genai-prices": ["src/admin/", "src/gateway/", "src/prices/"],
  "@sinclair/typebox": ["src/admin/", "src/http/"],
  "@smithy/eventstream-codec": ["src/gateway/wire/event-stream.ts"],
  aws4fetch: ["src/gateway/credentials/sigv4.ts"],
  // Only the system's own sockets can be as slow as a peer that is measured against.
  "bun:ffi": ["bench/slow-peers/"],
  "bun:sqlite": ["src/store/"],
  commander: ["src/cli/"],
  "drizzle-kit": ["drizzle/config.ts"],
  "drizzle-orm": ["src/store/", "drizzle/"],
  elysia: ["src/http/"],
  "gpt-tokenizer": ["src/gateway/token-count/thread.ts"],
  // What an address is, both the admin API (on saving) and the gateway (on calling) must know.
  "ipaddr.js": ["src/base/address.ts"],
  pino: ["src/telemetry/"],
  "pino-pretty": ["src/telemetry/"],
  "prom-client": ["src/telemetry/"],
  "swagger-ui-dist": ["src/http/"],
  xstate: ["actors/"],
  yaml: ["src/config/"],
};

/** Packages that exactly one file may import, in any of their rooms. */
const ONE_FILE_PACKAGES = ["@pydantic/genai-prices"];

export function importsAgainstTheTable(tree: Tree): readonly string[] {
  return tree.sources.filter(isRuled).flatMap((source) => {
    const room = ROOMS.find((one) => isIn(source.path, [one.room]));
    if (room === undefined) return [`${source.path} is in no room of the import table`];
    return importsOf(source)
      .filter((one) => !isAllowed(room, one))
      .map((one) => {
        const allowed = [...room.may, ...(room.mayTypes ?? []).map((place) => `types of ${place}`)];
        return `${source.path}:${one.line} may not import ${one.specifier}; allowed: ${allowed.join(", ")}`;
      });
  });
}

function isRuled(source: Source): boolean {
  return !source.path.startsWith("test/");
}

function isAllowed(room: Room, one: Import): boolean {
  if (one.path !== null) {
    return isIn(one.path, room.may) || (one.isTypeOnly && isIn(one.path, room.mayTypes ?? []));
  }
  const isBuiltin = /^(?:node:|bun$)/.test(one.module ?? "");
  return !isBuiltin || room.builtins === undefined || room.builtins.includes(one.module ?? "");
}

/** A dialect's folder is known to the catalogue and to itself. */
export function importsOfAnotherDialect(tree: Tree): readonly string[] {
  const folder = /^src\/dialects\/[^/]+\//;
  return tree.sources
    .filter((source) => isRuled(source) && source.path !== "src/dialects/catalogue.ts")
    .filter((source) => source.path.startsWith("src/dialects/"))
    .flatMap((source) =>
      importsOf(source)
        .filter((one) => folder.test(one.path ?? ""))
        .filter((one) => folder.exec(one.path ?? "")?.[0] !== folder.exec(source.path)?.[0])
        .map((one) => `${source.path}:${one.line} reaches into the dialect ${one.specifier}`),
    );
}

export function packagesOutOfTheirRoom(tree: Tree): readonly string[] {
  const importers = new Map<string, string[]>();
  const breaches: string[] = [];
  for (const source of tree.sources.filter(isRuled)) {
    for (const { module, line } of importsOf(source)) {
      if (module === null || /^(?:node:|bun$)/.test(module)) continue;
      const homes = PACKAGES[module];
      if (homes === undefined) breaches.push(`${source.path}:${line} imports ${module}, unlisted`);
      else if (!isIn(source.path, homes)) {
        breaches.push(`${source.path}:${line} imports ${module}; its room: ${homes.join(", ")}`);
      }
      importers.set(module, [...(importers.get(module) ?? []), source.path]);
    }
  }
  for (const name of ONE_FILE_PACKAGES) {
    const files = [...new Set(importers.get(name))];
    if (files.length > 1)
      breaches.push(`${name} is imported by several files: ${files.join(", ")}`);
  }
  return breaches;
}
