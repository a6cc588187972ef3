/**
 * Every way of presenting a credential through the real gateway: what the provider is shown, that tokens are
 * asked for before anything is held and once for many requests, and that no secret is ever told.
 */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { systemClock } from "../../../src/base/clock.ts";
import { AwsV4Signer } from "aws4fetch";
import type { ProviderRow } from "../../../src/store/contract.ts";
import { startRecordedUpstream } from "../../conformance/recorded-upstream.ts";
import { chat, errorOf } from "../../support/chat.ts";
import { until } from "../../support/until.ts";
import { startTestGateway } from "../../support/gateway.ts";

let leaptMs = 0;
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + leaptMs };
const tollgate = await startTestGateway({ clock });
const company = await startRecordedUpstream();
const tokens = await startRecordedUpstream();
afterAll(async () => {
  await tollgate.stop();
  await company.stop();
  await tokens.stop();
});
const tenantId = (await tollgate.addTenant()).id;
const { token } = await tollgate.addToken(tenantId);

const ANSWER = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
});

beforeEach(() => {
  company.forget();
  tokens.forget();
  company.answer({ pieces: [ANSWER] });
});

let providers = 0;
async function add(row: Partial<ProviderRow>): Promise<string> {
  providers += 1;
  const baseUrl = `${company.url}/v1`;
  const added = await tollgate.addProvider({ name: `p${providers}`, baseUrl, ...row });
  await tollgate.addPrice(added.id, "m");
  return `${added.name}/m`;
}

/** Clients may say anything in the header that a provider's credential is in. */
const ask = (model: string) =>
  chat(tollgate.url, { token, body: { model }, headers: { "x-my-key": "a client's own" } });

/** What the company was shown, request by request. */
const shown = (header: string) => company.seen.map(({ headers }) => headers[header]);

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const ENTRA_SECRET = "entra-client-secret-value";
const entra = {
  credentialSealed: JSON.stringify({
    tenant_id: "contoso",
    client_id: "app",
    client_secret: ENTRA_SECRET,
    authority: tokens.url,
  }),
  terms: { authentication: { kind: "azure_entra" } },
} as const;

const givesTokens = (lifeSeconds = 3_600) => {
  let count = 0;
  tokens.answer(() => {
    count += 1;
    const body = { access_token: `token-${count}`, expires_in: lifeSeconds, token_type: "Bearer" };
    return { pieces: [JSON.stringify(body)] };
  });
};

test("a credential is a bearer, or whatever header the operator or the company says", async () => {
  const bearer = await add({ credentialSealed: "s1" });
  const azure = await add({ credentialSealed: "s2", terms: { company: "azure" } });
  const named = await add({
    credentialSealed: "s3",
    terms: { company: "azure", authentication: { kind: "header", name: "X-My-Key" } },
  });
  for (const model of [bearer, azure, named]) expect((await ask(model)).status).toBe(200);
  expect(shown("authorization")).toEqual(["Bearer s1", undefined, undefined]);
  expect(shown("api-key")).toEqual([undefined, "s2", undefined]);
  expect(shown("x-my-key")).toEqual(["a client's own", "a client's own", "s3"]);
});

test("a request to AWS is signed, and the signature is of the very bytes that were sent", async () => {
  const accessKey = { access_key_id: "AKIDEXAMPLE", secret_access_key: "aws-secret-key-value" };
  const model = await add({
    credentialSealed: JSON.stringify({ ...accessKey, session_token: "aws-session" }),
    terms: { parameters: { region: "eu-west-1" }, authentication: { kind: "aws_sigv4" } },
  });
  expect((await ask(model)).status).toBe(200);
  const [seen] = company.seen;
  const signer = new AwsV4Signer({
    method: "POST",
    url: `${company.url}${seen?.path}`,
    body: new Uint8Array(seen?.body ?? []),
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "aws-secret-key-value",
    sessionToken: "aws-session",
    service: "bedrock",
    region: "eu-west-1",
    datetime: seen?.headers["x-amz-date"] ?? "",
  });
  const expected = (await signer.sign()).headers.get("authorization");
  expect(shown("authorization")).toEqual([expected ?? ""]);
  expect(shown("x-amz-security-token")).toEqual(["aws-session"]);
});

