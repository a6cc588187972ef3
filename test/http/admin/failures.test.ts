import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { adminRoutes } from "../../../src/http/admin/routes.ts";
import { ADMIN_TOKEN, startTestAdmin, type TestAdmin } from "../../support/admin.ts";

let api: TestAdmin;
beforeAll(async () => {
  api = await startTestAdmin();
});
afterAll(() => api.stop());

const authorization = `Bearer ${ADMIN_TOKEN}`;

describe("an admin request that cannot be served", () => {
  test("because checking the credential breaks is a 500 that runs nothing", async () => {
    const app = adminRoutes({
      admin: api.admin,
      adminToken: {
        matches: () => {
          throw new Error("the secret canary-5d2e");
        },
        made: null,
      },
      random: api.gateway.random,
      log: api.gateway.log,
    });
    const response = await app.handle(
      new Request("http://localhost/api/v1/tenants", {
        method: "POST",
        headers: { authorization },
        body: JSON.stringify({ name: "Acme" }),
      }),
    );
    const requestId = response.headers.get("x-request-id");
    expect([response.status, JSON.parse(await response.text())]).toEqual([
      500,
      {
        error: {
          message: "The gateway failed; quote the request id.",
          type: "server_error",
          code: "internal_error",
          param: null,
        },
      },
    ]);
    expect((await api.store.configuration()).tenants).toEqual([]);
    const logged = api.logLines.filter((line) => line.includes(String(requestId)));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain("admin request broke");
  });

  test("because the store is gone is a 503 that says when to come back", async () => {
    const other = await startTestAdmin();
    await other.store.close();
    const answer = await other.call("POST", "/tenants", { body: { name: "Acme" } });
    expect([answer.status, Object(answer.member("error")).code]).toEqual([
      503,
      "ledger_unavailable",
    ]);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(answer.headers.get("x-request-id")).toMatch(/^req_/);
    expect(other.logLines.filter((line) => line.includes("admin request failed"))).toHaveLength(1);
    await other.stop();
  });

  test("because the client sent nonsense is not in the log", async () => {
    const linesBefore = api.logLines.length;
    await api.call("GET", "/tenants?cursor=nonsense");
    await api.call("POST", "/tenants", { raw: "{" });
    await api.call("GET", "/tenants", { token: null });
    expect(api.logLines.slice(linesBefore)).toEqual([]);
  });
});
