import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import { newId } from "../../../src/base/ids.ts";
import { systemRandom } from "../../../src/base/random.ts";
import type { RefusalReason } from "../../../src/base/verdict.ts";
import type { PostingRecord, RequestRecord } from "../../../src/store/contract.ts";
import { plainRates } from "../../../src/gateway/prices/price.ts";
import { NO_UNIT_RATES } from "../../../src/gateway/prices/unit-rates.ts";
import { priceJson } from "../../../src/gateway/prices/price-json.ts";
import { startTestAdmin, type TestAdmin } from "../../support/admin.ts";
import { refusalOf } from "../../support/refusal.ts";
import { make, makeProvider, makeTenant } from "../../support/things.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 20, 12);
let api: TestAdmin;
let tenantId = "";
let projectId = "";
let tokenId = "";
let looseTokenId = "";
let providerId = "";

beforeAll(async () => {
  api = await startTestAdmin({ clock: { ...systemClock, nowMs: () => START_MS } });
  tenantId = (await makeTenant(api)).id;
  projectId = (await make(api, "/projects", { tenant_id: tenantId, name: "Support" })).id;
  const inProject = { tenant_id: tenantId, project_id: projectId, name: "Prod" };
  tokenId = (await make(api, "/tokens", inProject)).id;
  looseTokenId = (await make(api, "/tokens", { tenant_id: tenantId, name: "Loose" })).id;
  providerId = (await makeProvider(api, { name: "openai" })).id;
});
afterAll(() => api.stop());

type Call = {
  readonly requestId: string;
  readonly atMs: number;
  readonly tokenId?: string;
  readonly number?: number;
  readonly outcome?: string;
  readonly costNanoUsd?: number;
  readonly details?: PostingRecord["details"];
  readonly price?: string;
};

/** One attempt in the ledger, held and settled half a second later. */
async function attempt(call: Call): Promise<string> {
  const { requestId, atMs, number = 1, outcome = "ok", costNanoUsd = 1_500 } = call;
  const attemptId = newId("attempt", systemRandom);
  const isLoose = call.tokenId === looseTokenId;
  await api.store.ledger.hold({
    attemptId,
    requestId,
    attemptNumber: number,
    scopes: {
      tokenId: call.tokenId ?? tokenId,
      projectId: isLoose ? null : projectId,
      tenantId,
      endUserId: isLoose ? null : "customer-42",
      routeId: null,
      providerId,
    },
    model: "gpt-5-mini",
    price: call.price ?? "{}",
    heldNanoUsd: 9_000,
    heldAtMs: atMs,
  });
  const isOk = outcome === "ok";
  api.store.ledger.post({
    attemptId,
    kind: isOk ? "settle" : "void",
    amountNanoUsd: isOk ? costNanoUsd : 0,
    estimated: false,
    inputTokens: isOk ? 10 : 0,
    outputTokens: isOk ? 5 : 0,
    cachedInputTokens: isOk ? 4 : 0,
    reasoningTokens: isOk ? 2 : 0,
    details: call.details ?? null,
    status: isOk ? 200 : 503,
    outcome,
    latencyMs: 500,
    postedAtMs: atMs + 500,
  });
  return attemptId;
}

function record(row: Partial<RequestRecord> & Pick<RequestRecord, "id">): void {
  api.store.requestLog.record({
    createdAtMs: START_MS,
    tenantId,
    projectId,
    tokenId,
    endUserId: "customer-42",
    route: "mini",
    provider: "openai",
    model: "gpt-5-mini",
    status: 200,
    errorCode: null,
    stream: false,
    inputTokens: 10,
    outputTokens: 5,
    cachedInputTokens: 4,
    reasoningTokens: 2,
    costNanoUsd: 1_500,
    estimated: false,
    attemptCount: 1,
    latencyMs: 512,
    firstTokenMs: null,
    clientGone: false,
    refusal: null,
    attemptNotes: null,
    answeredBy: null,
    ...row,
  });
}

/** The sums of so many equal attempts. */
function counts(times: number): object {
  return {
    requests: times,
    attempts: times,
    input_tokens: 10 * times,
    output_tokens: 5 * times,
    cached_input_tokens: 4 * times,
    reasoning_tokens: 2 * times,
  };
}

