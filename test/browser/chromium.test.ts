/** The set-up of the browser tests, with scripts in the place of apt-get: it never gives up silently. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumPath, type ChromiumSetup } from "./chromium.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tollgate-setup-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A machine whose apt-get is the given script; `$folder` is where it may leave things. */
function machine(script: string, more: Partial<ChromiumSetup> = {}): ChromiumSetup {
  const aptGet = join(folder, "apt-get");
  writeFileSync(aptGet, `#!/bin/sh\nfolder=${folder}\n${script}\n`);
  chmodSync(aptGet, 0o755);
  const path = join(folder, "chromium");
  return { path, aptGet, isRoot: true, patienceMs: 20_000, ...more };
}

/** The sentence with which it fails, the folder left out; null when it does not. */
async function complaint(setup: ChromiumSetup): Promise<string | null> {
  try {
    await chromiumPath(setup);
    return null;
  } catch (error) {
    return String(error).replaceAll(folder, "");
  }
}

const NEED = "Error: The browser tests need Chromium at /chromium";

describe("Chromium for the browser tests", () => {
  test("is taken where it is, without asking for packages", async () => {
    const setup = machine('touch "$folder/asked"');
    writeFileSync(setup.path, "");
    expect([await chromiumPath(setup), existsSync(join(folder, "asked"))]).toEqual([
      setup.path,
      false,
    ]);
  });

  test("is installed when it is missing", async () => {
    const setup = machine(
      'echo "$DEBIAN_FRONTEND $*" >> "$folder/asked"\n[ "$1" = update ] || touch "$folder/chromium"',
    );
    expect(await chromiumPath(setup)).toBe(setup.path);
    expect(readFileSync(join(folder, "asked"), "utf8")).toBe(
      "noninteractive update\nnoninteractive install --yes --no-install-recommends chromium\n",
    );
  });

  const failures: readonly (readonly [
    when: string,
    script: string,
    more: Partial<ChromiumSetup>,
    said: string,
  ])[] = [
    [
      "there is no network",
      '[ "$1" = update ] && exit 0; echo "E: Unable to fetch some archives" >&2; exit 100',
      {},
      ", and `apt-get install --yes --no-install-recommends chromium` failed: E: Unable to fetch some archives",
    ],
    [
      "a mirror does not answer",
      "sleep 60; exit 1",
      { patienceMs: 100 },
      ", and `apt-get update` took too long",
    ],
    ["the package has changed", "exit 0", {}, ", and the package did not put it there"],
    [
      "we are not root",
      "exit 0",
      { isRoot: false },
      "; install Debian's package chromium, or run them as root",
    ],
    [
      "this is not Debian",
      "exit 0",
      { aptGet: "no-such-apt-get" },
      ", and there is no apt-get to install it",
    ],
  ];
  for (const [when, script, more, said] of failures) {
    test(`fails with a sentence when ${when}`, async () => {
      expect(await complaint(machine(script, more))).toBe(`${NEED}${said}`);
    });
  }
});
