/**
 * A Google service account presents an assertion, signed with its key, and gets a token for it (RFC 7523;
 * developers.google.com/identity/protocols/oauth2/service-account, 2026-11).
 */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { ServiceAccount } from "../../providers/credential-text.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** The longest that Google allows. */
const LIVES_S = 3_600;

export type Assertion = {
  readonly account: ServiceAccount;
  readonly key: KeyObject;
  readonly scope: string;
  readonly nowMs: number;
};

/** Throws for what is no private key in PEM. */
export function keyOf({ privateKey }: ServiceAccount): KeyObject {
  return createPrivateKey(privateKey);
}

/** Members in the order in which Google's own library writes them. */
export function assertionOf({ account, key, scope, nowMs }: Assertion): string {
  const issuedAtS = Math.floor(nowMs / 1_000);
  const { clientEmail, tokenUri } = account;
  const claims = {
    iss: clientEmail,
    scope,
    aud: tokenUri,
    exp: issuedAtS + LIVES_S,
    iat: issuedAtS,
  };
  const signed = `${part({ alg: "RS256" })}.${part(claims)}`;
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url")}`;
}

export function googleForm(assertion: string): Readonly<Record<string, string>> {
  return { grant_type: GRANT, assertion };
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