/** A row of the log as it is recorded above. */
function shown(id: string | undefined): object {
  return {
    id,
    created_at: "2026-11-20T12:00:00.000Z",
    tenant_id: tenantId,
    project_id: projectId,
    token_id: tokenId,
    end_user: "customer-42",
    route: "mini",
    provider: "openai",
    model: "gpt-5-mini",
    status: 200,
    error_code: null,
    stream: false,
    input_tokens: 10,
    output_tokens: 5,
    cached_input_tokens: 4,
    reasoning_tokens: 2,
    cost_usd: "0.0000015",
    estimated: false,
    attempt_count: 1,
    latency_ms: 512,
    first_token_ms: null,
    client_gone: false,
    tried: null,
    answered_by: null,
  };
}

/** An entry of the ledger; `at` is seconds within a minute of the morning. */
function entry(attemptId: string, kind: string, amount: string, at: string): object {
  return {
    attempt_id: attemptId,
    kind,
    amount_usd: amount,
    estimated: kind === "hold",
    at: `2026-11-20T07:00:0${at}Z`,
  };
}

describe("usage", () => {
  beforeAll(async () => {
    for (const [day, by, costNanoUsd] of [
      [1, tokenId, 1_000_000_000],
      [19, tokenId, 2_000_000_000],
      [20, tokenId, 3_000_000_001],
      [20, looseTokenId, 4_000_000_000],
    ] as const) {
      const atMs = Date.UTC(2026, 10, day, 11);
      await attempt({
        requestId: newId("request", systemRandom),
        atMs,
        tokenId: by,
        costNanoUsd,
      });
    }
    // Last month, which only a span that names it counts.
    await attempt({
      requestId: newId("request", systemRandom),
      atMs: Date.UTC(2026, 9, 31, 23),
      costNanoUsd: 5_000_000_000,
    });
    await api.store.flush();
  });

  test("is one sum of the running UTC month unless asked otherwise", async () => {
    const answer = await api.call("GET", "/usage");
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        from: "2026-11-01T00:00:00.000Z",
        to: "2026-11-21T00:00:00.000Z",
        data: [{ ...counts(4), cost_usd: "10.000000001" }],
      },
    ]);
  });

  test("is grouped by anything, with names beside ids", async () => {
    const answer = await api.call("GET", "/usage?group_by=token,project,tenant");
    const tenant = { tenant_id: tenantId, tenant_name: "Acme" };
    expect(answer.member("data")).toEqual(
      expect.arrayContaining([
        {
          ...tenant,
          project_id: projectId,
          project_name: "Support",
          token_id: tokenId,
          token_name: "Prod",
          ...counts(3),
          cost_usd: "6.000000001",
        },
        {
          ...tenant,
          project_id: null,
          project_name: null,
          token_id: looseTokenId,
          token_name: "Loose",
          ...counts(1),
          cost_usd: "4.00",
        },
      ]),
    );
    const byDay = await api.call("GET", "/usage?group_by=day,provider,model");
    const where = { provider_id: providerId, provider: "openai", model: "gpt-5-mini" };
    expect(byDay.member("data")).toEqual([
      { ...where, day: "2026-11-01", ...counts(1), cost_usd: "1.00" },
      { ...where, day: "2026-11-19", ...counts(1), cost_usd: "2.00" },
      { ...where, day: "2026-11-20", ...counts(2), cost_usd: "7.000000001" },
    ]);
  });

  test("counts whole days of any span", async () => {
    const span = "from=2026-10-31T23:30:00Z&to=2026-11-19T00:30:00%2B01:00";
    const answer = await api.call("GET", `/usage?${span}`);
    expect(answer.body).toEqual({
      from: "2026-10-31T00:00:00.000Z",
      to: "2026-11-19T00:00:00.000Z",
      data: [{ ...counts(2), cost_usd: "6.00" }],
    });
  });

  test("is of one tenant, project or access token when asked", async () => {
    const answer = await api.call("GET", `/usage?token_id=${looseTokenId}`);
    expect(answer.member("data")).toEqual([{ ...counts(1), cost_usd: "4.00" }]);
    const none = await api.call("GET", "/usage?tenant_id=ten_0");
    expect(none.member("data")).toMatchObject([{ requests: 0, cost_usd: "0.00" }]);
  });

  test.each([
    [
      "group_by=colour",
      "group_by",
      "group_by must be one or more of tenant, project, token, model, provider, day, separated by commas.",
    ],
    ["from=yesterday", "from", "from must be a time such as 2026-12-31T23:59:59Z."],
    ["from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z", "from", "from must lie before to."],
    ["from=2027-01-01T00:00:00Z", "from", "from must lie before to."],
  ])("by %s is refused", async (query, param, message) => {
    const answer = await api.call("GET", `/usage?${query}`);
    expect(refusalOf(answer)).toEqual([400, "invalid_request", param, message]);
  });
});

