/** A request that is wrong in several ways is told the first in the contract's order, for each pair. */
import { afterAll, expect, test } from "bun:test";
import { hashAccessToken, newAccessToken } from "../../src/base/access-token.ts";
import { LIMITS } from "../../src/base/limits.ts";
import { systemRandom } from "../../src/base/random.ts";
import { HELLO } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { sendRaw } from "./raw-socket.ts";

/** In the contract's order, with the code that tells it. */
const FAULTS = {
  "body too large": "body_too_large",
  credentials: "invalid_api_key",
  tenant: "tenant_suspended",
  JSON: "invalid_json",
  request: "invalid_request",
  "model unknown": "model_not_found",
  "model not allowed": "model_not_allowed",
  "model unpriced": "model_unpriced",
  rate: "rate_limit_exceeded",
  concurrency: "concurrency_limit_exceeded",
  budget: "budget_exceeded",
  provider: "provider_unavailable",
} as const;
type Fault = keyof typeof FAULTS;

/** A name can be wrong in one way only. */
const MODELS: Partial<Record<Fault, string>> = {
  "model unknown": "nobody",
  "model not allowed": "forbidden",
  "model unpriced": "unpriced",
};

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());

const provider = await tollgate.addProvider();
const disabled = await tollgate.addProvider({ name: "disabled", enabled: false });
for (const [route, target, model] of [
  ["small", provider, "sim-small"],
  ["forbidden", provider, "sim-small"],
  ["unpriced", provider, "nobody-knows-its-price"],
  ["resting", disabled, "sim-small"],
] as const) {
  await tollgate.addRoute(route, [{ providerId: target.id, model, weight: 1, priority: 0 }]);
}

/** An access token of a tenant of its own, with the faults that are somebody's state. */
async function tokenWith(faults: ReadonlySet<Fault>): Promise<string> {
  const status = faults.has("tenant") ? "suspended" : "active";
  const tenantId = (await tollgate.addTenant({ status })).id;
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  if (faults.has("budget")) await tollgate.addBudget({ ...scope, amountNanoUsd: 0 });
  if (faults.has("rate")) await tollgate.addLimit({ ...scope, requestsPerMinute: 0 });
  if (faults.has("concurrency")) await tollgate.addLimit({ ...scope, maxConcurrent: 0 });
  const { token } = await tollgate.addToken(tenantId, {
    allowedModels: faults.has("model not allowed") ? ["small"] : null,
    revokedAtMs: faults.has("credentials") ? Date.now() : null,
  });
  return token;
}

/** Sends a request with these faults and no others; tells status and code of the answer. */
async function ask(faults: ReadonlySet<Fault>): Promise<[status: number, code: string | null]> {
  const token = await tokenWith(faults);
  const named = [...faults].map((fault) => MODELS[fault]).find((name) => name !== undefined);
  const model = named ?? (faults.has("provider") ? "resting" : "small");
  const messages = faults.has("request") ? [] : HELLO;
  const text = JSON.stringify({ model, messages });
  const body = faults.has("JSON") ? text.slice(0, -1) : text;
  const length = faults.has("body too large") ? LIMITS.bodyBytesMax + 1 : body.length;
  const headers = [
    "Host: localhost",
    `Authorization: Bearer ${token}`,
    `Content-Length: ${length}`,
  ];
  const head = `POST /v1/chat/completions HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`;
  const reply = await sendRaw(tollgate.port, head + body);
  return [reply.status, reply.headers.get("x-tollgate-error")];
}

const names = Object.keys(FAULTS) as Fault[];
const pairs = names.flatMap((first, index) =>
  names
    .slice(index + 1)
    .filter((second) => MODELS[first] === undefined || MODELS[second] === undefined)
    // A model that is not there, or has no price, has no provider that could fail.
    .filter((second) => MODELS[first] === undefined || second !== "provider")
    .map((second) => [first, second] as const),
);

test("without a fault a request is served, and each fault alone is told", async () => {
  expect(await ask(new Set())).toEqual([200, null]);
  for (const name of names)
    expect([name, (await ask(new Set([name])))[1]]).toEqual([name, FAULTS[name]]);
});

test.each(pairs)("%s comes before %s", async (first, second) => {
  expect((await ask(new Set([first, second])))[1]).toBe(FAULTS[first]);
});

test("of everything that is wrong at once, the first that is left is told", async () => {
  const told: (string | null)[] = [];
  const rest = names.filter((name) => !["model not allowed", "model unpriced"].includes(name));
  for (let index = 0; index < rest.length; index += 1) {
    told.push((await ask(new Set(rest.slice(index))))[1]);
  }
  expect(told).toEqual(rest.map((name) => FAULTS[name]));
});

test("of the ways a credential can be wrong, the one that its owner can tell apart", async () => {
  const tenantId = (await tollgate.addTenant()).id;
  const past = Date.now() - 1_000;
  const rotatedOut = newAccessToken(systemRandom);
  const pepper = tollgate.gateway.tokenPepper;
  const rotated = { previousHash: hashAccessToken(pepper, rotatedOut), previousUntilMs: past };
  await tollgate.addToken(tenantId, rotated);
  const messages: (readonly [string, string])[] = [
    ["nonsense", "The access token is malformed: it is `sk-tg-` and 38 letters or digits."],
    [newAccessToken(systemRandom), "The access token is unknown."],
    [
      (await tollgate.addToken(tenantId, { revokedAtMs: past })).token,
      "The access token was revoked.",
    ],
    [
      (await tollgate.addToken(tenantId, { expiresAtMs: past })).token,
      "The access token has expired.",
    ],
    [rotatedOut, "The access token was rotated; use the new one."],
  ];
  for (const [token, message] of messages) {
    const response = await fetch(`${tollgate.url}/v1/models`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([response.status, await response.json()]).toEqual([
      401,
      { error: { message, type: "invalid_request_error", code: "invalid_api_key", param: null } },
    ]);
  }
});
