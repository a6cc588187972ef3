/**
 * Single-flight: equal deterministic requests of a tenant are one attempt while it runs. Each gets the
 * answer under an id and a row of its own, and by policy the first pays, or all who got it.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { chat, chatInit, type ChatReply } from "../../support/chat.ts";
import type { TestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";
import { idOf, startScene, type Person, type Scene } from "./scene.ts";

/** So many that the cost is not their multiple. */
const MANY = 201;
/** Tokens that the provider reports, and what they cost. */
const SCRIPT = "tokens=7&prompt_tokens=4";
const COST_NANO_USD = 11 * 1_000;

let tollgate: TestGateway | null = null;

afterEach(() => tollgate?.stop());

async function sceneOf(cost: "first" | "split"): Promise<Scene> {
  const scene = await startScene({ singleFlight: { cost } });
  ({ tollgate } = scene);
  return scene;
}

/** Posted so far for the scopes of an access token's budget. */
async function budgetOf({ tollgate: { addBudget } }: Scene, { row, tenantId }: Person) {
  const scope = { scopeType: "token", scopeId: row.id, tenantId } as const;
  return await addBudget({ ...scope, amountNanoUsd: 1_000_000_000_000 });
}

async function posted({ tollgate: { gateway } }: Scene, tenantId: string) {
  const states = await gateway.directory.budgetStates(tenantId);
  return Object.fromEntries(states.map((state) => [state.budgetId, state.postedNanoUsd]));
}

/** Ledger entries of the rows of replies, each as what it was posted at. */
async function postingsOf(scene: Scene, replies: readonly ChatReply[]) {
  const details = await Promise.all(replies.map((reply) => scene.rowOf(reply)));
  return details.flatMap(({ attempts }) =>
    attempts.flatMap(({ attempt, postings }) => {
      expect(postings).toHaveLength(1);
      return postings.map(({ amountNanoUsd, kind, outcome, estimated }) => ({
        token: attempt.tokenId,
        amountNanoUsd,
        kind,
        outcome,
        estimated,
      }));
    }),
  );
}

const WAYS = [
  ["plain", {}, "&delay_ms=400"],
  ["stream", { stream: true }, "&token_delay_ms=60"],
] as const;

describe.each(WAYS)("%s requests at once", (_, body, slowly) => {
  const options = { body: { ...body, temperature: 0 }, script: SCRIPT + slowly };

  test(`where the first pays: ${MANY} are one attempt, and the others pay nothing`, async () => {
    const scene = await sceneOf("first");
    const replies = await Promise.all(
      Array.from({ length: MANY }, (__, place) =>
        scene.ask({ ...options, from: place % 2 === 0 ? scene.ann : scene.eve }),
      ),
    );
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(new Set(replies.map(idOf)).size).toBe(MANY);
    const postings = await postingsOf(scene, replies);
    expect(postings.map(({ amountNanoUsd, outcome }) => [amountNanoUsd, outcome])).toEqual([
      [COST_NANO_USD, "ok"],
    ]);
    const rows = await Promise.all(
      replies.map(async (reply) => (await scene.rowOf(reply)).request),
    );
    const firsts = rows.filter((row) => row?.answeredBy === null);
    expect(firsts).toMatchObject([{ attemptCount: 1, costNanoUsd: COST_NANO_USD }]);
    const followers = rows.filter((row) => row?.answeredBy === firsts[0]?.id);
    expect(followers).toHaveLength(MANY - 1);
    for (const row of followers) {
      expect(row).toMatchObject({ status: 200, attemptCount: 0, costNanoUsd: 0, route: "small" });
    }
    await scene.expectRest();
  });

  test(`where all pay: the shares of ${MANY} are equal and sum to the cost exactly`, async () => {
    const scene = await sceneOf("split");
    const budgets = [await budgetOf(scene, scene.ann), await budgetOf(scene, scene.eve)];
    const replies = await Promise.all(
      Array.from({ length: MANY }, (__, place) =>
        scene.ask({ ...options, from: place % 2 === 0 ? scene.ann : scene.eve }),
      ),
    );
    expect(scene.tollgate.upstream.stats().requests).toBe(1);
    const postings = await postingsOf(scene, replies);
    const each = Math.floor(COST_NANO_USD / MANY);
    expect<readonly unknown[]>(
      postings.toSorted((a, b) => a.amountNanoUsd - b.amountNanoUsd),
    ).toEqual([
      ...Array.from({ length: MANY - 1 }, () => ({
        token: expect.any(String),
        amountNanoUsd: each,
        kind: "settle",
        outcome: "shared",
        estimated: false,
      })),
      {
        token: expect.any(String),
        amountNanoUsd: COST_NANO_USD - (MANY - 1) * each,
        kind: "settle",
        outcome: "ok",
        estimated: false,
      },
    ]);
    // Each access token's budget is charged what its own requests were posted at.
    const charged = await posted(scene, scene.ann.tenantId);
    for (const [place, { row }] of [scene.ann, scene.eve].entries()) {
      const own = postings.filter(({ token }) => token === row.id);
      const sum = own.reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0);
      expect(charged[budgets[place]?.id ?? ""]).toBe(sum);
    }
    for (const reply of replies) {
      const { request } = await scene.rowOf(reply);
      const cost = reply.headers.get("x-tollgate-cost-usd");
      if (cost !== null) expect(Number(cost) * 1e9).toBeCloseTo(request?.costNanoUsd ?? -1);
      expect(request?.attemptCount).toBe(1);
    }
    await scene.expectRest();
  });
});

