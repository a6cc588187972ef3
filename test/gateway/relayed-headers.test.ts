/** Which headers travel on: up, nothing that names the client or an account; down, what clients use. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
let token: string;

beforeAll(async () => {
  tollgate = await startTestGateway();
  const provider = await tollgate.addProvider();
  await tollgate.addRoute("small", [
    { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
  ]);
  token = (await tollgate.addToken((await tollgate.addTenant()).id)).token;
});

beforeEach(() => tollgate.upstream.reset());

afterAll(() => tollgate.stop());

const BODY = '{"model":"small","messages":[{"role":"user","content":"hi"}]}';
const UPSTREAM_BODY = BODY.replace("small", "sim-small");

function post(body: string, script: string): Promise<Response> {
  return fetch(`${tollgate.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "x-sim-script": script },
    body,
  });
}

const CLIENT_HEADERS = {
  // What is the client's own business and the provider's.
  accept: "application/json",
  "content-type": "application/json; charset=utf-8",
  "user-agent": "test/1.0",
  "x-custom": "kept",
  "openai-beta": "assistants=v2",
  "x-stainless-retry-count": "0",
  "x-goog-api-client": "google-genai-sdk/3.1.0",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  // Credentials and whatever chooses an account.
  "x-api-key": "secret-1",
  "api-key": "secret-2",
  "x-goog-api-key": "secret-3",
  "x-goog-user-project": "secret-3",
  "x-goog-authenticated-user-email": "accounts.google.com:somebody@example.com",
  "proxy-authorization": "Basic secret-4",
  cookie: "session=secret-5",
  "openai-organization": "org-secret-6",
  "openai-project": "proj-secret-7",
  "anthropic-workspace-id": "wrkspc-secret-8",
  "idempotency-key": "secret-8",
  // Who the client is.
  forwarded: "for=192.0.2.1",
  via: "1.1 proxy",
  "x-real-ip": "192.0.2.1",
  "x-forwarded-for": "192.0.2.1",
  "x-forwarded-host": "internal",
  "cf-connecting-ip": "192.0.2.1",
  "sec-fetch-mode": "cors",
  origin: "https://app.example",
  referer: "https://app.example/page",
  // Ours, and the connection's.
  "x-tollgate-strategy": "default",
  "x-tollgate-timeout-ms": "60000",
  connection: "x-hop, keep-alive",
  "x-hop": "dropped",
  te: "trailers",
  "accept-encoding": "gzip, br",
  // What would make the answer dearer than its price.
  "x-vertex-ai-llm-shared-request-type": "priority",
  "x-vertex-ai-llm-request-type": "dedicated",
  // What would be obeyed in place of the path and method that were checked.
  "x-http-method-override": "DELETE",
  "x-http-method": "DELETE",
  "x-method-override": "DELETE",
  "x-original-url": "/v1/organization/admin_api_keys",
  "x-original-method": "DELETE",
  "x-rewrite-url": "/v1/organization/admin_api_keys",
  "x-amz-target": "Bedrock.Delete",
};

test("reach the upstream unless they name the client, the connection or an account", async () => {
  const response = await fetch(`${tollgate.url}/v1/chat/completions`, {
    method: "POST",
    headers: { ...CLIENT_HEADERS, authorization: `Bearer ${token}` },
    body: BODY,
  });
  expect(response.status).toBe(200);
  expect(tollgate.upstream.requests().at(-1)?.headers).toEqual({
    accept: "application/json",
    "content-type": "application/json; charset=utf-8",
    "user-agent": "test/1.0",
    "x-custom": "kept",
    "openai-beta": "assistants=v2",
    "x-stainless-retry-count": "0",
    "x-goog-api-client": "google-genai-sdk/3.1.0",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    authorization: "Bearer sk-upstream-credential",
    "accept-encoding": "identity",
    connection: "keep-alive",
    host: `127.0.0.1:${tollgate.upstream.port}`,
    "content-length": String(UPSTREAM_BODY.length),
  });
});

test.each(["x-api-key", "api-key", "x-goog-api-key"])(
  "an access token in %s is taken and not passed on",
  async (name) => {
    const response = await fetch(`${tollgate.url}/v1/chat/completions`, {
      method: "POST",
      headers: { [name]: token },
      body: '{"model":"small","messages":[{}]}',
    });
    expect(response.status).toBe(400);
    const headers = tollgate.upstream.requests().at(-1)?.headers;
    expect(headers?.authorization).toBe("Bearer sk-upstream-credential");
    expect(JSON.stringify(headers)).not.toContain(token);
  },
);

test.each(["gzip", "deflate", "br", "identity, gzip"])(
  "a body that only the provider would decode (%s) is refused, because it could say something else there",
  async (coding) => {
    tollgate.upstream.reset();
    const response = await fetch(`${tollgate.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-encoding": coding },
      body: BODY,
    });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('"param":"content-encoding"'),
    ]);
    expect(tollgate.upstream.requests()).toEqual([]);
  },
);

test("nothing is presented to a provider without a credential", async () => {
  const open = await tollgate.addProvider({ name: "open", credentialSealed: null });
  await tollgate.addRoute("open", [
    { providerId: open.id, model: "sim-small", weight: 1, priority: 0 },
  ]);
  const response = await post(
    '{"model":"open","messages":[{"role":"user","content":"hi"}]}',
    "tokens=1",
  );
  expect(response.status).toBe(200);
  expect(tollgate.upstream.requests().at(-1)?.headers.authorization).toBeUndefined();
});

test.each(["plain", "stream"])(
  "of the provider's %s answer reach the client only where clients use them",
  async (kind) => {
    const named = {
      "openai-organization": "org-operator",
      "openai-project": "proj-operator",
      "set-cookie": "session=operator",
      server: "cloudflare",
      "cf-ray": "1",
      "x-ratelimit-remaining-requests": "1",
      "x-request-id": "req_of_the_provider",
      "openai-version": "2026-01-01",
      "openai-processing-ms": "7",
      "x-should-retry": "false",
      "x-gemini-service-tier": "flex",
    };
    const script = Object.entries(named)
      .map(([name, value]) => `header=${encodeURIComponent(`${name}:${value}`)}`)
      .join("&");
    const stream = kind === "stream";
    const response = await post(
      `{"model":"small","stream":${stream},"messages":[{"role":"user","content":"hi"}]}`,
      script,
    );
    await response.text();
    const answered = Object.fromEntries(response.headers);
    expect(answered).toMatchObject({
      "openai-version": "2026-01-01",
      "openai-processing-ms": "7",
      "x-should-retry": "false",
      "x-request-id": expect.stringMatching(/^req_[0-9a-f]{32}$/),
    });
    for (const secret of ["operator", "cloudflare", "cf-ray", "req_of_the_provider"]) {
      expect(JSON.stringify(answered)).not.toContain(secret);
    }
    expect(answered).not.toHaveProperty("x-ratelimit-remaining-requests");
    // Another wire language's.
    expect(answered).not.toHaveProperty("x-gemini-service-tier");
  },
);
