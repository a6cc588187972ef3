/**
 * Access token → who asks. The credential is taken from the headers that official clients use;
 * its checksum is tested before anything is looked up, and every refusal says which of the ways it is
 * not valid, which helps its owner and tells a guesser nothing: 190 random bits are not guessed.
 */
import { hashAccessToken, isAccessToken } from "../base/access-token.ts";
import { allow, refuse, type Verdict } from "../base/verdict.ts";
import { CREDENTIAL_HEADERS } from "../dialects/catalogue.ts";
import type { TokenRow } from "../store/contract.ts";
import type { Principal } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";

/** Who asks, in one step, for what is answered at once. */
export function authenticate(gateway: Gateway, headers: Headers): Verdict<Principal> {
  const hash = identify(gateway, headers);
  return hash.allowed ? principalOf(gateway, hash.value) : hash;
}

/** The keyed hash of the access token that was presented: all that is kept of it. */
export function identify(gateway: Gateway, headers: Headers): Verdict<string> {
  const text = presentedToken(headers);
  if (text === null) {
    return invalid("No access token was presented: send it as `Authorization: Bearer sk-tg-…`.");
  }
  if (!isAccessToken(text)) {
    return invalid("The access token is malformed: it is `sk-tg-` and 38 letters or digits.");
  }
  return allow(hashAccessToken(gateway.tokenPepper, text));
}

/** Who presented it, at this moment: asked again, it sees what was revoked or edited meanwhile. */
export function principalOf(gateway: Gateway, hash: string): Verdict<Principal> {
  const token = gateway.directory.tokenByHash(hash);
  if (token === null) return invalid("The access token is unknown.");
  const nowMs = gateway.clock.nowMs();
  if (token.revokedAtMs !== null) return invalid("The access token was revoked.");
  if (token.expiresAtMs !== null && token.expiresAtMs <= nowMs) {
    return invalid("The access token has expired.");
  }
  if (isRotatedOut(token, hash, nowMs)) {
    return invalid("The access token was rotated; use the new one.");
  }
  const principal = gateway.directory.principalOf(token);
  return principal.tenant.status === "active"
    ? allow(principal)
    : refuse("tenant_suspended", "This tenant is suspended.");
}

/** The bearer credential, else the first of the other headers; null when there is none. */
function presentedToken(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const match = /^Bearer +(\S+) *$/i.exec(authorization);
    return match?.[1] ?? authorization;
  }
  for (const name of CREDENTIAL_HEADERS) {
    const value = headers.get(name);
    if (value !== null) return value.trim();
  }
  return null;
}

function isRotatedOut(token: TokenRow, hash: string, nowMs: number): boolean {
  return token.hash !== hash && (token.previousUntilMs ?? 0) <= nowMs;
}

function invalid(message: string): Verdict<never> {
  return refuse("invalid_api_key", message);
}
