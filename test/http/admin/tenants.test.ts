import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make, makeTenant } from "../../support/things.ts";

let api: TestAdmin;
beforeAll(async () => {
  api = await startTestAdmin();
});
afterAll(() => api.stop());

const anyTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe("a tenant", () => {
  test("is created active, shown, listed, changed and removed", async () => {
    const created = await api.call("POST", "/tenants", { body: { name: "Acme" } });
    const id = String(created.member("id"));
    const shown = {
      id: expect.stringMatching(/^ten_[0-9a-f]{32}$/),
      name: "Acme",
      status: "active",
      strategy: null,
      priority_class: "default",
      metadata: {},
      created_at: anyTime,
      version: 1,
    };
    expect([created.status, created.body]).toEqual([201, shown]);
    expect(created.headers.get("content-type")).toBe("application/json");
    expect(created.headers.get("cache-control")).toBe("no-store");
    expect(created.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
    expect((await api.call("GET", `/tenants/${id}`)).body).toEqual(created.body);
    expect((await api.call("GET", "/tenants?name=Acme")).body).toEqual({
      data: [created.body],
      next_cursor: null,
    });
    const changed = await api.call("PATCH", `/tenants/${id}`, { body: { status: "suspended" } });
    expect([changed.status, changed.body]).toEqual([
      200,
      { ...shown, status: "suspended", version: 2 },
    ]);
    const removed = await api.call("DELETE", `/tenants/${id}`);
    expect([removed.status, removed.body]).toEqual([204, {}]);
    expect((await api.call("GET", `/tenants/${id}`)).status).toBe(404);
    expect((await api.call("DELETE", `/tenants/${id}`)).status).toBe(404);
  });

  test("is in force as soon as it is answered", async () => {
    const { id } = await makeTenant(api);
    await api.call("PATCH", `/tenants/${id}`, { body: { status: "suspended" } });
    const { token } = await make(api, "/tokens", { tenant_id: id, name: "K" });
    const refused = await api.app.handle(
      new Request("http://localhost/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${String(token)}` },
        body: JSON.stringify({ model: "m", messages: [] }),
      }),
    );
    expect(refused.headers.get("x-tollgate-error")).toBe("tenant_suspended");
  });

  test("keeps what a change does not name, and an empty change changes nothing", async () => {
    const tenant = await makeTenant(api, { metadata: { plan: "gold" } });
    const path = `/tenants/${tenant["id"]}`;
    const renamed = await api.call("PATCH", path, { body: { name: "Acme & Co" } });
    expect(renamed.body).toEqual({ ...tenant, name: "Acme & Co", version: 2 });
    const same = await api.call("PATCH", path, { body: {} });
    expect(same.body).toEqual(renamed.body);
  });

  test("is not changed by an edit of another version", async () => {
    const { id } = await makeTenant(api);
    const edit = (ifMatch: string) =>
      api.call("PATCH", `/tenants/${id}`, {
        body: { name: `if ${ifMatch}` },
        headers: { "if-match": ifMatch },
      });
    expect((await edit("1")).status).toBe(200);
    const stale = await edit("1");
    expect([stale.status, stale.body]).toEqual([
      409,
      {
        error: {
          message: "The tenant was changed meanwhile: its version is 2. Read it again first.",
          type: "invalid_request_error",
          code: "stale_version",
          param: "if-match",
        },
      },
    ]);
    for (const current of ['"2"', 'W/"3"', "4", "*"]) {
      expect((await edit(current)).status).toBe(200);
    }
    for (const nonsense of ["", "one", '"2', "1, 2", "-1"]) {
      expect((await edit(nonsense)).status).toBe(400);
    }
    expect((await api.call("GET", `/tenants/${id}`)).member("name")).toBe("if *");
    const removed = await api.call("DELETE", `/tenants/${id}`, { headers: { "if-match": "1" } });
    expect(refusalOf(removed)).toEqual([
      400,
      "invalid_request",
      "if-match",
      "if-match is taken by PATCH alone.",
    ]);
  });

  test("takes every one of many edits at once, each on top of the others", async () => {
    const { id } = await makeTenant(api);
    const edits = Array.from({ length: 4 }, (_, number) =>
      api.call("PATCH", `/tenants/${id}`, { body: { name: `edit ${number}` } }),
    );
    const answers = await Promise.all(edits);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect((await api.call("GET", `/tenants/${id}`)).member("version")).toBe(5);
  });

  test("takes exactly one of many edits of the same version", async () => {
    const { id } = await makeTenant(api);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, number) =>
        api.call("PATCH", `/tenants/${id}`, {
          body: { name: `edit ${number}` },
          headers: { "if-match": "1" },
        }),
      ),
    );
    const statuses = answers.map((answer) => answer.status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  });

  test("that something uses is not removed, and the answer says what", async () => {
    const { id } = await makeTenant(api);
    const project = await make(api, "/projects", { tenant_id: id, name: "P" });
    const token = await make(api, "/tokens", { tenant_id: id, name: "K" });
    const refused = await api.call("DELETE", `/tenants/${id}`);
    expect([refused.status, refused.body]).toEqual([
      409,
      {
        error: {
          message: `The tenant is in use by projects ${project["id"]}; tokens ${token["id"]}; remove those first.`,
          type: "invalid_request_error",
          code: "in_use",
          param: null,
        },
      },
    ]);
    expect((await api.call("DELETE", `/tokens/${token["id"]}`)).status).toBe(204);
    expect((await api.call("DELETE", `/projects/${project["id"]}`)).status).toBe(204);
    expect((await api.call("DELETE", `/tenants/${id}`)).status).toBe(204);
  });
});