describe("the request log", () => {
  const ids: string[] = [];
  beforeAll(async () => {
    for (let number = 0; number < 5; number += 1) ids.push(newId("request", systemRandom));
    const [plain, stream, refused, failed, anonymous] = ids;
    record({ id: String(plain) });
    record({ id: String(stream), stream: true, firstTokenMs: 80, clientGone: true });
    record({
      id: String(refused),
      status: 429,
      errorCode: "budget_exceeded",
      provider: null,
      model: null,
      refusal: {
        kind: "budget",
        scope: { type: "project", id: projectId },
        ruleId: "bud_1",
        limit: 1_000_000_000,
        posted: 999_000_000,
        held: 500_000,
        asked: 700_000,
        freesAtMs: START_MS + 12 * HOUR_MS,
      },
    });
    record({ id: String(failed), status: 503, createdAtMs: START_MS - HOUR_MS });
    const nobody = { tenantId: null, projectId: null, tokenId: null, endUserId: null };
    record({ id: String(anonymous), status: 401, ...nobody });
    await api.store.flush();
  });

  test("comes newest first, in pages, with every member of the contract", async () => {
    const first = await api.call("GET", "/requests?limit=4");
    const [plain, stream, refused, failed, anonymous] = ids;
    expect(first.member("data")).toEqual([
      {
        ...shown(anonymous),
        status: 401,
        tenant_id: null,
        project_id: null,
        token_id: null,
        end_user: null,
      },
      { ...shown(failed), status: 503, created_at: "2026-11-20T11:00:00.000Z" },
      {
        ...shown(refused),
        status: 429,
        error_code: "budget_exceeded",
        provider: null,
        model: null,
      },
      { ...shown(stream), stream: true, first_token_ms: 80, client_gone: true },
    ]);
    const next = String(first.member("next_cursor"));
    const second = await api.call("GET", `/requests?limit=4&cursor=${next}`);
    expect(second.body).toEqual({ data: [shown(plain)], next_cursor: null });
  });

  test.each([
    ["status=429", [2]],
    ["error_code=budget_exceeded", [2]],
    ["provider=openai&model=gpt-5-mini", [4, 3, 1, 0]],
    ["route=mini&status=200", [1, 0]],
    ["from=2026-11-20T12:00:00Z", [4, 2, 1, 0]],
    ["to=2026-11-20T12:00:00Z", [3]],
    ["from=2026-11-20T13:00:00%2B01:00&to=2026-11-20T12:00:00.001Z&status=200", [1, 0]],
    ["end_user=customer-42", [3, 2, 1, 0]],
    ["end_user=customer-43", []],
    ["tenant_id=ten_0", []],
  ])("filtered by %s", async (query, expected) => {
    const answer = await api.call("GET", `/requests?${query}`);
    const found = Array.from(Object(answer.member("data")), (row) => ids.indexOf(Object(row).id));
    expect(found).toEqual(expected);
  });

  test("is filtered by tenant, project and access token", async () => {
    const query = `tenant_id=${tenantId}&project_id=${projectId}&token_id=${tokenId}`;
    const answer = await api.call("GET", `/requests?${query}`);
    expect(answer.member("data")).toHaveLength(4);
  });

  test("says why a request was refused: scope, limit, posted, held, and when it frees", async () => {
    const answer = await api.call("GET", `/requests/${ids[2]}`);
    expect([answer.status, answer.body]).toMatchObject([
      200,
      {
        id: ids[2],
        status: 429,
        logged: true,
        attempts: [],
        ledger: [],
        refusal: {
          kind: "budget",
          scope: { type: "project", id: projectId },
          rule_id: "bud_1",
          unit: "usd",
          limit: "1.00",
          posted: "0.999",
          held: "0.0005",
          asked: "0.0007",
          frees_at: "2026-11-21T00:00:00.000Z",
        },
      },
    ]);
  });

  test.each<readonly [RefusalReason["kind"], string]>([
    ["requests", "requests"],
    ["max_requests", "requests"],
    ["tokens", "tokens"],
    ["concurrency", "slots"],
  ])("counts a refusal by %s in %s", async (kind, unit) => {
    const id = newId("request", systemRandom);
    const scope = { type: "token", id: tokenId } as const;
    const amounts = { limit: 10, posted: 10, held: 1, asked: 1 };
    record({
      id,
      refusal: { kind, scope, ruleId: "lim_1", ...amounts, freesAtMs: null },
    });
    await api.store.flush();
    const answer = await api.call("GET", `/requests/${id}`);
    expect(answer.member("refusal")).toEqual({
      kind,
      scope,
      rule_id: "lim_1",
      unit,
      ...amounts,
      frees_at: null,
    });
  });

  test("shows the attempts and ledger entries of a request that was retried", async () => {
    const id = newId("request", systemRandom);
    const atMs = START_MS - 5 * HOUR_MS;
    const first = await attempt({ requestId: id, atMs, outcome: "status_503" });
    const details = {
      cacheWriteTokens: 1,
      cacheWrite1hTokens: 2,
      audioInputTokens: 3,
      cachedAudioInputTokens: 4,
      imageInputTokens: 5,
      audioOutputTokens: 6,
      imageOutputTokens: 7,
      toolCalls: { web_search: 8 },
      units: { images: 9 },
    };
    const price = priceJson({
      ...plainRates(1_250_000, 10_000_000),
      ...NO_UNIT_RATES,
      cachedInputPicoUsd: 125_000,
      requestPicoUsd: 0,
      toolCallPicoUsd: { web_search: 10_000_000_000 },
      tiers: [],
      batchPermille: null,
      contextTokensMax: 400_000,
      outputTokensMax: null,
      source: "catalogue:0.1.8",
    });
    const second = await attempt({ requestId: id, atMs: atMs + 1_000, number: 2, details, price });
    record({ id, attemptCount: 2 });
    await api.store.flush();
    const answer = await api.call("GET", `/requests/${id}`);
    const common = {
      provider_id: providerId,
      provider: "openai",
      model: "gpt-5-mini",
      held_usd: "0.000009",
      estimated: false,
      latency_ms: 500,
    };
    expect(answer.member("attempts")).toEqual([
      {
        ...common,
        id: first,
        number: 1,
        held_at: "2026-11-20T07:00:00.000Z",
        outcome: "status_503",
        status: 503,
        input_tokens: 0,
        output_tokens: 0,
        cached_input_tokens: 0,
        reasoning_tokens: 0,
        details: null,
        // Written in a way that nobody writes.
        price: null,
        cost_usd: "0.00",
      },
      {
        ...common,
        id: second,
        number: 2,
        held_at: "2026-11-20T07:00:01.000Z",
        outcome: "ok",
        status: 200,
        input_tokens: 10,
        output_tokens: 5,
        cached_input_tokens: 4,
        reasoning_tokens: 2,
        details: {
          cache_write_tokens: 1,
          cache_write_1h_tokens: 2,
          audio_input_tokens: 3,
          cached_audio_input_tokens: 4,
          image_input_tokens: 5,
          audio_output_tokens: 6,
          image_output_tokens: 7,
          tool_calls: { web_search: 8 },
          units: { images: 9 },
        },
        price: {
          source: "catalogue:0.1.8",
          input_usd_per_million: "1.25",
          output_usd_per_million: "10.00",
          cached_input_usd_per_million: "0.125",
          cache_write_usd_per_million: null,
          cache_write_1h_usd_per_million: null,
          reasoning_usd_per_million: null,
          audio_input_usd_per_million: null,
          audio_output_usd_per_million: null,
          image_input_usd_per_million: null,
          image_output_usd_per_million: null,
          image_usd: null,
          audio_second_usd: null,
          character_usd_per_million: null,
          search_unit_usd: null,
          request_usd: "0.00",
          tool_call_usd: { web_search: "0.01" },
          tiers: [],
          batch_multiplier: null,
          context_tokens_max: 400_000,
          output_tokens_max: null,
        },
        cost_usd: "0.0000015",
      },
    ]);
    expect(answer.member("ledger")).toEqual([
      entry(first, "hold", "0.000009", "0.000"),
      entry(first, "void", "0.00", "0.500"),
      entry(second, "hold", "0.000009", "1.000"),
      entry(second, "settle", "0.0000015", "1.500"),
    ]);
  });

  test("shows what the ledger knows of a request whose row dropped", async () => {
    const id = newId("request", systemRandom);
    await attempt({ requestId: id, atMs: START_MS });
    await api.store.flush();
    const { body } = await api.call("GET", `/requests/${id}`);
    expect(body).toMatchObject({
      id,
      logged: false,
      created_at: "2026-11-20T12:00:00.000Z",
      tenant_id: tenantId,
      project_id: projectId,
      token_id: tokenId,
      end_user: "customer-42",
      route: null,
      provider: "openai",
      model: "gpt-5-mini",
      status: null,
      stream: null,
      latency_ms: null,
      cost_usd: "0.0000015",
      attempt_count: 1,
      refusal: null,
    });
  });

  test("does not know a request that never was", async () => {
    const answer = await api.call("GET", "/requests/req_0");
    expect(refusalOf(answer)).toEqual([404, "not_found", null, "There is no request req_0."]);
  });
});
