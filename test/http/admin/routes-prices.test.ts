import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { type Refused, refusalOf } from "../../support/refusal.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";

const START_MS = Date.UTC(2026, 10, 20, 12);
let nowMs = START_MS;
let api: TestAdmin;
let tenantId = "";
let providerId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => nowMs } });
  tenantId = (await makeTenant(api)).id;
  providerId = (await makeProvider(api, { name: "openai" })).id;
  await makeProvider(api, { name: "backup" });
});
afterAll(() => api.stop());

const PLAIN_TARGET = { use: "serve", percent: null, when: null, continues: null };

const DEFAULT_TERMS = {
  retries: {
    attempts_max: 3,
    backoff_base_ms: 50,
    backoff_max_ms: 5_000,
    total_ms: null,
    statuses: null,
    continue_streams: false,
  },
  sticky: null,
  hedge: null,
  single_flight: null,
  resumable: false,
  keep_alive_ms: 15_000,
};

describe("a route", () => {
  test("names its providers by name or id, and shows the names", async () => {
    const created = await api.call("POST", "/routes", {
      body: {
        model: "gpt-5-mini",
        targets: [
          { provider: providerId, model: "gpt-5-mini-2026" },
          { provider: "backup", model: "m", weight: 3, priority: 1 },
        ],
      },
    });
    expect([created.status, created.body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^rte_[0-9a-f]{32}$/),
        model: "gpt-5-mini",
        tenant_id: null,
        strategy: "priority",
        targets: [
          { provider: "openai", model: "gpt-5-mini-2026", weight: 1, priority: 0, ...PLAIN_TARGET },
          { provider: "backup", model: "m", weight: 3, priority: 1, ...PLAIN_TARGET },
        ],
        ...DEFAULT_TERMS,
        created_at: "2026-11-20T12:00:00.000Z",
        version: 1,
      },
    ]);
  });

  test("follows a provider that is renamed", async () => {
    const provider = await makeProvider(api, { name: "old-name" });
    const { id } = await make(api, "/routes", {
      model: "follows",
      targets: [{ provider: "old-name", model: "m" }],
    });
    await api.call("PATCH", `/providers/${provider.id}`, { body: { name: "new-name" } });
    const { member } = await api.call("GET", `/routes/${id}`);
    expect(member("targets")).toMatchObject([{ provider: "new-name" }]);
  });

  test("is one per model for all tenants, and one for each tenant", async () => {
    const body = { model: "shared", targets: [{ provider: "openai", model: "m" }] };
    await make(api, "/routes", body);
    await make(api, "/routes", { ...body, tenant_id: tenantId });
    const { id: otherTenant } = await makeTenant(api);
    await make(api, "/routes", { ...body, tenant_id: otherTenant });
    expect(refusalOf(await api.call("POST", "/routes", { body }))).toEqual([
      409,
      "conflict",
      "/model",
      "There is a route with the same model already.",
    ]);
    const own = { ...body, tenant_id: tenantId };
    expect(refusalOf(await api.call("POST", "/routes", { body: own }))).toEqual([
      409,
      "conflict",
      "/model",
      "There is a route with the same tenant_id and model already.",
    ]);
    const listed = await api.call("GET", `/routes?model=shared&tenant_id=${tenantId}`);
    expect(listed.member("data")).toMatchObject([{ tenant_id: tenantId, model: "shared" }]);
  });

  test("is changed as a whole list of targets, and removed", async () => {
    const { id } = await make(api, "/routes", {
      model: "changing",
      targets: [{ provider: "openai", model: "a" }],
    });
    const changed = await api.call("PATCH", `/routes/${id}`, {
      body: { targets: [{ provider: "backup", model: "b" }] },
    });
    expect(changed.body).toMatchObject({
      model: "changing",
      targets: [{ provider: "backup", model: "b", weight: 1, priority: 0 }],
      version: 2,
    });
    const renamed = await api.call("PATCH", `/routes/${id}`, { body: { model: "changed" } });
    expect(renamed.body).toMatchObject({ model: "changed", targets: [{ provider: "backup" }] });
    expect((await api.call("DELETE", `/routes/${id}`)).status).toBe(204);
  });

  test.each<readonly [what: string, body: object, refused: Refused]>([
    [
      "has no targets",
      { targets: [] },
      [400, "invalid_request", "/targets", "targets must be a list of 1 to 50 items."],
    ],
    [
      "names a provider that does not exist",
      {
        targets: [
          { provider: "openai", model: "m" },
          { provider: "nobody", model: "m" },
        ],
      },
      [
        422,
        "unprocessable",
        "/targets/1/provider",
        "targets.1.provider: there is no provider nobody.",
      ],
    ],
    [
      "has a target with a mistyped member",
      { targets: [{ provider: "openai", modle: "m" }] },
      [
        400,
        "invalid_request",
        "/targets/0/modle",
        '"modle" is not a member that can be set here; the nearest known one is model.',
      ],
    ],
    [
      "has a model with a control character",
      { model: "gpt\u0000" },
      [
        400,
        "invalid_request",
        "/model",
        "model must be 1 to 256 characters without control characters or surrounding spaces.",
      ],
    ],
    [
      "has a model with a space at its end",
      { model: "gpt " },
      [
        400,
        "invalid_request",
        "/model",
        "model must be 1 to 256 characters without control characters or surrounding spaces.",
      ],
    ],
    [
      "asks for a strategy that there is not",
      { strategy: "random" },
      [
        400,
        "invalid_request",
        "/strategy",
        'strategy must be one of "priority", "weighted", "fastest", "cheapest", "reliable", "least_busy".',
      ],
    ],
    [
      "belongs to a tenant that does not exist",
      { tenant_id: "ten_0" },
      [422, "unprocessable", "/tenant_id", "tenant_id names something that does not exist here."],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    const answer = await api.call("POST", "/routes", {
      body: { model: "new", targets: [{ provider: "openai", model: "m" }], ...body },
    });
    expect(refusalOf(answer)).toEqual(refused);
  });
});

