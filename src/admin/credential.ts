/** Credentials of providers, sealed at rest and bound to their own row. */
import type { Random } from "../base/random.ts";
import { seal, unseal } from "../base/seal.ts";
import type { ProviderRow } from "../store/contract.ts";

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

/** In plain text; null when there is none. Throws SealError when it was tampered with. */
export function unsealCredential(
  key: Uint8Array,
  row: Pick<ProviderRow, "id" | "credentialSealed">,
): string | null {
  return row.credentialSealed === null ? null : unseal(key, row.credentialSealed, place(row.id));
}
