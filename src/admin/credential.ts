/** Credentials of providers, sealed at rest and bound to their own row. */
import type { Random } from "../base/random.ts";
import { seal, unseal } from "../base/seal.ts";

function place(providerId: string): string {
  return `providers/${providerId}/credential`;
}

export function sealCredential(
  key: Uint8Array,
  providerId: string,
  plain: string,
  random: Random,
): string {
  return seal(key, plain, place(providerId), random);
}

/** In plain text. Throws SealError when it was tampered with or belongs to another provider. */
export function unsealCredential(key: Uint8Array, providerId: string, sealed: string): string {
  return unseal(key, sealed, place(providerId));
}