describe("a project", () => {
  test("is created in a tenant, listed by it, changed and removed", async () => {
    const { id: tenantId } = await makeTenant(api);
    const other = await makeTenant(api);
    const created = await api.call("POST", "/projects", {
      body: { tenant_id: tenantId, name: "Support", metadata: { a: "b" } },
    });
    const shown = {
      id: expect.stringMatching(/^prj_[0-9a-f]{32}$/),
      tenant_id: tenantId,
      name: "Support",
      metadata: { a: "b" },
      created_at: anyTime,
      version: 1,
    };
    expect([created.status, created.body]).toEqual([201, shown]);
    const listed = await api.call("GET", `/projects?tenant_id=${tenantId}`);
    expect(listed.body).toEqual({ data: [created.body], next_cursor: null });
    const empty = await api.call("GET", `/projects?tenant_id=${other["id"]}`);
    expect(empty.body).toEqual({ data: [], next_cursor: null });
    const path = `/projects/${String(created.member("id"))}`;
    const changed = await api.call("PATCH", path, { body: { metadata: {} } });
    expect(changed.body).toEqual({ ...shown, metadata: {}, version: 2 });
    expect((await api.call("DELETE", path)).status).toBe(204);
  });

  test("of a tenant that does not exist is refused", async () => {
    const answer = await api.call("POST", "/projects", {
      body: { tenant_id: "ten_0", name: "Support" },
    });
    expect([answer.status, answer.body]).toEqual([
      422,
      {
        error: {
          message: "tenant_id names something that does not exist here.",
          type: "invalid_request_error",
          code: "unprocessable",
          param: "/tenant_id",
        },
      },
    ]);
  });

  test("does not move to another tenant", async () => {
    const { id: tenantId } = await makeTenant(api);
    const { id } = await make(api, "/projects", { tenant_id: tenantId, name: "P" });
    const answer = await api.call("PATCH", `/projects/${id}`, { body: { tenant_id: tenantId } });
    expect([answer.status, answer.body]).toEqual([
      400,
      {
        error: {
          message: "tenant_id is set when it is created and cannot be changed.",
          type: "invalid_request_error",
          code: "invalid_request",
          param: "/tenant_id",
        },
      },
    ]);
  });
});