describe("a price", () => {
  test("is exact, in texts or numbers, and counts from when it was set", async () => {
    const created = await api.call("POST", "/prices", {
      body: {
        provider: "openai",
        model: "m1",
        input_usd_per_million: 0.1,
        output_usd_per_million: "0.400001",
        cached_input_usd_per_million: "0",
        cache_write_usd_per_million: "0.125",
        cache_write_1h_usd_per_million: "0.2",
        reasoning_usd_per_million: "0.6",
        audio_input_usd_per_million: 1,
        audio_output_usd_per_million: 2,
        image_input_usd_per_million: "0.15",
        image_output_usd_per_million: "0.5",
        request_usd: "0.000000000001",
        tool_call_usd: { web_search: "0.01", "code-1": 0 },
        tiers: [
          { above_input_tokens: 400_000, input_usd_per_million: 3, output_usd_per_million: 4 },
          {
            above_input_tokens: 200_000,
            input_usd_per_million: "0.2",
            output_usd_per_million: "0.8",
            cached_input_usd_per_million: "0.05",
            cache_write_usd_per_million: "0.25",
          },
        ],
        batch_multiplier: 0.525,
        context_tokens_max: 128_000,
        confirm_unusual: true,
      },
    });
    const shown = {
      id: expect.stringMatching(/^prc_[0-9a-f]{32}$/),
      provider: "openai",
      model: "m1",
      input_usd_per_million: "0.10",
      output_usd_per_million: "0.400001",
      cached_input_usd_per_million: "0.00",
      cache_write_usd_per_million: "0.125",
      cache_write_1h_usd_per_million: "0.20",
      reasoning_usd_per_million: "0.60",
      audio_input_usd_per_million: "1.00",
      audio_output_usd_per_million: "2.00",
      image_input_usd_per_million: "0.15",
      image_output_usd_per_million: "0.50",
      image_usd: null,
      audio_second_usd: null,
      character_usd_per_million: null,
      search_unit_usd: null,
      request_usd: "0.000000000001",
      tool_call_usd: { web_search: "0.01", "code-1": "0.00" },
      tiers: [
        {
          above_input_tokens: 200_000,
          input_usd_per_million: "0.20",
          output_usd_per_million: "0.80",
          cached_input_usd_per_million: "0.05",
          cache_write_usd_per_million: "0.25",
        },
        {
          above_input_tokens: 400_000,
          input_usd_per_million: "3.00",
          output_usd_per_million: "4.00",
          cached_input_usd_per_million: null,
          cache_write_usd_per_million: null,
        },
      ],
      batch_multiplier: 0.525,
      context_tokens_max: 128_000,
      output_tokens_max: null,
      source: "operator",
      effective_at: "2026-11-20T12:00:00.000Z",
      created_at: "2026-11-20T12:00:00.000Z",
      version: 1,
    };
    expect([created.status, created.body]).toEqual([201, shown]);
    nowMs = START_MS + 60_000;
    const path = `/prices/${String(created.member("id"))}`;
    const bounded = await api.call("PATCH", path, { body: { output_tokens_max: 4_096 } });
    expect(bounded.body).toEqual({ ...shown, output_tokens_max: 4_096, version: 2 });
    const changed = await api.call("PATCH", path, {
      body: {
        cached_input_usd_per_million: null,
        input_usd_per_million: "0",
        request_usd: null,
        tool_call_usd: null,
        tiers: [],
        batch_multiplier: null,
        confirm_unusual: true,
      },
    });
    expect(changed.body).toEqual({
      ...shown,
      input_usd_per_million: "0.00",
      cached_input_usd_per_million: null,
      request_usd: null,
      tool_call_usd: null,
      tiers: [],
      batch_multiplier: null,
      output_tokens_max: 4_096,
      effective_at: "2026-11-20T12:01:00.000Z",
      version: 3,
    });
    nowMs = START_MS;
    expect((await api.call("DELETE", path)).status).toBe(204);
  });

  test("of units needs none of tokens, and each unit is taken back by itself", async () => {
    const units = {
      image_usd: "0.04",
      audio_second_usd: "0.0001",
      character_usd_per_million: 15,
      search_unit_usd: "0.002",
    };
    const body = { provider: "openai", model: "dall-e-3", ...units };
    const { id } = await make(api, "/prices", body);
    const changed = await api.call("PATCH", `/prices/${id}`, { body: { audio_second_usd: null } });
    expect(changed.body).toMatchObject({
      input_usd_per_million: "0.00",
      output_usd_per_million: "0.00",
      image_usd: "0.04",
      audio_second_usd: null,
      character_usd_per_million: "15.00",
      search_unit_usd: "0.002",
    });
    const perMinute = await api.call("PATCH", `/prices/${id}`, {
      body: { audio_second_usd: "0.006" },
    });
    expect(refusalOf(perMinute).slice(0, 3)).toEqual([422, "unprocessable", "/audio_second_usd"]);
    const bare = { provider: "openai", model: "m", output_usd_per_million: 1 };
    expect(refusalOf(await api.call("POST", "/prices", { body: bare }))).toEqual([
      400,
      "invalid_request",
      "/input_usd_per_million",
      mustBe.replace(" must be", " is required: it must be"),
    ]);
  });

  test("is one per provider and model, and listed by either", async () => {
    const body = {
      provider: "openai",
      model: "m2",
      input_usd_per_million: "1",
      output_usd_per_million: "2",
    };
    await make(api, "/prices", body);
    await make(api, "/prices", { ...body, provider: "backup" });
    expect(refusalOf(await api.call("POST", "/prices", { body }))).toEqual([
      409,
      "conflict",
      "/model",
      "There is a price with the same provider and model already.",
    ]);
    const listed = await api.call("GET", "/prices?provider=backup");
    expect(listed.member("data")).toMatchObject([{ provider: "backup", model: "m2" }]);
    const ofBoth = await api.call("GET", `/prices?provider=${providerId}&model=m2`);
    expect(ofBoth.member("data")).toMatchObject([{ provider: "openai", model: "m2" }]);
    expect((await api.call("GET", "/prices?provider=nobody")).body).toEqual({
      data: [],
      next_cursor: null,
    });
  });

  const mustBe =
    'input_usd_per_million must be US dollars per million tokens with at most 6 decimals, such as "2.50".';
  test.each<readonly [what: string, body: object, refused: Refused]>([
    [
      "has more decimals than count",
      { input_usd_per_million: "0.0000001" },
      [400, "invalid_request", "/input_usd_per_million", mustBe],
    ],
    [
      "is negative",
      { input_usd_per_million: -1 },
      [400, "invalid_request", "/input_usd_per_million", mustBe],
    ],
    [
      "is no number",
      { input_usd_per_million: "free" },
      [400, "invalid_request", "/input_usd_per_million", mustBe],
    ],
    [
      "is nothing",
      { input_usd_per_million: null },
      [400, "invalid_request", "/input_usd_per_million", mustBe],
    ],
    [
      "is more than a dollar a token",
      { output_usd_per_million: "1000000.000001" },
      [
        400,
        "invalid_request",
        "/output_usd_per_million",
        "output_usd_per_million must be at most 1000000.00.",
      ],
    ],
    [
      "asks a fee finer than a pico-dollar",
      { request_usd: "0.0000000000001" },
      [
        400,
        "invalid_request",
        "/request_usd",
        'request_usd must be US dollars with at most 12 decimals, such as "0.01".',
      ],
    ],
    [
      "asks a negative fee for a tool",
      { tool_call_usd: { web_search: -1 } },
      [
        400,
        "invalid_request",
        "/tool_call_usd/web_search",
        'tool_call_usd.web_search must be US dollars with at most 12 decimals, such as "0.01".',
      ],
    ],
    [
      "asks more than a thousand dollars for a call",
      { tool_call_usd: { web_search: "1000.01" } },
      [
        400,
        "invalid_request",
        "/tool_call_usd/web_search",
        "tool_call_usd.web_search must be at most 1000.00.",
      ],
    ],
    [
      "names a tool as no tool is named",
      { tool_call_usd: { "web search": "0.01" } },
      [
        400,
        "invalid_request",
        "/tool_call_usd/web search",
        'The name "web search" must be 1 to 64 letters, digits or the characters _ . : -.',
      ],
    ],
    [
      "has two tiers of one bound",
      {
        tiers: [
          { above_input_tokens: 5, input_usd_per_million: 1, output_usd_per_million: 1 },
          { above_input_tokens: 5, input_usd_per_million: 2, output_usd_per_million: 2 },
        ],
      },
      [
        400,
        "invalid_request",
        "/tiers/1/above_input_tokens",
        "tiers.1.above_input_tokens is that of another tier already.",
      ],
    ],
    [
      "has a tier without a price",
      { tiers: [{ above_input_tokens: 5, input_usd_per_million: 1 }] },
      [
        400,
        "invalid_request",
        "/tiers/0/output_usd_per_million",
        'tiers.0.output_usd_per_million is required: it must be US dollars per million tokens with at most 6 decimals, such as "2.50".',
      ],
    ],
    [
      "has a tier that is not exact",
      {
        tiers: [
          { above_input_tokens: 5, input_usd_per_million: "0.0000001", output_usd_per_million: 1 },
        ],
      },
      [
        400,
        "invalid_request",
        "/tiers/0/input_usd_per_million",
        'tiers.0.input_usd_per_million must be US dollars per million tokens with at most 6 decimals, such as "2.50".',
      ],
    ],
    [
      "makes batches dearer",
      { batch_multiplier: 1.5 },
      [
        400,
        "invalid_request",
        "/batch_multiplier",
        "batch_multiplier must be a number from 0 to 1 with at most 3 decimals, such as 0.5, or null.",
      ],
    ],
    [
      "has a batch multiplier finer than a thousandth",
      { batch_multiplier: 0.3333 },
      [
        400,
        "invalid_request",
        "/batch_multiplier",
        "batch_multiplier must be a number from 0 to 1 with at most 3 decimals, such as 0.5.",
      ],
    ],
    [
      "is for a provider that does not exist",
      { provider: "nobody" },
      [422, "unprocessable", "/provider", "There is no provider nobody."],
    ],
  ])("that %s is refused", async (_what, body, refused) => {
    const answer = await api.call("POST", "/prices", {
      body: {
        provider: "openai",
        model: "m3",
        input_usd_per_million: "1",
        output_usd_per_million: "2",
        ...body,
      },
    });
    expect(refusalOf(answer)).toEqual(refused);
  });
});
