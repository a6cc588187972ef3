/**
 * The house rules, held by a test: who may import whom, where time, chance, the environment, the
 * network and the terminal live, what nobody writes, what a file looks like, and that documents
 * name things that exist. Each rule is also run on an example that breaks it, so that a rule which
 * finds nothing is known to be able to. The tables are in the files of the folder beside this one.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ERRORS } from "../src/base/error.ts";
import { codesNobodyNames } from "./tidy/codes.ts";
import { importCycles } from "./tidy/imports.ts";
import {
  longReadme,
  looseVersions,
  machinePaths,
  otherBunVersions,
  packagesWithoutRoom,
  pathsThatDoNotExist,
  ROOT_FILES,
  ROOT_FOLDERS,
  rootListing,
} from "./tidy/papers.ts";
import {
  importsAgainstTheTable,
  importsOfAnotherDialect,
  packagesOutOfTheirRoom,
  PACKAGES,
} from "./tidy/rooms.ts";
import { barrels, filesWithoutHeader, junkDrawers, longFiles, longLines } from "./tidy/shape.ts";
import { readTree, treeOf, type Rule } from "./tidy/tree.ts";
import { bannedWords, wordsOutOfTheirHome } from "./tidy/words.ts";

const house = readTree(join(import.meta.dir, ".."));

/** The rule holds in the house, and in the example it finds exactly these breaches. */
function holds(
  name: string,
  rule: Rule,
  example: Readonly<Record<string, string>>,
  breaches: readonly string[],
): void {
  describe(name, () => {
    test("holds", () => {
      expect(rule(house)).toEqual([]);
    });
    test("finds what breaks it", () => {
      expect(rule(treeOf(example))).toEqual(breaches);
    });
  });
}

test("the house has been read", () => {
  expect(house.files.get("package.json")).toContain('"name": "tollgate"');
  expect(house.sources.map((source) => source.path)).toContain("test/tidy.test.ts");
});