test("200 requests at once ask for one token of Entra, in its own words", async () => {
  givesTokens();
  const model = await add(entra);
  const replies = await Promise.all(Array.from({ length: 200 }, () => ask(model)));
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  expect(tokens.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "POST /contoso/oauth2/v2.0/token",
  ]);
  expect(Object.fromEntries(new URLSearchParams(textOf(tokens.seen[0]?.body)))).toEqual({
    grant_type: "client_credentials",
    client_id: "app",
    client_secret: ENTRA_SECRET,
    scope: "https://cognitiveservices.azure.com/.default",
  });
  expect(new Set(shown("authorization"))).toEqual(new Set(["Bearer token-1"]));
  expect(company.seen.length).toBe(200);
});

test("a token is used until it ends, and then another is asked for", async () => {
  givesTokens(3_600);
  const model = await add(entra);
  const statuses = [await ask(model), await ask(model)].map(({ status }) => status);
  leaptMs += 3_600_000;
  expect([...statuses, (await ask(model)).status]).toEqual([200, 200, 200]);
  expect(shown("authorization")).toEqual(["Bearer token-1", "Bearer token-1", "Bearer token-2"]);
  expect(tokens.seen.length).toBe(2);
});

test("a Google service account shows its assertion, and the provider the token", async () => {
  givesTokens();
  const model = await add({
    credentialSealed: JSON.stringify({
      type: "service_account",
      client_email: "me@project.iam.gserviceaccount.com",
      private_key: privateKey,
      token_uri: `${tokens.url}/token`,
    }),
    terms: { authentication: { kind: "google_service_account" } },
  });
  expect((await ask(model)).status).toBe(200);
  const form = new URLSearchParams(textOf(tokens.seen[0]?.body));
  expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
  const claims: unknown = JSON.parse(
    Buffer.from((form.get("assertion") ?? "").split(".")[1] ?? "", "base64url").toString(),
  );
  expect(claims).toMatchObject({
    iss: "me@project.iam.gserviceaccount.com",
    scope: "https://www.googleapis.com/auth/cloud-platform",
    aud: `${tokens.url}/token`,
  });
  expect(shown("authorization")).toEqual(["Bearer token-1"]);
});

const REFUSALS = {
  refused: {
    recorded: {
      status: 401,
      pieces: ['{"error":"invalid_client","error_description":"entra-client-secret-value"}'],
    },
    outcome: "credential_refused",
  },
  "not answered properly": {
    recorded: { status: 500, pieces: ["oops"] },
    outcome: "credential_unavailable",
  },
  "answered without a token": { recorded: { pieces: ["{}"] }, outcome: "credential_unavailable" },
  "cut off": { recorded: { pieces: ["{"], end: "cut" }, outcome: "credential_unavailable" },
} as const;

test.each(Object.entries(REFUSALS))(
  "where a token is %s, nothing is held or sent and no secret is told",
  async (_, { recorded, outcome }) => {
    tokens.answer(recorded);
    const model = await add(entra);
    const reply = await ask(model);
    expect([reply.status, errorOf(reply)]).toEqual([
      502,
      expect.objectContaining({ code: "upstream_error" }),
    ]);
    expect(reply.text).toContain(`${model} ${outcome}`);
    await tollgate.store.flush();
    const id = reply.headers.get("x-request-id") ?? "";
    const detail = await tollgate.store.requestDetail(id);
    expect([company.seen.length, detail?.attempts]).toEqual([0, []]);
    const told = reply.text + tollgate.logLines.join("");
    expect(told).not.toContain(ENTRA_SECRET);
    expect(tollgate.logLines.some((line) => line.includes("the token endpoint:"))).toBe(true);
  },
);

test("another target of the route serves while a token is not to be had", async () => {
  tokens.answer({ status: 401, pieces: ['{"error":"invalid_client"}'] });
  const first = await tollgate.addProvider({
    name: "first",
    baseUrl: `${company.url}/v1`,
    ...entra,
  });
  const second = await tollgate.addProvider({
    name: "second",
    baseUrl: `${company.url}/v1`,
    credentialSealed: "plain",
  });
  const targets = [];
  for (const [priority, { id: providerId }] of [first, second].entries()) {
    await tollgate.addPrice(providerId, "m");
    targets.push({ providerId, model: "m", weight: 1, priority });
  }
  await tollgate.addRoute("either", targets);
  const replies = [await ask("either"), await ask("either")];
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(shown("authorization")).toEqual(["Bearer plain", "Bearer plain"]);
  // It rests after a refusal: the endpoint is not asked for every request.
  expect(tokens.seen.length).toBe(1);
});

