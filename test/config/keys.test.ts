/** The encryption key: made once, private, durable, and refused in any other condition. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Random, systemRandom } from "../../src/base/random.ts";
import { KEY_FILE, type KeysReading, loadKeys } from "../../src/config/keys.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tollgate-keys-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function load(dataDir: string, encryptionKey: Uint8Array | null = null): KeysReading {
  return loadKeys({ dataDir, encryptionKey }, systemRandom);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe("the encryption key", () => {
  test("is made at the first start and found at the second, for its owner only", () => {
    const dataDir = join(folder, "deep", "data");
    const first = load(dataDir);
    const second = load(dataDir);
    const stored = new Uint8Array(
      Buffer.from(readFileSync(join(dataDir, KEY_FILE), "utf8"), "base64"),
    );
    expect(stored.length).toBe(32);
    expect([first, second]).toEqual([
      { ok: true, encryptionKey: stored, made: true },
      { ok: true, encryptionKey: stored, made: false },
    ]);
    expect([modeOf(dataDir), modeOf(join(dataDir, KEY_FILE))]).toEqual(["700", "600"]);
    expect(readdirSync(dataDir)).toEqual([KEY_FILE]);
  });

  test("differs between two data directories", () => {
    const keys = ["a", "b"].map((name) => {
      const reading = load(join(folder, name));
      return reading.ok ? Buffer.from(reading.encryptionKey).toString("hex") : reading.problem;
    });
    expect(new Set(keys).size).toBe(2);
  });

  test("that is configured makes the directory but no file", () => {
    const dataDir = join(folder, "data");
    const given = systemRandom.bytes(32);
    expect(load(dataDir, given)).toEqual({ ok: true, encryptionKey: given, made: false });
    expect(readdirSync(dataDir)).toEqual([]);
  });

  test("that others can read is refused, and left alone", () => {
    load(folder);
    const path = join(folder, KEY_FILE);
    const before = readFileSync(path, "utf8");
    for (const mode of [0o604, 0o640, 0o660]) {
      chmodSync(path, mode);
      expect(load(folder)).toEqual({
        ok: false,
        problem:
          `the encryption key ${path} can be read by others (mode 0${mode.toString(8)}); ` +
          `run \`chmod 600 ${path}\` and consider what it sealed exposed`,
      });
    }
    expect(readFileSync(path, "utf8")).toBe(before);
  });

  test("of a wrong length is refused without being shown", () => {
    const path = join(folder, KEY_FILE);
    for (const text of ["", "c2hvcnQ=\n", `${"A1b2C3d4".repeat(8)}\n`]) {
      writeFileSync(path, text, { mode: 0o600 });
      expect(load(folder)).toEqual({
        ok: false,
        problem: `the encryption key ${path} must be 32 bytes in base64, as \`openssl rand -base64 32\` prints them`,
      });
    }
  });

  test("that is a directory, or whose directory is a file, is refused with the reason", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    mkdirSync(join(folder, KEY_FILE), { mode: 0o700 });
    expect([load(file), load(join(file, "data")), load(folder)]).toEqual([
      {
        ok: false,
        problem: `the data directory ${file} cannot be made: something that is not a directory is in its place`,
      },
      {
        ok: false,
        problem: `the data directory ${join(file, "data")} cannot be made: a part of its path is not a directory`,
      },
      {
        ok: false,
        problem: `the encryption key ${join(folder, KEY_FILE)} cannot be made or read: it is a directory`,
      },
    ]);
  });

  test("that another process makes in the same moment is taken, not replaced", () => {
    const dataDir = join(folder, "race");
    const others: KeysReading[] = [];
    // Drawn after the file was found missing and before it is made: the other one comes in between.
    const random: Random = {
      ...systemRandom,
      uuid: () => {
        others.push(load(dataDir));
        return systemRandom.uuid();
      },
    };
    const mine = loadKeys({ dataDir, encryptionKey: null }, random);
    const [other] = others;
    if (!mine.ok || other?.ok !== true) throw new Error("neither should have been refused");
    expect([other.made, mine.made]).toEqual([true, false]);
    expect(mine.encryptionKey).toEqual(other.encryptionKey);
    expect(readdirSync(dataDir)).toEqual([KEY_FILE]);
  });
});
