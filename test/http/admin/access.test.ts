import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { newAccessToken } from "../../../src/base/access-token.ts";
import { systemRandom } from "../../../src/base/random.ts";
import { listen, type RunningServer } from "../../../src/http/listen.ts";
import { ADMIN_TOKEN, startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { makeTenant } from "../../support/things.ts";

let api: TestAdmin;
let server: RunningServer;
let tenantId: string;

beforeAll(async () => {
  api = await startTestAdmin();
  server = listen(api.app, { hostname: "127.0.0.1", port: 0 });
  tenantId = (await makeTenant(api))["id"] ?? "";
});
afterAll(async () => {
  await server.stop(true);
  await api.stop();
});

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

/** Every mounted admin route with a path that reaches it. */
function adminRoutes(): (readonly [method: string, path: string])[] {
  return api.app.routes
    .filter(({ path }) => path.startsWith("/api/"))
    .flatMap(({ method, path }) => {
      const url = path.replace(":id", tenantId).replace("*", "nothing/here");
      return (method === "ALL" ? METHODS : [method]).map((one) => [one, url] as const);
    });
}

/** Presented credentials that are not the admin token, each wrong in its own way. */
const wrongHeaders: readonly (readonly [what: string, headers: Record<string, string>])[] = [
  ["none", {}],
  ["an empty one", { authorization: "" }],
  ["an empty bearer", { authorization: "Bearer " }],
  ["another one", { authorization: `Bearer ${ADMIN_TOKEN.slice(0, -1)}0` }],
  ["a longer one", { authorization: `Bearer ${ADMIN_TOKEN}0` }],
  ["a prefix of it", { authorization: `Bearer ${ADMIN_TOKEN.slice(0, 20)}` }],
  ["it in capitals", { authorization: `Bearer ${ADMIN_TOKEN.toUpperCase()}` }],
  ["it without a scheme", { authorization: ADMIN_TOKEN }],
  ["it under another scheme", { authorization: `Basic ${ADMIN_TOKEN}` }],
  ["two at once", { authorization: `Bearer ${ADMIN_TOKEN}, Bearer ${ADMIN_TOKEN}` }],
  ["an access token", { authorization: `Bearer ${newAccessToken(systemRandom)}` }],
  ["it in a header of clients", { "x-api-key": ADMIN_TOKEN }],
];

describe("every route of the admin API", () => {
  test("is found by this test", () => {
    const operations = new Set(adminRoutes().map(([method, path]) => `${method} ${path}`));
    expect(operations.size).toBe(76);
    expect(operations).toContain(`DELETE /api/v1/tenants/${tenantId}`);
    expect(operations).toContain("POST /api/v1/nothing/here");
  });

  test.each(wrongHeaders)("answers 401 and does nothing with %s", async (_what, headers) => {
    const before = await api.store.configuration();
    for (const [method, path] of adminRoutes()) {
      const hasBody = ["POST", "PUT", "PATCH"].includes(method);
      const response = await api.app.handle(
        new Request(`http://localhost${path}?admin_token=${ADMIN_TOKEN}`, {
          method,
          headers: { "content-type": "application/json", ...headers },
          ...(hasBody && { body: JSON.stringify({ name: "Mallory" }) }),
        }),
      );
      const text = await response.text();
      const code: unknown = method === "HEAD" ? "invalid_admin_token" : JSON.parse(text).error.code;
      expect({ method, path, status: response.status, code }).toEqual({
        method,
        path,
        status: 401,
        code: "invalid_admin_token",
      });
      expect(response.headers.get("www-authenticate")).toBe('Bearer realm="tollgate-admin"');
      expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
    }
    expect(await api.store.configuration()).toEqual(before);
  });

  test("checks the credential before it looks at the body", async () => {
    const answer = await api.call("POST", "/tenants", { token: null, raw: "{" });
    expect(answer.status).toBe(401);
  });

  test("does not tell what exists", async () => {
    const answers = [
      await api.call("GET", `/tenants/${tenantId}`, { token: null }),
      await api.call("GET", "/tenants/ten_0", { token: null }),
      await api.call("GET", "/nothing", { token: null }),
    ];
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  test("tells whoever sends an access token what is needed instead", async () => {
    const answer = await api.call("GET", "/tenants", { token: newAccessToken(systemRandom) });
    expect(answer.body).toEqual({
      error: {
        message: "This is an access token; the admin API needs the admin token.",
        type: "invalid_request_error",
        code: "invalid_admin_token",
        param: "authorization",
      },
    });
  });

  test("takes the admin token however its scheme is written", async () => {
    for (const authorization of [`bearer ${ADMIN_TOKEN}`, `BEARER   ${ADMIN_TOKEN} `]) {
      const answer = await api.call("GET", "/tenants", { token: null, headers: { authorization } });
      expect(answer.status).toBe(200);
    }
  });

  test("that does not exist is a 404 in the same shape", async () => {
    const answer = await api.call("GET", "/nothing?x=1");
    expect({ status: answer.status, body: answer.body }).toEqual({
      status: 404,
      body: {
        error: {
          message: "There is no GET /api/v1/nothing; see /docs for what there is.",
          type: "invalid_request_error",
          code: "not_found",
          param: null,
        },
      },
    });
    expect((await api.call("PUT", `/tenants/${tenantId}`)).status).toBe(404);
    expect((await api.call("GET", "")).status).toBe(404);
  });
});

/** Sends one request as bytes and answers with its status line and body. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write(request));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

describe("a request with an odd Host or path", () => {
  const hosts = [
    "a",
    "a.b",
    "",
    "a/b",
    "a?c",
    "a#c",
    "x/api/v1/tenants",
    "localhost/docs?",
    "a:80",
    "[::1]",
    "..",
    "//",
    "a\\b",
    "%2e",
    "xn--",
    "0",
    "é",
    "a".repeat(300),
  ];
  const paths = [
    "/api/v1/tenants",
    "//api/v1/tenants",
    "/./api/v1/tenants",
    "/docs/../api/v1/tenants",
    "/livez/../api/v1/tenants",
    "/api/v1/tenants/",
    "/api//v1/tenants",
    "/%61pi/v1/tenants",
    "/API/v1/tenants",
    "/api/v1/tenants;x",
    "http://localhost/api/v1/tenants",
    "/api/v1/tenants?/docs/json",
  ];

  test("never reaches the tenants without the admin token", async () => {
    const leaks: string[] = [];
    for (const host of hosts) {
      for (const path of paths) {
        const answer = await raw(
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        );
        if (answer.includes(tenantId)) leaks.push(`${host} ${path}`);
      }
    }
    expect(leaks).toEqual([]);
  });

  test("that reaches the admin API is never a 5xx", async () => {
    const failures: string[] = [];
    for (const host of hosts) {
      for (const path of paths.filter((one) => one.startsWith("/api/"))) {
        const answer = await raw(
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n` +
            `Authorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`,
        );
        if (!/^HTTP\/1\.1 [234]\d\d /.test(answer)) failures.push(`${host} ${path}: ${answer}`);
      }
    }
    expect(failures).toEqual([]);
  });

  test("is known to reach them with it", async () => {
    const answer = await raw(
      `GET /api/v1/tenants HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
        `Authorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`,
    );
    expect(answer).toContain(tenantId);
  });
});
