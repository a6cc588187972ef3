import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hashAccessToken, isAccessToken } from "../../../src/base/access-token.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, TOKEN_PEPPER, type TestAdmin } from "../../support/admin.ts";
import { make, makeTenant } from "../../support/things.ts";

const START_MS = Date.UTC(2026, 10, 20, 12);
let nowMs = START_MS;
let api: TestAdmin;
let tenantId = "";
let projectId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
  tenantId = (await makeTenant(api)).id;
  projectId = (await make(api, "/projects", { tenant_id: tenantId, name: "P" })).id;
});
afterAll(() => api.stop());

type Issued = Readonly<Record<string, unknown>> & { readonly id: string; readonly token: string };

async function issue(body: Readonly<Record<string, unknown>> = {}): Promise<Issued> {
  const made = await make(api, "/tokens", { tenant_id: tenantId, name: "K", ...body });
  return { ...made, token: String(made["token"]) };
}

/** Whether the client API takes an access token, and if not, what it says. */
async function used(token: string): Promise<string> {
  const response = await api.app.handle(
    new Request("http://localhost/v1/models", { headers: { authorization: `Bearer ${token}` } }),
  );
  return response.ok ? "taken" : JSON.parse(await response.text()).error.message;
}

async function refusal(method: string, path: string, body: unknown): Promise<readonly unknown[]> {
  const answer = await api.call(method, path, { body });
  const { code, param, message } = Object(answer.member("error"));
  return [answer.status, code, param, message];
}