describe("imports", () => {
  holds(
    "follow the import table",
    importsAgainstTheTable,
    {
      "src/base/a.ts": [
        'import { b } from "../gateway/b.ts";',
        'import type { C } from "../store/c.ts";',
        'import { hkdfSync } from "node:crypto";',
        'import { readFileSync } from "node:fs";',
        '// import { no } from "../http/no.ts";',
        "const no = 'import x from \"../http/no.ts\"';",
      ].join("\n"),
      "src/base/b.ts": 'export { c } from "./c.ts";\nexport type { D } from "../http/d.ts";',
      "actors/policy/a.ts": 'import { now } from "../ask.ts";',
      "actors/a.ts": 'import "../src/gateway/b.ts";\nimport p from "./policy/a.ts";',
      "drizzle/schema.ts": [
        'import type { ScopeType } from "../src/base/scope.ts";',
        'import { scopes } from "../src/base/scope.ts";',
      ].join("\n"),
      "src/admin/a.ts": [
        'import { directory } from "../gateway/directory.ts";',
        'import { handle } from "../gateway/handle.ts";',
      ].join("\n"),
      "src/http/a.ts": [
        'const store = await import("../store/store.ts");',
        'type Dialect = import("../dialects/openai/dialect.ts").Dialect;',
        'import type { Dialects } from "../dialects/contract.ts";',
        "import {",
        "  schema,",
        '} from "../../drizzle/schema.ts";',
      ].join("\n"),
      "src/main.ts": 'import { serve } from "./http/server.ts";',
      "src/attic/a.ts": "",
      "bench/a.ts": 'import { x } from "../src/gateway/x.ts";\nimport { spawn } from "bun";',
      "test/a.test.ts": 'import { x } from "../src/gateway/x.ts";',
    },
    [
      "src/base/a.ts:1 may not import ../gateway/b.ts; allowed: src/base/",
      "src/base/a.ts:2 may not import ../store/c.ts; allowed: src/base/",
      "src/base/a.ts:4 may not import node:fs; allowed: src/base/",
      "src/base/b.ts:2 may not import ../http/d.ts; allowed: src/base/",
      "actors/policy/a.ts:1 may not import ../ask.ts; allowed: actors/policy/, src/base/",
      "actors/a.ts:1 may not import ../src/gateway/b.ts; allowed: actors/, src/base/",
      "drizzle/schema.ts:2 may not import ../src/base/scope.ts; allowed: drizzle/, types of src/base/",
      "src/admin/a.ts:2 may not import ../gateway/handle.ts; allowed: src/admin/, src/providers/, src/store/, src/telemetry/, src/gateway/directory.ts, src/gateway/directory-contract.ts, src/gateway/jobs/jobs-admin.ts, src/gateway/prices/, actors/policy/window.ts, src/base/",
      "src/http/a.ts:1 may not import ../store/store.ts; allowed: src/http/, src/gateway/, src/admin/, src/dialects/contract.ts, src/dialects/surfaces.ts, src/dialects/catalogue.ts, src/telemetry/, src/base/",
      "src/http/a.ts:2 may not import ../dialects/openai/dialect.ts; allowed: src/http/, src/gateway/, src/admin/, src/dialects/contract.ts, src/dialects/surfaces.ts, src/dialects/catalogue.ts, src/telemetry/, src/base/",
      "src/http/a.ts:4 may not import ../../drizzle/schema.ts; allowed: src/http/, src/gateway/, src/admin/, src/dialects/contract.ts, src/dialects/surfaces.ts, src/dialects/catalogue.ts, src/telemetry/, src/base/",
      "src/attic/a.ts is in no room of the import table",
      "bench/a.ts:1 may not import ../src/gateway/x.ts; allowed: bench/, src/base/",
    ],
  );

  holds(
    "keep dialects apart",
    importsOfAnotherDialect,
    {
      "src/dialects/catalogue.ts": 'import { openai } from "./openai/dialect.ts";',
      "src/dialects/contract.ts": 'import type { Wire } from "./openai/wire.ts";',
      "src/dialects/openai/dialect.ts": 'import "./wire.ts";\nimport "../sse.ts";',
      "src/dialects/google/dialect.ts": 'import type { W } from "../openai/wire.ts";',
    },
    [
      "src/dialects/contract.ts:1 reaches into the dialect ./openai/wire.ts",
      "src/dialects/google/dialect.ts:1 reaches into the dialect ../openai/wire.ts",
    ],
  );

  holds(
    "keep each package in one room",
    packagesOutOfTheirRoom,
    {
      "src/http/server.ts": 'import { Elysia } from "elysia";\nimport "swagger-ui-dist/a.css";',
      "src/gateway/handle.ts": 'import type { Context } from "elysia";\nimport "left-pad";',
      "src/gateway/page.ts": "Bun.resolveSync(`swagger-ui-dist/${name}`, import.meta.dir);",
      "src/gateway/price.ts": 'import { calcPrice } from "@pydantic/genai-prices";',
      "src/admin/price.ts": 'import { findProvider } from "@pydantic/genai-prices/data";',
      "src/store/database.ts": 'import { Database } from "bun:sqlite";\nimport fs from "node:fs";',
      "actors/a.ts": 'const { sql } = await import("drizzle-orm/sqlite-core");',
      "bench/a.ts": 'import OpenAI from "openai";',
      "test/a.test.ts": 'import OpenAI from "openai";',
    },
    [
      "src/gateway/handle.ts:1 imports elysia; its room: src/http/",
      "src/gateway/handle.ts:2 imports left-pad, unlisted",
      "src/gateway/page.ts:1 imports swagger-ui-dist; its room: src/http/",
      "actors/a.ts:1 imports drizzle-orm; its room: src/store/, drizzle/",
      "bench/a.ts:1 imports openai, unlisted",
      "@pydantic/genai-prices is imported by several files: src/gateway/price.ts, src/admin/price.ts",
    ],
  );

  holds(
    "do not go in circles",
    importCycles,
    {
      "src/base/a.ts": 'import type { B } from "./b.ts";\nimport "./d.ts";',
      "src/base/b.ts": 'import { c } from "./c.ts";',
      "src/base/c.ts": 'export { a } from "./a.ts";',
      "src/base/d.ts": 'import { c } from "./c.ts";',
      "src/base/e.ts": 'import { e } from "./e.ts";\nimport "./missing.ts";',
    },
    [
      "src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts is a circle of imports",
      "src/base/e.ts → src/base/e.ts is a circle of imports",
    ],
  );

  holds(
    "reach things where they are declared, not through a file of re-exports",
    barrels,
    {
      "src/base/index.ts": '/** All. */\nexport { a } from "./a.ts";\nimport { c } from "./c.ts";',
      "src/base/all.ts": 'export type * from "./a.ts";',
      "src/base/a.ts": 'export { b } from "./b.ts";\nexport const a = 1;',
      "src/base/start.ts": 'import { run } from "./run.ts";\nrun();',
    },
    [
      "src/base/index.ts only passes on what other files export",
      "src/base/all.ts only passes on what other files export",
    ],
  );
});