test("a token that the provider refuses is not used again, and is taken out of its words", async () => {
  givesTokens();
  company.answer(({ headers }) => ({
    status: 401,
    pieces: [JSON.stringify({ error: { message: `no: ${headers["authorization"]}` } })],
  }));
  const provider = { name: "revoked", baseUrl: `${company.url}/v1`, ...entra };
  const row = await tollgate.addProvider(provider);
  await tollgate.addPrice(row.id, "m");
  const reply = await ask("revoked/m");
  expect([reply.status, errorOf(reply)]).toEqual([401, { message: "no: Bearer [credential]" }]);
  const [lane] =
    [...tollgate.gateway.directory.providers()].find((one) => one.row.id === row.id)?.lanes() ?? [];
  expect(await lane?.presenter?.prepare()).toBeNull();
  expect(tokens.seen.length).toBe(2);
});

test("200 requests at once ask together where no token is to be had, and leave nothing behind", async () => {
  const slow = Promise.withResolvers<void>();
  tokens.answer({ status: 500, pieces: ["oops"], after: slow.promise });
  await tollgate.addBudget({ scopeType: "tenant", scopeId: tenantId, tenantId });
  const model = await add(entra);
  const replies = Array.from({ length: 200 }, () => ask(model));
  await until(() => tokens.seen.length === 1);
  slow.resolve();
  const statuses = new Set((await Promise.all(replies)).map(({ status }) => status));
  expect([...statuses].filter((status) => status !== 502 && status !== 503)).toEqual([]);
  // Those that were told so try again no more: the provider rests.
  expect([tokens.seen.length, company.seen.length]).toEqual([1, 0]);
  const states = await tollgate.gateway.directory.budgetStates(tenantId);
  expect(states.map(({ heldNanoUsd }) => heldNanoUsd)).toEqual([0]);
});

test("an endpoint that points elsewhere is not followed, and nobody there is shown the secret", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    tokens.answer({ status, headers: { location: `${company.url}/token` }, pieces: [] });
    expect((await ask(await add(entra))).status).toBe(502);
  }
  expect([tokens.seen.length >= 5, company.seen.length]).toEqual([true, 0]);
});

test("a token that was replaced meanwhile is taken out of a late answer, and leaves the new one in use", async () => {
  givesTokens(2);
  const model = await add(entra);
  const late = Promise.withResolvers<void>();
  company.answer(({ headers }) => {
    const { authorization } = headers;
    if (authorization !== "Bearer token-1") return { pieces: [ANSWER] };
    const error = { message: `no: ${authorization}` };
    return { status: 401, pieces: [JSON.stringify({ error })], after: late.promise };
  });
  const refused = ask(model);
  await until(() => company.seen.length === 1);
  leaptMs += 2_000;
  expect((await ask(model)).status).toBe(200);
  late.resolve();
  expect(errorOf(await refused)).toEqual({ message: "no: Bearer [credential]" });
  expect(tokens.seen.length).toBe(2);
});

const PEM = privateKey.split("\n");

test.each([
  ["cut off", PEM.slice(0, 10).join("\n")],
  ["without its first line", PEM.slice(1).join("\n")],
  ["damaged", privateKey.replace(PEM[5] ?? "", "A".repeat(64))],
  ["none", "not a key, but secret"],
])("a private key that is %s serves nobody, and nothing of it is told", async (_, key) => {
  const credential = { type: "service_account", client_email: "me@example.com" };
  const model = await add({
    credentialSealed: JSON.stringify({ ...credential, private_key: key, token_uri: tokens.url }),
    terms: { authentication: { kind: "google_service_account" } },
  });
  const reply = await ask(model);
  expect([reply.status >= 400, tokens.seen.length, company.seen.length]).toEqual([true, 0, 0]);
  const told = reply.text + tollgate.logLines.join("");
  for (const line of key.split("\n").filter(({ length }) => length > 20)) {
    expect(told).not.toContain(line);
  }
});

test("a credential of another kind than its provider's is not used, and the log says so without it", async () => {
  const model = await add({
    credentialSealed: "just-a-plain-secret",
    terms: { authentication: { kind: "aws_sigv4" } },
  });
  expect((await ask(model)).status).toBe(404);
  const line = tollgate.logLines.findLast((text) => text.includes("provider.credential.unusable"));
  expect(line).toContain("must be a JSON object with access_key_id, secret_access_key");
  expect(tollgate.logLines.join("")).not.toContain("just-a-plain-secret");
  expect(company.seen.length).toBe(0);
});

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
