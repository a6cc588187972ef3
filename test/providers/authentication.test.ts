/** How a credential is presented: the operator's choice, else the company's way, else the dialect's. */
import { expect, test } from "bun:test";
import { authenticationOf } from "../../src/providers/authentication.ts";
import { credentialProblem, tokenUrlOf } from "../../src/providers/credential-text.ts";

test("without a company it is as clients of the dialect do", () => {
  expect(authenticationOf({ dialect: "openai" })).toEqual({ kind: "bearer" });
  expect(authenticationOf({ dialect: "anthropic" })).toEqual({ kind: "header", name: "x-api-key" });
  expect(authenticationOf({ dialect: "google" })).toEqual({
    kind: "header",
    name: "x-goog-api-key",
  });
  // One that has left the catalogue says nothing any more.
  expect(authenticationOf({ dialect: "openai", company: "gone" })).toEqual({ kind: "bearer" });
});

test("a company's way goes before the dialect's, and the operator's choice before both", () => {
  const azure = { dialect: "openai", company: "azure" } as const;
  expect(authenticationOf(azure)).toEqual({ kind: "header", name: "api-key" });
  const chosen = (authentication: Parameters<typeof authenticationOf>[0]["authentication"]) =>
    authenticationOf({ ...azure, authentication });
  expect(chosen({ kind: "bearer" })).toEqual({ kind: "bearer" });
  expect(chosen({ kind: "header" })).toEqual({ kind: "header", name: "x-api-key" });
  expect(chosen({ kind: "header", name: "X-Own" })).toEqual({ kind: "header", name: "x-own" });
  expect(chosen({ kind: "aws_sigv4" })).toEqual({ kind: "aws_sigv4", service: "bedrock" });
  expect(chosen({ kind: "azure_entra", scope: "api://own/.default" })).toEqual({
    kind: "azure_entra",
    scope: "api://own/.default",
  });
  expect(chosen({ kind: "google_service_account" })).toEqual({
    kind: "google_service_account",
    scope: "https://www.googleapis.com/auth/cloud-platform",
  });
});

test("tokens are asked for where the credential says, and nowhere for one that is presented itself", () => {
  const entra = { kind: "azure_entra", scope: "s" } as const;
  const secret = { tenant_id: "contoso.example", client_id: "c", client_secret: "s" };
  expect(tokenUrlOf(entra, JSON.stringify(secret))).toBe(
    "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token",
  );
  const authority = "https://login.microsoftonline.us/";
  expect(tokenUrlOf(entra, JSON.stringify({ ...secret, authority }))).toBe(
    "https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token",
  );
  const google = { kind: "google_service_account", scope: "s" } as const;
  const account = { client_email: "e", private_key: "k", type: "service_account", universe: 1 };
  expect(tokenUrlOf(google, JSON.stringify(account))).toBe("https://oauth2.googleapis.com/token");
  expect(credentialProblem(google, JSON.stringify(account))).toBeNull();
  for (const kind of ["bearer", "header"] as const) {
    expect(tokenUrlOf({ kind, name: "x" }, JSON.stringify(secret))).toBeNull();
  }
});
