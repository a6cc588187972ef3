import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { unsealCredential } from "../../../src/admin/credential.ts";
import { CREDENTIAL_KEY, startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { type Refused, refusalOf } from "../../support/refusal.ts";
import { make, makeProvider } from "../../support/things.ts";

const SECRET = "sk-live-canary-7f3a9c";

let api: TestAdmin;
beforeAll(async () => {
  api = await startTestAdmin();
});
afterAll(() => api.stop());

async function plainCredential(id: string): Promise<string | null> {
  const row = await api.store.get("providers", id);
  const sealed = row?.credentialSealed ?? null;
  return sealed === null ? null : unsealCredential(CREDENTIAL_KEY, id, sealed);
}

describe("a provider", () => {
  test("in Anthropic's language presents its credential and serves as Anthropic does", async () => {
    const created = await api.call("POST", "/providers", {
      body: {
        name: "claude",
        dialect: "anthropic",
        base_url: "https://api.anthropic.com/v1",
        credential: SECRET,
      },
    });
    expect([created.status, created.body]).toMatchObject([
      201,
      {
        dialect: "anthropic",
        base_url: "https://api.anthropic.com/v1",
        authentication: { kind: "header", name: "x-api-key" },
        surfaces: ["messages", "count_tokens"],
        has_credential: true,
      },
    ]);
  });

  test("is created with sensible defaults and shown with its health", async () => {
    const created = await api.call("POST", "/providers", {
      body: { name: "openai", base_url: "https://api.openai.com/v1/" },
    });
    expect([created.status, created.body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^prv_[0-9a-f]{32}$/),
        name: "openai",
        company: null,
        dialect: "openai",
        base_url: "https://api.openai.com/v1",
        parameters: {},
        authentication: { kind: "bearer", name: null, scope: null },
        surfaces: expect.arrayContaining(["chat", "embeddings"]),
        has_credential: false,
        credential_count: 0,
        breaker: "auto",
        throughput_min: null,
        queue: null,
        allow_private_network: false,
        timeouts_ms: {
          connect: 5_000,
          first_byte: 300_000,
          first_token: 300_000,
          idle: 300_000,
          total: 14_400_000,
        },
        max_concurrent: null,
        on_client_disconnect: "abort",
        enabled: true,
        simulated: false,
        health: { breaker: "closed", available_at: null, in_flight: 0, lanes: [] },
        created_at: expect.any(String),
        version: 1,
      },
    ]);
    const path = `/providers/${String(created.member("id"))}`;
    expect((await api.call("GET", path)).body).toEqual(created.body);
    const listed = await api.call("GET", "/providers?name=openai&enabled=true");
    expect(listed.member("data")).toEqual([created.body]);
    expect((await api.call("GET", "/providers?enabled=false")).member("data")).toEqual([]);
    expect((await api.call("DELETE", path)).status).toBe(204);
    expect((await api.call("GET", path)).status).toBe(404);
  });

  test("never shows its credential, which is stored sealed", async () => {
    const created = await makeProvider(api, { name: "sealed", credential: SECRET });
    expect(created["has_credential"]).toBe(true);
    const path = `/providers/${created.id}`;
    const answers = [
      created,
      (await api.call("GET", path)).body,
      (await api.call("GET", "/providers")).body,
      (await api.call("PATCH", path, { body: { enabled: true } })).body,
      (await api.call("PATCH", path, { body: { credential: "with space" } })).body,
      await api.store.configuration(),
      api.logLines,
    ];
    expect(JSON.stringify(answers)).not.toContain(SECRET);
    expect(await plainCredential(created.id)).toBe(SECRET);
  });

  test("keeps its credential until it is replaced or cleared", async () => {
    const { id } = await makeProvider(api, { name: "rotating", credential: "sk-1" });
    const change = (body: object) => api.call("PATCH", `/providers/${id}`, { body });
    await change({ max_concurrent: 8 });
    expect(await plainCredential(id)).toBe("sk-1");
    await change({ credential: "sk-2" });
    expect(await plainCredential(id)).toBe("sk-2");
    const cleared = await change({ credential: null, max_concurrent: null });
    expect(cleared.body).toMatchObject({ has_credential: false, max_concurrent: null });
    expect(await plainCredential(id)).toBeNull();
  });

  test("keeps the clocks that a change does not name", async () => {
    const { id } = await makeProvider(api, {
      name: "clocks",
      timeouts_ms: { first_byte: 1_000 },
    });
    const changed = await api.call("PATCH", `/providers/${id}`, {
      body: { timeouts_ms: { idle: 2_000 } },
    });
    expect(changed.member("timeouts_ms")).toEqual({
      connect: 5_000,
      first_byte: 1_000,
      first_token: 300_000,
      idle: 2_000,
      total: 14_400_000,
    });
  });

  test("in a private network needs leave, on creation and whenever either changes", async () => {
    const local = { name: "local", base_url: "http://127.0.0.1:9/v1" };
    const refused: Refused = [
      400,
      "invalid_request",
      "/base_url",
      "base_url is refused: 127.0.0.1 is a loopback or private address, which needs allow_private_network.",
    ];
    expect(refusalOf(await api.call("POST", "/providers", { body: local }))).toEqual(refused);
    const { id } = await makeProvider(api, { ...local, allow_private_network: true });
    const withdrawn = await api.call("PATCH", `/providers/${id}`, {
      body: { allow_private_network: false },
    });
    expect(refusalOf(withdrawn)).toEqual(refused);
    const moved = await api.call("PATCH", `/providers/${id}`, {
      body: { allow_private_network: false, base_url: "https://example.com/v1" },
    });
    expect(moved.status).toBe(200);
    const back = await api.call("PATCH", `/providers/${id}`, { body: local });
    expect(refusalOf(back)).toEqual(refused);
  });

  test("has a name of its own", async () => {
    await makeProvider(api, { name: "unique" });
    const { id } = await makeProvider(api, { name: "other" });
    const refused: Refused = [
      409,
      "conflict",
      "/name",
      "There is a provider with the same name already.",
    ];
    const body = { name: "unique", base_url: "https://example.com" };
    expect(refusalOf(await api.call("POST", "/providers", { body }))).toEqual(refused);
    const renamed = await api.call("PATCH", `/providers/${id}`, { body: { name: "unique" } });
    expect(refusalOf(renamed)).toEqual(refused);
  });

  test("that routes or prices name is not removed", async () => {
    const { id } = await makeProvider(api, { name: "in-use" });
    const route = await make(api, "/routes", {
      model: "used",
      targets: [{ provider: "in-use", model: "m" }],
    });
    const refused = await api.call("DELETE", `/providers/${id}`);
    expect(refusalOf(refused)).toEqual([
      409,
      "in_use",
      null,
      `The provider is in use by routes ${route.id}; remove those first.`,
    ]);
  });

  test("that is simulated is placed anew at each start, and by nobody else", async () => {
    const first = await api.admin.providers.placeSimulated("simulated", "http://127.0.0.1:1/v1");
    const second = await api.admin.providers.placeSimulated("simulated", "http://127.0.0.1:2/v1");
    const listed = await api.call("GET", "/providers?name=simulated");
    expect([first, second, listed.member("data")]).toMatchObject([
      { allowed: true, value: { simulated: true, base_url: "http://127.0.0.1:1/v1", version: 1 } },
      { allowed: true, value: { simulated: true, base_url: "http://127.0.0.1:2/v1", version: 2 } },
      [
        {
          simulated: true,
          allow_private_network: true,
          base_url: "http://127.0.0.1:2/v1",
          surfaces: ["chat", "embeddings"],
        },
      ],
    ]);
    const id = second.allowed ? second.value.id : "";
    const moved = await api.call("PATCH", `/providers/${id}`, {
      body: { base_url: "https://example.com" },
    });
    expect(refusalOf(moved)).toEqual([
      422,
      "unprocessable",
      "/base_url",
      "base_url of the simulated provider is set by Tollgate at each start.",
    ]);
  });

  test.each<readonly [what: string, body: object, refused: Refused]>([
    [
      "has a name that is no slug",
      { name: "My Provider" },
      [
        400,
        "invalid_request",
        "/name",
        "name must be a slug of at most 64 lower-case letters, digits, dots, hyphens or underscores that begins and ends with a letter or digit.",
      ],
    ],
    [
      "speaks no known dialect",
      { dialect: "klingon" },
      [
        400,
        "invalid_request",
        "/dialect",
        'dialect must be one of "openai", "anthropic", "google".',
      ],
    ],
    [
      "waits no time",
      { timeouts_ms: { connect: 0 } },
      [
        400,
        "invalid_request",
        "/timeouts_ms/connect",
        "timeouts_ms.connect must be a whole number from 1 to 3600000.",
      ],
    ],
    [
      "has a clock of another name",
      { timeouts_ms: { conect: 5 } },
      [
        400,
        "invalid_request",
        "/timeouts_ms/conect",
        '"conect" is not a member that can be set here; the nearest known one is connect.',
      ],
    ],
    [
      "has a credential that is no header value",
      { credential: "sk-1\r\nx-evil: 1" },
      [
        400,
        "invalid_request",
        "/credential",
        "credential must be printable ASCII characters without spaces, as it is sent in a header.",
      ],
    ],
    [
      "is called at a metadata address, whatever is allowed",
      { base_url: "http://[::ffff:a9fe:a9fe]/", allow_private_network: true },
      [
        400,
        "invalid_request",
        "/base_url",
        "base_url is refused: [::ffff:a9fe:a9fe] is a link-local, metadata, multicast or reserved address, which is never called.",
      ],
    ],
    [
      "is a file",
      { base_url: "file:///etc/passwd", allow_private_network: true },
      [400, "invalid_request", "/base_url", "base_url must be https:// or http://, not file://."],
    ],
    [
      "has a switch that is a text",
      { enabled: "yes" },
      [400, "invalid_request", "/enabled", "enabled must be true or false."],
    ],
    [
      "tells its own health",
      { health: { breaker: "closed" } },
      [400, "invalid_request", "/health", "health is read-only: Tollgate sets it."],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    const answer = await api.call("POST", "/providers", {
      body: { name: "new", base_url: "https://api.example.com/v1", ...body },
    });
    expect(refusalOf(answer)).toEqual(refused);
  });
});
