/**
 * Responses of which several attempts were made: what a provider told that it keeps is the tenant's,
 * whether it was answered with or not, and nobody else's. In a conversation no two attempts run at once.
 */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { HOUSE_SCOPES } from "../../src/base/scope.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { type Recorded, startRecordedUpstream } from "./recorded-upstream.ts";
import { begun, completed, events, message, response, written } from "./responses-answers.ts";

const HEDGE = { percentile: 95, delayMsMin: 10, percentMax: 100 };
const MODEL = "hedged";
const PATH = "/v1/responses";
const EVENT_STREAM = { "content-type": "text/event-stream" };

const tollgate = await startTestGateway();
const upstreams = [await startRecordedUpstream(), await startRecordedUpstream()] as const;
const [first, second] = upstreams;
const providers = await Promise.all(
  upstreams.map(async ({ url }, place) => {
    const row = await tollgate.addProvider({ name: `provider-${place}`, baseUrl: `${url}/v1` });
    for (const model of ["m", "m2"]) await tollgate.addPrice(row.id, model);
    return row;
  }),
);
const targets = providers.map(({ id: providerId }, priority) => {
  return { providerId, model: "m", weight: 1, priority };
});
await tollgate.addRoute(MODEL, targets, { terms: { hedge: HEDGE } });
const tenantId = (await tollgate.addTenant()).id;
const { token } = await tollgate.addToken(tenantId);
const stranger = (await tollgate.addToken((await tollgate.addTenant()).id)).token;

beforeEach(async () => {
  for (const upstream of upstreams) upstream.forget();
  for (const provider of providers) await freshProvider(tollgate, provider);
});

afterAll(async () => {
  await tollgate.stop();
  for (const upstream of upstreams) await upstream.stop();
});

async function ask(method: string, path: string, by: string, body?: object, more = {}) {
  const answer = await fetch(`${tollgate.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${by}`, ...more },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  await until(() => tollgate.gateway.lifecycle.inFlightCount() === 0);
  return { status: answer.status, text };
}

const create = (more: object) => ask("POST", PATH, token, { model: MODEL, input: "hi", ...more });

const streamed = (id: string, end?: Recorded["end"]): Recorded => {
  const whole = [...begun({ id }), ...written(["Hi"]), completed([message("Hi")], { id })];
  const pieces = [events(end === undefined ? whole : begun({ id }))];
  return { headers: EVENT_STREAM, pieces, ...(end === undefined ? {} : { end }) };
};
const plain = (id: string) => JSON.stringify(response([message("Hi")], { id }));

describe("a response that was begun for nothing", () => {
  test.each([
    ["because the other attempt was faster", "hang"],
    ["because its stream ended too early", "close"],
  ] as const)("%s is its tenant's, and where it is kept", async (_why, end) => {
    const lost = `resp_lost_${end}`;
    first.answer(streamed(lost, end));
    second.answer(streamed(`resp_won_${end}`));
    const answer = await create({ stream: true });
    expect([answer.status, answer.text.includes(lost)]).toEqual([200, false]);
    first.forget();
    first.answer({ pieces: [plain(lost)] });
    for (const method of ["GET", "DELETE"]) {
      const refused = await ask(method, `${PATH}/${lost}`, stranger);
      expect([refused.status, first.seen.length]).toEqual([404, 0]);
    }
    expect((await ask("GET", `${PATH}/${lost}`, token)).text).toBe(plain(lost));
    expect((await ask("DELETE", `${PATH}/${lost}`, token)).status).toBe(200);
    expect(first.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${PATH}/${lost}`,
      `DELETE ${PATH}/${lost}`,
    ]);
  });
});

test.each([
  ["two attempts do not run at once in a conversation, which would hold both", "conversation", 1],
  ["two attempts run where the loser's answer is in nobody's way", "previous_response_id", 2],
])("%s", async (_what, member, attempts) => {
  // One provider keeps it, and serves the route by two models.
  const [provider] = providers;
  const models = ["m", "m2"].map((model, priority) => {
    return { providerId: provider?.id ?? "", model, weight: 1, priority };
  });
  await tollgate.addRoute(`two models, ${member}`, models, { terms: { hedge: HEDGE } });
  first.answer({ pieces: [plain("resp_before")] });
  await create({});
  first.answer({ pieces: ['{"id":"conv_kept","object":"conversation"}'] });
  await ask("POST", "/v1/conversations", token, {}, { "x-tollgate-model": MODEL });
  first.forget();
  first.answer({ pieces: [], end: "hang" });
  const named = member === "conversation" ? "conv_kept" : "resp_before";
  const body = { model: `two models, ${member}`, input: "hi", [member]: named };
  const ended = await ask("POST", PATH, token, body, { "x-tollgate-timeout-ms": "400" });
  expect([ended.status, first.seen.length]).toEqual([504, attempts]);
});

test("what a shadow's provider keeps is nobody's, whatever came of it", async () => {
  const [main, other] = targets;
  if (main === undefined || other === undefined) throw new Error("there are two targets");
  await tollgate.addRoute("mirrored", [main, { ...other, use: "shadow", percent: 100 }]);
  first.answer(streamed("resp_real"));
  for (const end of ["close", undefined] as const) {
    const id = `resp_shadow_${end ?? "whole"}`;
    second.forget();
    second.answer(streamed(id, end));
    await ask("POST", PATH, token, { model: "mirrored", input: "hi", stream: true });
    await until(() => second.seen.length === 1 && tollgate.gateway.shadows.count === 0);
    for (const owner of [tenantId, HOUSE_SCOPES.tenantId]) {
      expect(await tollgate.gateway.objects.find(owner, [id])).toEqual([]);
    }
  }
});