describe("who leaves", () => {
  const SLOW = { body: { temperature: 0, stream: true }, script: `${SCRIPT}&token_delay_ms=80` };

  async function leaver(scene: Scene): Promise<{ leave: () => Promise<void>; id: string }> {
    const controller = new AbortController();
    const init = chatInit({ token: scene.ann.token, ...SLOW, signal: controller.signal });
    const response = await fetch(`${scene.tollgate.url}/v1/chat/completions`, init);
    const leave = async (): Promise<void> => {
      controller.abort();
      await response.text().catch(() => undefined);
    };
    return { leave, id: idOf(response) };
  }

  test("as the first leaves the flight to the others, and pays its share all the same", async () => {
    const scene = await sceneOf("split");
    const { leave, id } = await leaver(scene);
    const other = scene.ask(SLOW);
    await until(() => scene.tollgate.gateway.lifecycle.inFlightCount() === 2);
    await leave();
    const reply = await other;
    expect(reply.text).toEndWith("data: [DONE]\n\n");
    const first = { headers: new Headers({ "x-request-id": id }) };
    expect((await scene.rowOf(first)).request).toMatchObject({
      clientGone: true,
      costNanoUsd: COST_NANO_USD / 2,
    });
    expect((await scene.rowOf(reply)).request).toMatchObject({
      clientGone: false,
      costNanoUsd: COST_NANO_USD / 2,
      answeredBy: id,
    });
    expect(scene.tollgate.upstream.stats()).toMatchObject({ requests: 1, closedEarly: 0 });
    await scene.expectRest();
  });

  test("as another before the end pays nothing, and the rest pay all of it", async () => {
    const scene = await sceneOf("split");
    const first = scene.ask(SLOW);
    await scene.tollgate.upstream.until(({ requests }) => requests === 1);
    const { leave, id } = await leaver(scene);
    await leave();
    const left = await scene.rowOf({ headers: new Headers({ "x-request-id": id }) });
    expect(left.request).toMatchObject({ clientGone: true, costNanoUsd: 0, attemptCount: 0 });
    expect(left.attempts).toEqual([]);
    const reply = await first;
    expect((await scene.rowOf(reply)).request?.costNanoUsd).toBe(COST_NANO_USD);
    await scene.expectRest();
  });

  test("as the last ends the flight like an exchange of its own", async () => {
    const scene = await sceneOf("split");
    const one = await leaver(scene);
    const other = await leaver(scene);
    await one.leave();
    await other.leave();
    await scene.tollgate.upstream.until(({ closedEarly }) => closedEarly === 1);
    const { attempts } = await scene.rowOf({ headers: new Headers({ "x-request-id": one.id }) });
    expect(attempts).toMatchObject([{ postings: [{ outcome: "client_gone" }] }]);
    await scene.expectRest();
  });
});

describe("a request is executed on its own", () => {
  const SLOW = { script: `${SCRIPT}&delay_ms=150` };

  test.each([
    ["chance in it", {}, {}],
    ["another temperature than 0", { temperature: 0.1 }, {}],
    ["an idempotency key", { temperature: 0 }, { "idempotency-key": "one" }],
  ])("with %s", async (_, body, headers) => {
    const scene = await sceneOf("first");
    const alone = { ...SLOW, body, headers };
    const keyed = { ...SLOW, body, headers: {} };
    await Promise.all([scene.ask(alone), scene.ask(keyed)]);
    expect(scene.tollgate.upstream.stats().requests).toBe(2);
  });

  test("by another tenant, with other headers, another body, and after the first has ended", async () => {
    const scene = await sceneOf("first");
    const equal = { ...SLOW, body: { seed: 3 } };
    await Promise.all([
      scene.ask(equal),
      scene.ask({ ...equal, from: scene.bob }),
      scene.ask({ ...equal, headers: { "x-tollgate-tags": "a" } }),
      scene.ask({ ...equal, headers: { "openai-beta": "odd" } }),
      scene.ask({ ...equal, headers: { "user-agent": "the same" } }),
      scene.ask({ ...equal, body: { seed: 4 } }),
    ]);
    expect(scene.tollgate.upstream.stats().requests).toBe(5);
    await scene.ask(equal);
    expect(scene.tollgate.upstream.stats().requests).toBe(6);
    await scene.expectRest();
  });
});

