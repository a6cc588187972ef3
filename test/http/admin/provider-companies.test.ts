/** Providers of companies: one word and a credential make one, and what does not fit is named. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { unsealCredential } from "../../../src/admin/credential.ts";
import { COMPANIES } from "../../../src/providers/companies.ts";
import { CREDENTIAL_KEY, startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make } from "../../support/things.ts";

let api: TestAdmin;
beforeAll(async () => {
  api = await startTestAdmin();
});
afterAll(() => api.stop());

const add = (body: object) => api.call("POST", "/providers", { body });
const refusedFor = async (body: object) => refusalOf(await add(body)).slice(2);

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const ACCOUNT = { client_email: "me@p.iam.gserviceaccount.com", private_key: privateKey };

const SURFACES_OF_GROQ = [
  "chat",
  "speech",
  "transcriptions",
  "translations",
  "files",
  "file",
  "file_delete",
  "file_content",
  "batches",
  "batch",
  "batch_cancel",
  "responses",
];

test("the catalogue is listed whole, with what each company asks for", async () => {
  const answer = await api.call("GET", "/companies");
  const data = answer.member("data") as { readonly id: string }[];
  expect([answer.status, answer.member("next_cursor")]).toEqual([200, null]);
  expect(data.map(({ id }) => id)).toEqual(COMPANIES.map(({ id }) => id));
  expect(data.find(({ id }) => id === "groq")).toEqual({
    id: "groq",
    name: "Groq",
    dialect: "openai",
    base_url: "https://api.groq.com/openai/v1",
    parameters: [],
    authentication: { kind: "bearer", name: null, scope: null },
    needs_credential: true,
    local: false,
    surfaces: expect.arrayContaining(["chat"]),
    quirks: {
      output_cap_member: "max_tokens",
      repeats_text: false,
      ends_with_finish: false,
      tells_usage_unasked: false,
      keeps_batch_files_only: true,
      thinks_beyond_limit: false,
      sound_seconds_least: 10,
    },
    reference: "https://console.groq.com/docs/api-reference",
    reference_seen_on: "2026-11-29",
  } as never);
});

describe("a provider of a company", () => {
  test("needs its credential and nothing else", async () => {
    const created = await add({ company: "groq", credential: "gsk_secret" });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      name: "groq",
      company: "groq",
      dialect: "openai",
      base_url: "https://api.groq.com/openai/v1",
      parameters: {},
      authentication: { kind: "bearer", name: null, scope: null },
      surfaces: SURFACES_OF_GROQ,
      has_credential: true,
      allow_private_network: false,
    });
    expect((await add({ company: "groq", credential: "gsk_secret" })).status).toBe(409);
  });

  test("may be one's own server, whose private address is then allowed", async () => {
    expect((await add({ company: "ollama" })).body).toMatchObject({
      name: "ollama",
      base_url: "http://127.0.0.1:11434/v1",
      allow_private_network: true,
      has_credential: false,
    });
  });

  test("is at the address that its parameters make, until one is written out", async () => {
    const path = `/providers/${
      (
        await make(api, "/providers", {
          name: "az",
          company: "azure",
          parameters: { resource: "contoso" },
          credential: "k",
        })
      ).id
    }`;
    const change = async (body: object) => (await api.call("PATCH", path, { body })).body;
    expect((await api.call("GET", path)).body).toMatchObject({
      base_url: "https://contoso.openai.azure.com/openai/v1",
      parameters: { resource: "contoso" },
      authentication: { kind: "header", name: "api-key", scope: null },
    });
    expect(await change({ parameters: { resource: "other" } })).toMatchObject({
      base_url: "https://other.openai.azure.com/openai/v1",
    });
    expect(await change({ base_url: "https://proxy.example.com/azure" })).toMatchObject({
      company: "azure",
      base_url: "https://proxy.example.com/azure",
      authentication: { kind: "header", name: "api-key", scope: null },
    });
    expect(await change({ max_concurrent: 3 })).toMatchObject({
      company: "azure",
      base_url: "https://proxy.example.com/azure",
    });
    expect(await change({ company: "groq", name: "moved" })).toMatchObject({
      company: "groq",
      base_url: "https://api.groq.com/openai/v1",
      parameters: {},
      surfaces: SURFACES_OF_GROQ,
    });
    expect(await change({ company: null })).toMatchObject({
      company: null,
      base_url: "https://api.groq.com/openai/v1",
      authentication: { kind: "bearer", name: null, scope: null },
    });
  });

  test("may be asked for less than its company serves, and take its credential in another way", async () => {
    const { id } = await make(api, "/providers", {
      name: "narrow",
      company: "cohere",
      surfaces: ["embeddings"],
      authentication: { kind: "header", name: "x-proxy-key" },
    });
    const read = async () => (await api.call("GET", `/providers/${id}`)).body;
    expect(await read()).toMatchObject({
      surfaces: ["embeddings"],
      authentication: { kind: "header", name: "x-proxy-key", scope: null },
    });
    await api.call("PATCH", `/providers/${id}`, { body: { surfaces: null, authentication: null } });
    expect(await read()).toMatchObject({
      surfaces: ["chat", "embeddings"],
      authentication: { kind: "bearer", name: null, scope: null },
    });
  });

  test("is refused by the member that does not fit", async () => {
    const cases: readonly (readonly [object, string, string])[] = [
      [
        { company: "grok" },
        "/company",
        "Unknown company grok; the nearest known one is groq; GET /api/v1/companies lists them.",
      ],
      [{ name: "x" }, "/base_url", "base_url is needed, or a company whose address is known."],
      [
        { base_url: "https://example.com" },
        "/name",
        "name is needed, or a company to be its name.",
      ],
      [
        { company: "groq", dialect: "google" },
        "/dialect",
        "dialect must be openai, which is what Groq speaks here.",
      ],
      [{ company: "azure" }, "/parameters", "parameters of Azure OpenAI must name resource."],
      [
        { company: "vertex", name: "v" },
        "/parameters",
        "parameters of Gemini on Vertex AI must name project and region.",
      ],
      [
        { company: "groq", parameters: { region: "eu" } },
        "/parameters/region",
        "There is no parameter region of this company; it has none.",
      ],
      [
        { company: "groq", name: "x", surfaces: ["chat", "messages"] },
        "/surfaces/1",
        expect.stringMatching(/^surfaces must be of the dialect openai: chat, /) as never,
      ],
      [
        { company: "groq", authentication: { kind: "header", name: "Content-Type" } },
        "/authentication/name",
        "authentication cannot be in the header Content-Type, which is not for credentials.",
      ],
      [
        { company: "groq", authentication: { kind: "bearer", scope: "x" } },
        "/authentication/scope",
        "authentication has a scope for tokens alone.",
      ],
    ];
    for (const [body, param, sentence] of cases) {
      expect(await refusedFor(body)).toEqual([param, sentence]);
    }
    const foreign = await add({ company: "azure", parameters: { resource: "evil.com/" } });
    expect(refusalOf(foreign).slice(0, 3)).toEqual([
      400,
      "invalid_request",
      "/parameters/resource",
    ]);
  });
});

describe("a credential", () => {
  test("is what its way of being presented needs, and nothing of it is repeated", async () => {
    const signed = { base_url: "https://example.com", authentication: { kind: "aws_sigv4" } };
    const entra = { base_url: "https://example.com", authentication: { kind: "azure_entra" } };
    const google = {
      base_url: "https://example.com",
      authentication: { kind: "google_service_account" },
    };
    const cases: readonly (readonly [object, unknown, string])[] = [
      [
        { company: "groq" },
        "two words",
        "must be printable ASCII characters without spaces, as it is sent in a header",
      ],
      [signed, "AKIA-plain", "must be a JSON object with access_key_id, secret_access_key"],
      [
        signed,
        { access_key_id: "a" },
        "must be a JSON object with access_key_id, secret_access_key",
      ],
      [signed, { access_key_id: 1, secret_access_key: "b" }, "needs access_key_id to be a text"],
      [
        entra,
        { tenant_id: "a/b", client_id: "b", client_secret: "c" },
        "has a tenant_id that is none",
      ],
      [
        google,
        { ...ACCOUNT, private_key: "c3ecret" },
        "has a private_key that is no private key in PEM",
      ],
      [
        google,
        { ...ACCOUNT, token_uri: "http://169.254.169.254/token" },
        "cannot be used: its token endpoint is refused: 169.254.169.254 is a link-local, metadata, multicast or reserved address, which is never called",
      ],
      [
        entra,
        { tenant_id: "t", client_id: "b", client_secret: "c", authority: "http://127.0.0.1:9" },
        "cannot be used: its token endpoint is refused: 127.0.0.1 is a loopback or private address, which needs allow_private_network",
      ],
    ];
    for (const [body, given, sentence] of cases) {
      const credential = typeof given === "string" ? given : JSON.stringify(given);
      const more = { name: "c", ...body, more_credentials: ["fits", credential] };
      expect(await refusedFor({ name: "c", ...body, credential })).toEqual([
        "/credential",
        `credential ${sentence}.`,
      ]);
      if ("company" in body) {
        expect(await refusedFor(more)).toEqual([
          "/more_credentials/1",
          `more_credentials ${sentence}.`,
        ]);
      }
    }
    expect(api.logLines.join("")).not.toContain("c3ecret");
  });

  test("of several parts is one sealed text, and is used as it was given", async () => {
    const credential = JSON.stringify({ type: "service_account", ...ACCOUNT }, null, 2);
    const { id } = await make(api, "/providers", {
      company: "vertex",
      parameters: { project: "my-project", region: "europe-west1" },
      credential,
    });
    const row = await api.store.get("providers", id);
    expect(unsealCredential(CREDENTIAL_KEY, id, row?.credentialSealed ?? "")).toBe(credential);
    expect(row?.baseUrl).toBe(
      "https://europe-west1-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west1/publishers/google",
    );
  });

  test("is given anew where it is to be presented in a way that asks for another", async () => {
    const { id } = await make(api, "/providers", { company: "together", credential: "plain" });
    const change = (body: object) => api.call("PATCH", `/providers/${id}`, { body });
    const signed = { authentication: { kind: "aws_sigv4" } };
    expect(refusalOf(await change(signed))).toEqual([
      422,
      "unprocessable",
      "/credential",
      "The stored credentials are for bearer and not for aws_sigv4: give new ones with this change.",
    ]);
    expect((await change({ authentication: { kind: "header", name: "api-key" } })).status).toBe(
      200,
    );
    const key = JSON.stringify({ access_key_id: "A", secret_access_key: "s" });
    expect((await change({ ...signed, credential: key })).status).toBe(200);
  });
});
