/** Assertions of Google service accounts are those of Google's own library, byte for byte. */
import { afterEach, expect, setSystemTime, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { JWT } from "google-auth-library";
import { assertionOf, googleForm, keyOf } from "../../../src/gateway/credentials/google.ts";
import type { ServiceAccount } from "../../../src/providers/credential-text.ts";

afterEach(() => setSystemTime());

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const account: ServiceAccount = {
  clientEmail: "tollgate@my-project.iam.gserviceaccount.com",
  privateKey,
  tokenUri: "https://oauth2.googleapis.com/token",
};
const scope = "https://www.googleapis.com/auth/cloud-platform";

/** What the library sends to Google's token endpoint. */
async function official(): Promise<URLSearchParams> {
  let sent = "";
  const client = new JWT({
    email: account.clientEmail,
    key: account.privateKey,
    scopes: [scope],
    transporterOptions: {
      fetchImplementation: (_: unknown, init?: RequestInit) => {
        const body = init?.body;
        if (body instanceof URLSearchParams || typeof body === "string") sent = body.toString();
        return Promise.resolve(Response.json({ access_token: "t", expires_in: 3_600 }));
      },
    },
  });
  await client.authorize();
  return new URLSearchParams(sent);
}

test.each([Date.UTC(2026, 10, 29, 2, 15, 7, 999), Date.UTC(2031, 0, 1)])(
  "at %d the request for a token is the library's",
  async (nowMs) => {
    setSystemTime(nowMs);
    const form = googleForm(assertionOf({ account, key: keyOf(account), scope, nowMs }));
    expect({ ...form }).toEqual(Object.fromEntries(await official()));
  },
);

test("an assertion lives an hour and is signed by the account's key", () => {
  const nowMs = Date.UTC(2026, 10, 29);
  const [header = "", claims = "", signature = ""] = assertionOf({
    account,
    key: keyOf(account),
    scope,
    nowMs,
  }).split(".");
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "RS256" });
  expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toEqual({
    iss: account.clientEmail,
    scope,
    aud: account.tokenUri,
    exp: nowMs / 1_000 + 3_600,
    iat: nowMs / 1_000,
  });
  const isSigned = verify(
    "RSA-SHA256",
    Buffer.from(`${header}.${claims}`),
    createPublicKey(privateKey),
    Buffer.from(signature, "base64url"),
  );
  expect(isSigned).toBe(true);
});