describe("words", () => {
  holds(
    "time, chance, the environment, the network and the terminal have one home each",
    wordsOutOfTheirHome,
    {
      "src/base/clock.ts": "Date.now(); performance.now(); setTimeout(f, 1); new Date();",
      "src/base/random.ts": "Math.random(); crypto.getRandomValues(bytes);",
      "src/config/environment.ts": "process.env",
      "src/gateway/transport.ts": "await fetch(url);",
      "src/cli/terminal.ts": "console.log(line);",
      "bench/terminal.ts": "console.log(line);",
      "bench/load.ts": "await fetch(url, { at: Date.now() });\nconsole.log(Math.random());",
      "test/a.test.ts": "await fetch(url); setTimeout(f, 1); Math.random(); console.log(1);",
      "actors/a.ts": [
        "const a = Date.now();",
        "const b = performance.now() + new Date().getTime() + new Date(atMs).getTime();",
        "clock.after(1, f); setInterval(f, 1); window.clearTimeout(b); Date();",
        "await Bun.sleep(1); AbortSignal.timeout(5); process.hrtime.bigint();",
        "// Date.now() in a comment, `performance.now()` too.",
        'log("setTimeout(f, 1)", `Date.now() ${Date.now()}`, /Date.now()/);',
      ].join("\n"),
      "src/gateway/a.ts": [
        "const id = crypto.randomUUID() + Math.random() + Bun.randomUUIDv7();",
        "const port = process.env.PORT ?? Bun.env.PORT;",
        "const answer = await fetch(`http://${host}/`);",
        "Bun.serve({ fetch(request) { return reply(request); }, async fetch(r): Promise<Response> {} });",
        "store.fetch(row); const get = globalThis.fetch; prefetch(); use(fetch);",
        "console.error(answer); my.console.log(1); consoleOf(x);",
      ].join("\n"),
    },
    [
      "actors/a.ts:1 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:2 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:2 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:3 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:3 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:4 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:4 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:4 reads the clock; its home: src/base/clock.ts",
      "actors/a.ts:6 reads the clock; its home: src/base/clock.ts",
      "bench/load.ts:2 draws at random; its home: src/base/random.ts",
      "src/gateway/a.ts:1 draws at random; its home: src/base/random.ts",
      "src/gateway/a.ts:1 draws at random; its home: src/base/random.ts",
      "src/gateway/a.ts:1 draws at random; its home: src/base/random.ts",
      "src/gateway/a.ts:2 reads the environment; its home: src/config/",
      "src/gateway/a.ts:2 reads the environment; its home: src/config/",
      "src/gateway/a.ts:3 calls fetch; its home: src/gateway/transport.ts",
      "src/gateway/a.ts:5 calls fetch; its home: src/gateway/transport.ts",
      "src/gateway/a.ts:5 calls fetch; its home: src/gateway/transport.ts",
      "bench/load.ts:2 writes to the console; its home: src/cli/terminal.ts, bench/terminal.ts",
      "src/gateway/a.ts:6 writes to the console; its home: src/cli/terminal.ts, bench/terminal.ts",
    ],
  );

  holds(
    "ways around the tools are not taken",
    bannedWords,
    {
      "src/a.ts": [
        "function f(a: any, b: Map<string, any>, c: any[]): any { return a as any; }",
        "await Promise.any(all); const t = { any: 1, company: anything }; s.any(); f((any) => g(any, 1));",
        "const b = a as unknown as B;",
        "// @ts-ignore\n// @ts-expect-error\n/* @ts-nocheck */",
        "const c = row!.id + rows[0]!.id + f()! + (d as E)!;",
        "if (!a && !(b) && a !== b && a != b) return [!c, `${a}!`, 'b!', /c!/];",
        "class G { h!: string }",
        "const enum I { J }",
        "export default f;\nexport { f as default };",
        "export * from './b.ts';\nexport type * from './c.ts';",
        "debugger; log.debugger();",
        "// TODO: later; FIXME, XXX\nconst todo = 'TODO';",
        "it.only(1); test.skip(2);",
      ].join("\n"),
      "drizzle/config.ts": "export default settings;",
      "test/a.test.ts": [
        "test.only('a', f); describe.skip('b', f); it.todo('c'); test.each([]).skipIf(d)('e', f);",
        "test.concurrent.only('f', g); xit('h', f); test('only', f); list.skip(1); test.if(a)('i', f);",
      ].join("\n"),
    },
    [
      ...Array.from({ length: 5 }, () => "src/a.ts:1 says any"),
      "src/a.ts:3 says as unknown as",
      "src/a.ts:4 silences the type checker",
      "src/a.ts:5 silences the type checker",
      "src/a.ts:6 silences the type checker",
      ...Array.from({ length: 4 }, () => "src/a.ts:7 says non-null !"),
      "src/a.ts:9 says non-null !",
      "src/a.ts:10 declares an enum",
      "src/a.ts:11 exports a default; its home: drizzle/config.ts",
      "src/a.ts:12 exports a default; its home: drizzle/config.ts",
      "src/a.ts:13 exports *",
      "src/a.ts:14 exports *",
      "src/a.ts:15 says debugger",
      "src/a.ts:16 leaves something to do",
      "src/a.ts:16 leaves something to do",
      "src/a.ts:16 leaves something to do",
      ...Array.from({ length: 3 }, () => "test/a.test.ts:1 does not run a test, or only one"),
      ...Array.from({ length: 3 }, () => "test/a.test.ts:2 does not run a test, or only one"),
    ],
  );
});

