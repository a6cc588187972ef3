/**
 * What a client's Idempotency-Key and the request it came with are known by: keyed hashes, bound to
 * the access token, so that neither can be read off the database or guessed from it.
 */
import { LIMITS } from "../../base/limits.ts";
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest } from "../../dialects/contract.ts";
import type { KeyRef } from "../../store/idempotency-contract.ts";
import type { ClientCall } from "../exchange.ts";

export const IDEMPOTENCY_KEY = "idempotency-key";

/** Headers that change what is executed: with other values it is another request. */
const TELLING_HEADERS = ["x-tollgate-strategy", "x-tollgate-tags"] as const;

export type KeyOfRequest = KeyRef & { readonly bodyHash: string };

export function readIdempotencyKey(
  secret: Uint8Array,
  key: string,
  tokenId: string,
  { headers, query }: Pick<ClientCall, "headers" | "query">,
  request: ClientRequest,
): Verdict<KeyOfRequest> {
  const { idempotencyKeyCharactersMax: charactersMax } = LIMITS;
  if (key.length > charactersMax || !/^[\x20-\x7e]+$/.test(key)) {
    const message = `${IDEMPOTENCY_KEY} must be 1 to ${charactersMax} printable ASCII characters.`;
    return refuse("invalid_request", message, { param: IDEMPOTENCY_KEY });
  }
  const telling = TELLING_HEADERS.map((name) => headers.get(name));
  const known = JSON.stringify([request.surface, query, ...telling]);
  return allow({
    tokenId,
    keyHash: hash(secret, [JSON.stringify([tokenId, key])]),
    // A form has another boundary each time it is sent.
    bodyHash: hash(secret, [known, "\n", request.form?.digest ?? request.bytes]),
  });
}

function hash(secret: Uint8Array, parts: readonly (string | Uint8Array)[]): string {
  const hasher = new Bun.CryptoHasher("sha256", secret);
  for (const part of parts) hasher.update(part);
  return hasher.digest("hex");
}
