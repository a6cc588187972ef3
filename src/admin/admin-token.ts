/**
 * The admin token: given by the operator, or made at first start, shown once and kept as a keyed
 * hash. What a given one must look like is the configuration's rule, which refuses it before this.
 */
import { timingSafeEqual } from "node:crypto";
import { randomBase62 } from "../base/base62.ts";
import type { Random } from "../base/random.ts";
import type { Store } from "../store/contract.ts";

const PREFIX = "tg-admin-";
/** 43 base62 characters hold 256 bits. */
const SECRET_LENGTH = 43;
const SETTING = "admin_token_hash";

export type AdminToken = {
  /** Whether a presented text is the admin token; takes the same time for every wrong one. */
  readonly matches: (text: string) => boolean;
  /** The text, when this start made it: to be shown once. */
  readonly made: string | null;
};

/**
 * The admin token of this run: `given` wins and is not stored, so that taking it out of the
 * environment ends it; else the stored one; else a new one.
 */
export async function ensureAdminToken(deps: {
  readonly store: Pick<Store, "setting" | "setSetting">;
  readonly random: Random;
  /** Keys the hash. */
  readonly key: Uint8Array;
  readonly given: string | null;
  /** Shows a made one; called before it is kept, so that none is kept that nobody has seen. */
  readonly show?: (text: string) => void;
}): Promise<AdminToken> {
  const { store, random, key, given, show } = deps;
  if (given !== null) return adminToken(key, hash(key, given), null);
  const stored = await store.setting(SETTING);
  if (stored !== null) return adminToken(key, Buffer.from(stored, "hex"), null);
  const made = PREFIX + randomBase62(random, SECRET_LENGTH);
  const madeHash = hash(key, made);
  show?.(made);
  await store.setSetting(SETTING, madeHash.toString("hex"));
  return adminToken(key, madeHash, made);
}

function adminToken(key: Uint8Array, expected: Buffer, made: string | null): AdminToken {
  return {
    matches: (text) => {
      const presented = hash(key, text);
      return presented.length === expected.length && timingSafeEqual(presented, expected);
    },
    made,
  };
}

function hash(key: Uint8Array, text: string): Buffer {
  return Buffer.from(new Bun.CryptoHasher("sha256", key).update(text).digest("hex"), "hex");
}
