/**
 * Sealing of small secrets at rest: AES-256-GCM with a fresh 96-bit nonce, bound to the place it is
 * kept at (`providers/<id>/credential`) as additional data, so that a sealed text copied to another
 * row does not open. Keys are derived per purpose from the one master key.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { assert } from "./assert.ts";
import type { Random } from "./random.ts";

const VERSION = "v1";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a derived key is for; two purposes never share a key. */
export type KeyPurpose =
  | "access-token-pepper"
  | "credential"
  | "admin-token"
  | "idempotency-hash"
  | "idempotency-answer"
  | "credential-hash";

/** A sealed text that does not open. Names the place and the likely reasons, never the secret. */
export class SealError extends Error {
  override name = "SealError";

  constructor(boundTo: string, why: string) {
    super(`The sealed value of ${boundTo} does not open: ${why}.`);
  }
}

/** HKDF-SHA256 of the master key (32 bytes in, 32 bytes out). */
export function deriveKey(master: Uint8Array, purpose: KeyPurpose): Uint8Array {
  assert(master.length === KEY_BYTES, `the master key must have ${KEY_BYTES} bytes`);
  // The master key is uniformly random, so that no salt is needed (RFC 5869, section 3.1).
  return new Uint8Array(hkdfSync("sha256", master, "", `tollgate/v1/${purpose}`, KEY_BYTES));
}

/** `v1.NONCE.CIPHERTEXT.TAG`, each part in base64url. */
export function seal(key: Uint8Array, plain: string, boundTo: string, random: Random): string {
  const parts = encrypt(key, Buffer.from(plain), boundTo, random);
  return [VERSION, ...parts.map((part) => part.toString("base64url"))].join(".");
}

/** Of bytes that may be many: nonce, tag and ciphertext one after the other. */
export function sealBytes(
  key: Uint8Array,
  plain: Uint8Array,
  boundTo: string,
  random: Random,
): Buffer {
  const [nonce, ciphertext, tag] = encrypt(key, plain, boundTo, random);
  return Buffer.concat([nonce, tag, ciphertext]);
}

/** The bytes again; throws {@link SealError} like {@link unseal}. */
export function unsealBytes(
  key: Uint8Array,
  sealed: Uint8Array,
  boundTo: string,
): Buffer<ArrayBuffer> {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) throw new SealError(boundTo, "it is cut short");
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  return decrypt(
    key,
    { nonce, tag, ciphertext: sealed.subarray(NONCE_BYTES + TAG_BYTES) },
    boundTo,
  );
}

function encrypt(
  key: Uint8Array,
  plain: Uint8Array,
  boundTo: string,
  random: Random,
): [nonce: Buffer, ciphertext: Buffer, tag: Buffer] {
  assert(key.length === KEY_BYTES, `a sealing key must have ${KEY_BYTES} bytes`);
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(boundTo));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return [Buffer.from(nonce), ciphertext, cipher.getAuthTag()];
}

/** The plain text again; throws {@link SealError} when anything about it or its place changed. */
export function unseal(key: Uint8Array, sealed: string, boundTo: string): string {
  const [version, nonce, ciphertext, tag, ...rest] = sealed.split(".");
  if (version !== VERSION || tag === undefined || rest.length > 0) {
    throw new SealError(boundTo, "it is not in the sealed form v1");
  }
  const nonceBytes = decodePart(nonce, boundTo);
  const tagBytes = decodePart(tag, boundTo);
  if (nonceBytes.length !== NONCE_BYTES || tagBytes.length !== TAG_BYTES) {
    throw new SealError(boundTo, "its nonce or tag has the wrong length");
  }
  const parts = { nonce: nonceBytes, tag: tagBytes, ciphertext: decodePart(ciphertext, boundTo) };
  return decrypt(key, parts, boundTo).toString("utf8");
}

function decrypt(
  key: Uint8Array,
  parts: Readonly<Record<"nonce" | "tag" | "ciphertext", Uint8Array>>,
  boundTo: string,
): Buffer<ArrayBuffer> {
  assert(key.length === KEY_BYTES, `a sealing key must have ${KEY_BYTES} bytes`);
  const decipher = createDecipheriv(CIPHER, key, parts.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(boundTo));
  decipher.setAuthTag(parts.tag);
  try {
    return Buffer.concat([decipher.update(parts.ciphertext), decipher.final()]);
  } catch {
    throw new SealError(
      boundTo,
      "it was changed, moved here from another row, or sealed under another encryption key",
    );
  }
}

/** Strict base64url: a lenient decoder would accept a changed text as the same bytes. */
function decodePart(text: string | undefined, boundTo: string): Buffer {
  const bytes = Buffer.from(text ?? "", "base64url");
  if (bytes.toString("base64url") !== text) {
    throw new SealError(boundTo, "it is not valid base64url");
  }
  return bytes;
}