test("a header that a target asks for keeps requests apart, whatever header it is", async () => {
  const scene = await sceneOf("first");
  const { id: providerId } = scene.provider;
  const german = { header: { name: "accept-language", value: "de" } };
  const target = { providerId, model: "sim-small", weight: 1, priority: 0 };
  const targets = [
    { ...target, when: german },
    { ...target, priority: 1 },
  ];
  await scene.tollgate.addRoute("spoken", targets, { terms: { singleFlight: { cost: "first" } } });
  const equal = { script: `${SCRIPT}&delay_ms=150`, body: { model: "spoken", temperature: 0 } };
  const asked = ["de", "de", "en", "en"].map((language) =>
    scene.ask({ ...equal, headers: { "accept-language": language } }),
  );
  const replies = await Promise.all(asked);
  const made = replies.filter(({ headers }) => headers.get("x-tollgate-attempts") === "1");
  expect(made).toHaveLength(2);
  expect(scene.tollgate.upstream.stats().requests).toBe(2);
});

test("who has room for a whole answer is not given one that a small budget has shortened", async () => {
  const scene = await startScene({ singleFlight: { cost: "first" } });
  ({ tollgate } = scene);
  const scope = { scopeType: "token", scopeId: scene.eve.row.id } as const;
  const { tenantId } = scene.eve;
  // Room for the default allowance of 1,024 tokens, far less than the model's maximum.
  await scene.tollgate.addBudget({ ...scope, tenantId, amountNanoUsd: 2_000_000 });
  const options = { body: { temperature: 0 }, script: "tokens=3&delay_ms=200" };
  const capped = scene.ask({ ...options, from: scene.eve });
  await scene.tollgate.upstream.until(({ requests }) => requests === 1);
  const whole = await scene.ask(options);
  const caps = [await capped, whole].map(({ headers }) => headers.get("x-tollgate-output-capped"));
  expect(caps).toEqual(["1024", null]);
  expect(scene.tollgate.upstream.stats().requests).toBe(2);
  await scene.expectRest();
});

test("the credentials of a provider still take turns", async () => {
  const scene = await sceneOf("first");
  const { gateway, upstream } = scene.tollgate;
  const terms = { moreCredentialsSealed: ["sk-other-credential"] };
  await gateway.directory.changed("providers", scene.provider.id, { ...scene.provider, terms });
  for (const seed of [1, 2, 3, 4]) await scene.ask({ script: SCRIPT, body: { seed } });
  const seen = upstream.requests().map(({ headers }) => headers["authorization"]);
  expect(new Set(seen).size).toBe(2);
});

test("embeddings are joined as they are", async () => {
  const scene = await sceneOf("first");
  const ask = async (): Promise<ChatReply> => {
    const response = await fetch(`${scene.tollgate.url}/v1/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${scene.ann.token}`, "x-sim-script": "delay_ms=150" },
      body: JSON.stringify({ model: "embed", input: "hello" }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const [one, other] = await Promise.all([ask(), ask()]);
  expect([one?.status, other?.text]).toEqual([200, one?.text]);
  expect(scene.tollgate.upstream.stats().requests).toBe(1);
});

test("who joins a flight that fails gets its failure, and pays nothing", async () => {
  const scene = await sceneOf("split");
  const options = { body: { temperature: 0 }, script: "status=422&delay_ms=150" };
  const [one, other] = await Promise.all([scene.ask(options), scene.ask(options)]);
  expect([one?.status, other?.status, other?.text]).toEqual([422, 422, one?.text]);
  expect(scene.tollgate.upstream.stats().requests).toBe(1);
  await scene.expectRest();
});

test("each is admitted by its own rules first: who has no room is refused and joins nothing", async () => {
  const scene = await sceneOf("first");
  const scope = { scopeType: "token", scopeId: scene.eve.row.id } as const;
  await scene.tollgate.addBudget({ ...scope, tenantId: scene.eve.tenantId, amountNanoUsd: 0 });
  const options = { body: { temperature: 0 }, script: `${SCRIPT}&delay_ms=200` };
  const first = scene.ask(options);
  await scene.tollgate.upstream.until(({ requests }) => requests === 1);
  const refused = await chat(scene.tollgate.url, { token: scene.eve.token, ...options });
  expect([refused.status, refused.headers.get("x-tollgate-error")]).toEqual([
    429,
    "budget_exceeded",
  ]);
  expect((await first).status).toBe(200);
  await scene.expectRest();
});