describe("files", () => {
  holds(
    "say at their top what they own",
    filesWithoutHeader,
    {
      "src/a.ts": 'import { b } from "./b.ts";\n/** Late. */',
      "src/b.ts": "#!/usr/bin/env bun\n/** What it owns. */",
      "actors/a.ts": "// What it owns.",
      "bench/a.ts": "",
      "test/a.test.ts": "",
    },
    [
      "src/a.ts:1 does not say at its top what it owns",
      "bench/a.ts:1 does not say at its top what it owns",
    ],
  );

  holds(
    "hold one idea, so they are short",
    longFiles,
    {
      "src/a.ts": "a;\n".repeat(301),
      "src/b.ts": "b;\n".repeat(300),
      "src/base/error.ts": "c;\n".repeat(400),
      "test/a.test.ts": "d;\n".repeat(400),
    },
    ["src/a.ts has 301 lines; at most 300"],
  );

  holds(
    "keep to the margin outside strings",
    longLines,
    {
      "src/a.ts": `// ${"a".repeat(118)}\nconst b = "${"b".repeat(200)}";\nconst ${"c".repeat(110)} = 1;`,
      "src/b.ts": `// ${"a".repeat(117)}`,
    },
    ["src/a.ts:1 has 121 columns; at most 120", "src/a.ts:3 has 121 columns; at most 120"],
  );

  holds(
    "are no drawers for leftovers",
    junkDrawers,
    {
      "src/utils/a.ts": "",
      "src/base/helpers.ts": "",
      "test/common/a.ts": "",
      "src/base/utilisation.ts": "",
    },
    ["src/utils/a.ts", "src/base/helpers.ts", "test/common/a.ts"].map(
      (path) => `${path} is named for leftovers; what it holds has a home or needs one`,
    ),
  );
});

