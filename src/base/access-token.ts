/**
 * The text of an access token: `sk-tg-`, 32 base62 characters drawn at random (190 bits), and the
 * CRC32 of everything before it as six base62 characters. The checksum lets a mistyped token be
 * refused without a look-up; it proves nothing. Only a keyed hash and the last four characters are
 * ever kept.
 */
import { base62, randomBase62 } from "./base62.ts";
import type { Random } from "./random.ts";

const PREFIX = "sk-tg-";
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const HINT_LENGTH = 4;
const SHAPE = /^sk-tg-[0-9A-Za-z]{38}$/;

/** For secret scanners: finds access tokens in any text. Published in the documentation. */
export const ACCESS_TOKEN_SCANNER = String.raw`\bsk-tg-[0-9A-Za-z]{38}\b`;

/** A fresh access token. Whoever gets it must show it once and keep only its hash. */
export function newAccessToken(random: Random): string {
  const body = PREFIX + randomBase62(random, SECRET_LENGTH);
  return body + checksum(body);
}

/** Whether the text has the form and checksum of an access token; costs no look-up. */
export function isAccessToken(text: string): boolean {
  if (!SHAPE.test(text)) return false;
  return text.slice(-CHECKSUM_LENGTH) === checksum(text.slice(0, -CHECKSUM_LENGTH));
}

/** HMAC-SHA256 in hexadecimal. Without the pepper a copy of the database verifies nothing. */
export function hashAccessToken(pepper: Uint8Array, token: string): string {
  return new Bun.CryptoHasher("sha256", pepper).update(token).digest("hex");
}

/** The last four characters, by which an operator recognises an access token. */
export function accessTokenHint(token: string): string {
  return token.slice(-HINT_LENGTH);
}

function checksum(body: string): string {
  return base62(Bun.hash.crc32(body), CHECKSUM_LENGTH);
}
