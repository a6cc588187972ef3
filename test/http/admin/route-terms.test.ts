/** How a route serves beyond its order of targets, and how a provider is protected, as operators set it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { unsealCredential } from "../../../src/admin/credential.ts";
import { CREDENTIAL_KEY, startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";

let api: TestAdmin;

beforeAll(async () => {
  api = await startTestAdmin();
  await makeProvider(api, { name: "openai" });
});
afterAll(() => api.stop());

const target = { provider: "openai", model: "m" };

describe("a route's terms", () => {
  const terms = {
    retries: {
      attempts_max: 2,
      backoff_base_ms: 100,
      backoff_max_ms: 1_000,
      total_ms: 20_000,
      statuses: [429, 503],
      continue_streams: true,
    },
    sticky: { by: "header", header: "X-Conversation" },
    hedge: { percentile: 90, delay_ms_min: 300, percent_max: 10 },
    single_flight: { cost: "split" },
    resumable: true,
    keep_alive_ms: 5_000,
  };

  test("come back as they were set, and null puts the defaults back", async () => {
    const route = await make(api, "/routes", { model: "all-terms", targets: [target], ...terms });
    const sticky = { by: "header", header: "x-conversation" };
    expect(route).toMatchObject({ ...terms, sticky });
    const path = `/routes/${route.id}`;
    const partly = await api.call("PATCH", path, { body: { hedge: null, keep_alive_ms: 0 } });
    expect(partly.body).toMatchObject({ ...terms, sticky, hedge: null, keep_alive_ms: 0 });
    const cleared = await api.call("PATCH", path, {
      body: {
        retries: null,
        sticky: null,
        single_flight: null,
        resumable: false,
        keep_alive_ms: null,
      },
    });
    expect(cleared.body).toMatchObject({
      retries: { attempts_max: 3, statuses: null, continue_streams: false },
      sticky: null,
      hedge: null,
      single_flight: null,
      resumable: false,
      keep_alive_ms: 15_000,
    });
  });

  test("that are not named keep their values", async () => {
    const route = await make(api, "/routes", { model: "keeps", targets: [target], ...terms });
    const changed = await api.call("PATCH", `/routes/${route.id}`, {
      body: { strategy: "fastest" },
    });
    expect(changed.body).toEqual({ ...route, strategy: "fastest", version: 2 });
  });

  test.each([
    [
      "sticky by a header that is not named",
      { sticky: { by: "header" } },
      "/sticky/header",
      "sticky.header must name a request header.",
    ],
    [
      "sticky by end user with a header",
      { sticky: { by: "end_user", header: "x-a" } },
      "/sticky/header",
      "sticky.header goes with sticky.by header.",
    ],
    [
      "four attempts",
      { retries: { attempts_max: 4 } },
      "/retries/attempts_max",
      "retries.attempts_max must be a whole number from 1 to 3.",
    ],
  ])("with %s are refused", async (_what, more, param, says) => {
    const answer = await api.call("POST", "/routes", {
      body: { model: "refused", targets: [target], ...more },
    });
    expect(refusalOf(answer)).toEqual([400, "invalid_request", param, says]);
  });
});

describe("a route's target", () => {
  test("comes back with all that it is for", async () => {
    const when = {
      tags: ["eu", "gold"],
      header: { name: "x-plan", value: "pro" },
      input_tokens_min: 10,
      input_tokens_max: 1_000,
      modalities: ["text", "image"],
      tools: true,
    };
    const special = { ...target, weight: 2, priority: 3, percent: 5, when, continues: "prefix" };
    const shadow = { ...target, use: "shadow", percent: 10 };
    const route = await make(api, "/routes", {
      model: "conditional",
      targets: [
        { ...special, when: { ...when, header: { name: "X-Plan", value: "pro" } } },
        shadow,
      ],
    });
    expect(route["targets"]).toEqual([
      { ...special, use: "serve" },
      { ...shadow, weight: 1, priority: 0, when: null, continues: null },
    ]);
  });

  test("must serve in at least one place", async () => {
    const answer = await api.call("POST", "/routes", {
      body: { model: "nobody", targets: [{ ...target, use: "shadow" }] },
    });
    expect(refusalOf(answer)).toEqual([
      422,
      "unprocessable",
      "/targets",
      "targets must hold one whose use is serve.",
    ]);
  });
});

describe("targets that could not be meant", () => {
  const canary = { ...target, percent: 60 };
  const empty = { ...target, when: { input_tokens_min: 10, input_tokens_max: 5 } };
  test.each([
    [
      "for an input that no request has",
      [target, empty],
      "/targets/1/when/input_tokens_max",
      "targets.1.when.input_tokens_max must be at least input_tokens_min.",
    ],
    [
      "whose share of the requests would be of no use",
      [target, { ...canary, use: "context_window" }],
      "/targets/1/percent",
      "targets.1.percent goes with use serve or shadow.",
    ],
    [
      "of canaries that have more than all requests",
      [canary, target, canary],
      "/targets/2/percent",
      "targets.2.percent: the canaries' shares may be 100 together, these are 120.",
    ],
  ])("are refused: %s", async (_what, targets, param, says) => {
    const answer = await api.call("POST", "/routes", { body: { model: "refused", targets } });
    expect(refusalOf(answer)).toEqual([400, "invalid_request", param, says]);
    const there = await make(api, "/routes", { model: Bun.randomUUIDv7(), targets: [target] });
    const changed = await api.call("PATCH", `/routes/${there.id}`, { body: { targets } });
    expect(refusalOf(changed)).toEqual([400, "invalid_request", param, says]);
  });

  test("but canaries for different requests, and shadows, have shares of their own", async () => {
    const targets = [
      target,
      { ...canary, percent: 100 },
      { ...canary, when: { tools: true } },
      { ...canary, when: { tools: false } },
      { ...canary, use: "shadow" },
      { ...canary, use: "shadow" },
    ];
    const route = await make(api, "/routes", { model: "shares", targets });
    expect(route["targets"]).toMatchObject(targets);
  });
});

describe("a provider's terms", () => {
  test("come back as they were set, but for credentials, which are counted", async () => {
    const made = await makeProvider(api, {
      name: "pool",
      credential: "sk-1",
      more_credentials: ["sk-2", "sk-3"],
      breaker: "open",
      throughput_min: { tokens_per_second: 5, over_ms: 10_000 },
      queue: { waiting_max: 100, wait_ms: 2_000 },
    });
    expect(made).toMatchObject({
      credential_count: 3,
      breaker: "open",
      throughput_min: { tokens_per_second: 5, over_ms: 10_000 },
      queue: { waiting_max: 100, wait_ms: 2_000 },
    });
    expect(JSON.stringify(made)).not.toContain("sk-");
    const row = await api.store.get("providers", made.id);
    const sealed = row?.terms.moreCredentialsSealed ?? [];
    const plain = sealed.map((each) => unsealCredential(CREDENTIAL_KEY, made.id, each));
    expect(plain).toEqual(["sk-2", "sk-3"]);
    const changed = await api.call("PATCH", `/providers/${made.id}`, {
      body: { more_credentials: null, breaker: "auto", throughput_min: null, queue: null },
    });
    expect(changed.body).toEqual({
      ...made,
      credential_count: 1,
      breaker: "auto",
      throughput_min: null,
      queue: null,
      health: { breaker: "closed", available_at: null, in_flight: 0, lanes: [] },
      version: 2,
    });
  });
});

describe("a tenant and its access tokens", () => {
  test("have a priority class, and the tenant a strategy of its own", async () => {
    const tenant = await makeTenant(api, { strategy: "cheapest", priority_class: "interactive" });
    expect(tenant).toMatchObject({ strategy: "cheapest", priority_class: "interactive" });
    const cleared = await api.call("PATCH", `/tenants/${tenant.id}`, { body: { strategy: null } });
    expect(cleared.body).toMatchObject({ strategy: null, priority_class: "interactive" });
    const body = { tenant_id: tenant.id, name: "K", priority_class: "batch" };
    const { id } = await make(api, "/tokens", body);
    const shown = await api.call("PATCH", `/tokens/${id}`, { body: { name: "L" } });
    expect(shown.body).toMatchObject({ name: "L", priority_class: "batch" });
    const own = await api.call("PATCH", `/tokens/${id}`, { body: { priority_class: null } });
    expect(own.member("priority_class")).toBeNull();
  });
});
