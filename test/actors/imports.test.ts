/** Guarantee: XState stays behind the actors, and policies know nothing but the base. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../..");

async function importersOf(
  pattern: string,
  isForbidden: (from: string) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  for await (const path of new Bun.Glob(pattern).scan({ cwd: ROOT })) {
    const source = await Bun.file(resolve(ROOT, path)).text();
    for (const [, from = ""] of source.matchAll(/\bfrom\s+"([^"]+)"/g)) {
      if (isForbidden(from)) found.push(`${path} imports ${from}`);
    }
  }
  return found;
}

function isXstate(from: string): boolean {
  return from === "xstate" || from.startsWith("xstate/");
}

function isForeign(from: string): boolean {
  return !/^(\.\/|\.\.\/\.\.\/src\/base\/)[^/]+$/.test(from);
}

test("nothing outside the actors imports xstate", async () => {
  expect(await importersOf("{src,bench,drizzle}/**/*.ts", isXstate)).toEqual([]);
  // The rule sees what it looks for.
  expect((await importersOf("actors/*.ts", isXstate)).length).toBeGreaterThan(3);
});

test("policies import each other and the base only", async () => {
  expect(await importersOf("actors/policy/*.ts", isForeign)).toEqual([]);
  expect((await importersOf("actors/*.ts", isForeign)).length).toBeGreaterThan(3);
});