describe("the repository", () => {
  holds(
    "has the approved things at its root, and nothing else",
    rootListing,
    {
      ...Object.fromEntries(ROOT_FILES.slice(1).map((name) => [name, ""])),
      ...Object.fromEntries(ROOT_FOLDERS.map((name) => [`${name}/a.ts`, ""])),
      "docs/a.md": "",
      ".gitignore": "",
      "node_modules/a/a.ts": "",
    },
    ["docs is not approved", "ARCHITECTURE.md is missing"],
  );

  holds(
    "has documents that name only what exists",
    pathsThatDoNotExist,
    {
      "README.md": [
        "See `src/main.ts`, `src/gone.ts:12`, [the map](ARCHITECTURE.md) and [more](MORE.md#a).",
        "Not paths: `bun start`, `/v1/models`, `and/or`, `handle.ts`, src/unquoted.ts.",
        "```text",
        "├─ src/",
        "│  bench/ and src/base/*.ts, test/*.ts",
        "bun ./src/main.ts --port 0",
        "```",
        "`package.json` `CHANGELOG.md` `actors/`",
      ].join("\n"),
      "ARCHITECTURE.md": "`src/base/{clock,random}.ts` `.ci/run` `test/{a,b}.ts`",
      "src/main.ts": "",
      "src/base/clock.ts": "",
      ".ci/run": "",
      "package.json": "{}",
    },
    [
      "README.md:1 names src/gone.ts, which does not exist",
      "README.md:1 names MORE.md, which does not exist",
      "README.md:5 names bench/, which does not exist",
      "README.md:5 names test/*.ts, which does not exist",
      "README.md:8 names CHANGELOG.md, which does not exist",
      "README.md:8 names actors/, which does not exist",
      "ARCHITECTURE.md:1 names test/{a,b}.ts, which does not exist",
    ],
  );

  holds("has a README of a few screens", longReadme, { "README.md": "a\n".repeat(121) }, [
    "README.md has 121 lines; at most 120",
  ]);

  holds(
    "pins every dependency to one version",
    looseVersions,
    {
      "package.json": JSON.stringify({
        dependencies: { a: "^1.2.3", b: "1.2.3", c: "latest" },
        devDependencies: { d: "1.x", e: "0.1.0-rc.1" },
      }),
    },
    [
      "package.json pins a to ^1.2.3, not to one version",
      "package.json pins c to latest, not to one version",
      "package.json pins d to 1.x, not to one version",
    ],
  );

  const { elysia, ...others } = PACKAGES;
  holds(
    "gives every shipped package a room, and no room to a package it does not have",
    packagesWithoutRoom,
    {
      "package.json": JSON.stringify({
        dependencies: { ...others, "left-pad": "1.3.0" },
      }),
    },
    [
      "left-pad is a dependency without a room in the import table",
      `elysia has a room in the import table but is no dependency`,
    ],
  );

  test("knows where elysia lives", () => {
    expect(elysia).toEqual(["src/http/"]);
  });

  holds(
    "names one version of Bun",
    otherBunVersions,
    {
      "README.md": "npx -y bun@1.4.4 start\nnpx -y bun@1.4.5 start.",
      Dockerfile: "FROM oven/bun:1.3.0-slim AS a\nFROM oven/bun:1.4.4-slim",
      "package.json": '{ "bun-types": "1.4.3" }',
      ".ci/run": "npx -y bun@1 test",
    },
    [
      "Dockerfile:1 names Bun 1.3.0, not 1.4.4",
      "README.md:2 names Bun 1.4.5, not 1.4.4",
      "package.json:1 names Bun 1.4.3, not 1.4.4",
      ".ci/run:1 names Bun 1, not 1.4.4",
    ],
  );

  const machine = ["", "work", "main"].join("/");
  holds(
    "names no folder of the machine it was written on",
    machinePaths,
    {
      "src/a.ts": `// see\nconst path = "${machine}/src"; const url = "https://host${machine}";`,
      "README.md": `cd ${machine.replace("work", "root")}`,
    },
    [
      `src/a.ts:2 names ${machine.slice(0, 6)}, a folder of some machine`,
      `README.md:1 names ${machine.slice(0, 6).replace("work", "root")}, a folder of some machine`,
    ],
  );

  const codes = Object.keys(ERRORS);
  holds(
    "produces and asserts every error code",
    (tree) => codesNobodyNames(tree, tree === house ? codes : ["gone", "lost", "fine"]),
    {
      "src/base/error.ts": "gone lost fine",
      "src/gateway/a.ts": 'refuse("fine");\nrefuse("lost"); // gone',
      "test/a.test.ts": 'expect(code).toBe("fine");',
      "test/tidy.test.ts": "gone lost fine",
    },
    ["gone is produced nowhere", "gone is asserted by no test", "lost is asserted by no test"],
  );
});