describe("an access token", () => {
  test("is in the answer that issues it, and nowhere else", async () => {
    const issued = await issue({ project_id: projectId, metadata: { owner: "ops" } });
    const { token, ...shown } = issued;
    expect(isAccessToken(token)).toBe(true);
    expect(Object(shown)).toEqual({
      id: expect.stringMatching(/^tok_[0-9a-f]{32}$/),
      tenant_id: tenantId,
      project_id: projectId,
      name: "K",
      hint: token.slice(-4),
      status: "active",
      expires_at: null,
      max_requests: null,
      allowed_models: null,
      priority_class: null,
      request_count: 0,
      last_used_at: null,
      metadata: { owner: "ops" },
      created_at: "2026-11-20T12:00:00.000Z",
      version: 1,
    });
    expect((await api.call("GET", `/tokens/${shown.id}`)).body).toEqual(shown);
    expect(await used(token)).toBe("taken");
    const stored = await api.store.get("tokens", shown.id);
    expect(stored?.hash).toBe(hashAccessToken(TOKEN_PEPPER, token));
    const everything = JSON.stringify([await api.store.configuration(), api.logLines]);
    expect(everything).not.toContain(token);
  });

  test("expires when it was told to", async () => {
    const dated = await issue({ expires_at: "2026-11-20T14:00:00+01:00" });
    expect(dated["expires_at"]).toBe("2026-11-20T13:00:00.000Z");
    const timed = await issue({ duration_minutes: 60 });
    expect(timed["expires_at"]).toBe("2026-11-20T13:00:00.000Z");
    nowMs = START_MS + 3_600_000 - 1;
    expect(await used(timed.token)).toBe("taken");
    nowMs += 1;
    expect(await used(timed.token)).toBe("The access token has expired.");
    const shown = await api.call("GET", `/tokens/${timed["id"]}`);
    expect(shown.member("status")).toBe("expired");
    const prolonged = await api.call("PATCH", `/tokens/${timed["id"]}`, {
      body: { duration_minutes: 1 },
    });
    expect(prolonged.body).toMatchObject({
      status: "active",
      expires_at: "2026-11-20T13:01:00.000Z",
    });
    const forGood = await api.call("PATCH", `/tokens/${timed["id"]}`, {
      body: { expires_at: null },
    });
    expect(forGood.body).toMatchObject({ status: "active", expires_at: null });
    nowMs = START_MS;
  });

  test("is rotated: the new one works at once, the old one for its grace", async () => {
    const { id, token: first } = await issue();
    const rotated = await api.call("POST", `/tokens/${id}/rotate`, { body: { grace_seconds: 60 } });
    const second = String(rotated.member("token"));
    expect([rotated.status, rotated.body]).toMatchObject([
      200,
      { id, version: 2, hint: second.slice(-4), status: "active" },
    ]);
    expect([await used(first), await used(second)]).toEqual(["taken", "taken"]);
    nowMs = START_MS + 60_000;
    expect([await used(first), await used(second)]).toEqual([
      "The access token was rotated; use the new one.",
      "taken",
    ]);
    nowMs = START_MS;
  });

  test("is rotated without a grace unless one is given", async () => {
    const { id, token: first } = await issue();
    const rotated = await api.call("POST", `/tokens/${id}/rotate`);
    expect(await used(String(rotated.member("token")))).toBe("taken");
    expect(await used(first)).toBe("The access token is unknown.");
    expect(await refusal("POST", `/tokens/${id}/rotate`, { grace_seconds: -1 })).toEqual([
      400,
      "invalid_request",
      "/grace_seconds",
      "grace_seconds must be a whole number from 0 to 604800.",
    ]);
  });

  test("is revoked for good, at once, together with what it was rotated from", async () => {
    const { id, token: first } = await issue();
    const rotated = await api.call("POST", `/tokens/${id}/rotate`, { body: { grace_seconds: 60 } });
    const revoked = await api.call("POST", `/tokens/${id}/revoke`);
    expect([revoked.status, revoked.body]).toMatchObject([200, { id, status: "revoked" }]);
    expect(revoked.body).not.toHaveProperty("token");
    for (const token of [first, String(rotated.member("token"))]) {
      expect(await used(token)).toBe("The access token was revoked.");
    }
    const again = await api.call("POST", `/tokens/${id}/revoke`);
    expect(again.body).toEqual(revoked.body);
    expect(await refusal("POST", `/tokens/${id}/rotate`, {})).toEqual([
      409,
      "conflict",
      null,
      "The access token was revoked, which is for good; issue a new one.",
    ]);
  });

  test("keeps zero, nothing and null apart", async () => {
    const { id } = await issue({ max_requests: 0, allowed_models: [] });
    const shown = (await api.call("GET", `/tokens/${id}`)).body;
    expect(shown).toMatchObject({ max_requests: 0, allowed_models: [] });
    const cleared = await api.call("PATCH", `/tokens/${id}`, {
      body: { max_requests: null, allowed_models: null, project_id: null },
    });
    expect(cleared.body).toMatchObject({ max_requests: null, allowed_models: null });
    const narrowed = await api.call("PATCH", `/tokens/${id}`, {
      body: { allowed_models: ["gpt-5-mini", "openai/gpt-5"] },
    });
    expect(narrowed.member("allowed_models")).toEqual(["gpt-5-mini", "openai/gpt-5"]);
  });

  test("is listed by tenant and project", async () => {
    const { id: otherTenant } = await makeTenant(api);
    const { id } = await issue({ tenant_id: otherTenant });
    const listed = await api.call("GET", `/tokens?tenant_id=${otherTenant}`);
    expect(Array.from(Object(listed.member("data")), (row) => Object(row).id)).toEqual([id]);
    const none = await api.call("GET", `/tokens?tenant_id=${otherTenant}&project_id=${projectId}`);
    expect(none.member("data")).toEqual([]);
  });

  test("is removed, and unknown from then on", async () => {
    const { id, token } = await issue();
    expect((await api.call("DELETE", `/tokens/${id}`)).status).toBe(204);
    expect(await used(token)).toBe("The access token is unknown.");
    for (const action of ["rotate", "revoke"]) {
      expect((await api.call("POST", `/tokens/${id}/${action}`)).status).toBe(404);
    }
  });

  test.each<readonly [what: string, body: object, refused: readonly unknown[]]>([
    [
      "expires in the past",
      { expires_at: "2026-11-20T11:59:59Z" },
      [400, "invalid_request", "/expires_at", "expires_at must lie in the future."],
    ],
    [
      "expires at no time at all",
      { expires_at: "2026-02-30T00:00:00Z" },
      [
        400,
        "invalid_request",
        "/expires_at",
        "expires_at must be a time such as 2026-12-31T23:59:59Z, or null.",
      ],
    ],
    [
      "is told twice when to expire",
      { expires_at: "2027-01-01T00:00:00Z", duration_minutes: 5 },
      [400, "invalid_request", "/expires_at", "Give expires_at or duration_minutes, not both."],
    ],
    [
      "lasts no time",
      { duration_minutes: 0 },
      [
        400,
        "invalid_request",
        "/duration_minutes",
        "duration_minutes must be a whole number from 1 to 5270400.",
      ],
    ],
    [
      "may make half a request",
      { max_requests: 0.5 },
      [
        400,
        "invalid_request",
        "/max_requests",
        "max_requests must be a whole number from 0 to 1000000000000, or null.",
      ],
    ],
    [
      "may call a model with a line break in its name",
      { allowed_models: ["a", "b\nc"] },
      [
        400,
        "invalid_request",
        "/allowed_models/1",
        "allowed_models.1 must be 1 to 256 characters without control characters or surrounding spaces.",
      ],
    ],
    [
      "brings its own text",
      { token: "sk-tg-mine" },
      [400, "invalid_request", "/token", "token is read-only: Tollgate sets it."],
    ],
    [
      "belongs to a project that does not exist",
      { project_id: "prj_0" },
      [422, "unprocessable", "/project_id", "project_id names something that does not exist here."],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    expect(await refusal("POST", "/tokens", { tenant_id: tenantId, name: "K", ...body })).toEqual(
      refused,
    );
  });

  test("does not belong to a project of another tenant", async () => {
    const { id: otherTenant } = await makeTenant(api);
    const body = { tenant_id: otherTenant, project_id: projectId, name: "K" };
    expect((await refusal("POST", "/tokens", body)).slice(0, 3)).toEqual([
      422,
      "unprocessable",
      "/project_id",
    ]);
    const { id } = await issue({ tenant_id: otherTenant });
    const moved = await refusal("PATCH", `/tokens/${id}`, { project_id: projectId });
    expect(moved.slice(0, 3)).toEqual([422, "unprocessable", "/project_id"]);
  });
});
