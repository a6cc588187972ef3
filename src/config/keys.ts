/**
 * The encryption key: given by the operator, or made once in the data directory for its owner's eyes
 * only. A key is durable before it is used, never replaced, and never read from a file that others
 * can read: what it sealed could not be opened without it, and would not be sealed with it.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "../base/random.ts";
import type { Config } from "./config.ts";
import { systemReason } from "./system-reason.ts";
import { ENCRYPTION_KEY_BYTES, readEncryptionKey } from "./values.ts";

export const KEY_FILE = "encryption.key";

type Problem = { readonly ok: false; readonly problem: string };

export type KeysReading =
  | {
      readonly ok: true;
      /** 32 bytes. */
      readonly encryptionKey: Uint8Array;
      /** True when this call made the key. */
      readonly made: boolean;
    }
  | Problem;

/** Makes the data directory (mode 0700) when missing, and the key in it unless one is configured. */
export function loadKeys(
  config: Pick<Config, "dataDir" | "encryptionKey">,
  random: Random,
): KeysReading {
  const { dataDir } = config;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    return problem(`the data directory ${dataDir} cannot be made: ${systemReason(error)}`);
  }
  if (config.encryptionKey !== null) {
    return { ok: true, encryptionKey: config.encryptionKey, made: false };
  }
  const path = join(dataDir, KEY_FILE);
  try {
    const made = makeKeyFile(dataDir, path, random);
    const read = readKeyFile(path);
    return read.ok ? { ...read, made } : read;
  } catch (error) {
    return problem(`the encryption key ${path} cannot be made or read: ${systemReason(error)}`);
  }
}

function problem(text: string): Problem {
  return { ok: false, problem: text };
}

/**
 * Makes the file unless it is there. It is written and synced under another name first and then
 * linked, which fails when somebody else was faster: a crash or a second process never leaves half a
 * key, and never replaces one.
 */
function makeKeyFile(dataDir: string, path: string, random: Random): boolean {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return false;
  const draft = `${path}.${random.uuid()}`;
  const file = openSync(draft, "wx", 0o600);
  try {
    writeSync(file, `${Buffer.from(random.bytes(ENCRYPTION_KEY_BYTES)).toString("base64")}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    linkSync(draft, path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const directory = openSync(dataDir, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
  return true;
}

function readKeyFile(
  path: string,
): { readonly ok: true; readonly encryptionKey: Uint8Array } | Problem {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) !== 0) {
    return problem(
      `the encryption key ${path} can be read by others (mode ${mode.toString(8).padStart(4, "0")}); ` +
        `run \`chmod 600 ${path}\` and consider what it sealed exposed`,
    );
  }
  const reading = readEncryptionKey(readFileSync(path, "utf8").trim());
  return reading.ok
    ? { ok: true, encryptionKey: reading.value }
    : problem(`the encryption key ${path} ${reading.complaint}`);
}
