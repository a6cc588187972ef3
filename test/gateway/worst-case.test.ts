/** What a hold must cover: whatever the prompt is made of and whatever was seen before, the amount holds. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chat, type ChatReply, errorOf } from "../support/chat.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

let tollgate: TestGateway;
let token: string;
let tenantId: string;
let providerId: string;

/** Input and output cost 1,000 nano-dollars a token. */
const TOKEN_NANO_USD = 1_000;

beforeEach(async () => {
  tollgate = await startTestGateway();
  tenantId = (await tollgate.addTenant()).id;
  token = (await tollgate.addToken(tenantId)).token;
  const provider = await tollgate.addProvider();
  providerId = provider.id;
  await tollgate.addPrice(providerId, "sim-small", {
    inputPicoUsd: 1_000_000,
    contextTokensMax: 100_000,
  });
  await tollgate.addRoute("small", [{ providerId, model: "sim-small", weight: 1, priority: 0 }]);
});

afterEach(() => tollgate.stop());

/** A file that the provider keeps for the tenant. */
async function keptFile(id: string): Promise<void> {
  const { clock, objects } = tollgate.gateway;
  const createdAtMs = clock.nowMs();
  const keeper = { providerId, credentialPosition: 1, credentialHash: null };
  const place = {
    ...keeper,
    tenantId,
    tokenId: "",
    route: null,
    model: null,
    detail: null,
    batch: null,
  };
  const expiresAtMs = createdAtMs + 60_000;
  await objects.note([{ ...place, id, kind: "file", createdAtMs, expiresAtMs }]);
}

async function budget(amountNanoUsd: number): Promise<void> {
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd, window: "total" });
}

async function posted(): Promise<number> {
  const [state] = await tollgate.gateway.directory.budgetStates(tenantId);
  expect(state?.heldNanoUsd).toBe(0);
  return state?.postedNanoUsd ?? Number.NaN;
}

test("prompts with few tokens per byte teach nothing that prompts with many could pass a budget by", async () => {
  const content = "x".repeat(4_000);
  const ask = (promptTokens: number): Promise<ChatReply> =>
    chat(tollgate.url, {
      token,
      body: { max_tokens: 1, messages: [{ role: "user", content }] },
      script: `prompt_tokens=${promptTokens}&tokens=1&headers_delay_ms=100`,
    });
  for (let taught = 0; taught < 25; taught += 1) await ask(800);
  const before = 25 * 801 * TOKEN_NANO_USD;
  // Room for five prompts of one token for each byte, and for some twenty of what was seen so far.
  await budget(before + 5 * 4_200 * TOKEN_NANO_USD);
  const replies = await Promise.all(Array.from({ length: 40 }, () => ask(4_000)));

  expect(replies.filter(({ status }) => status === 200)).toHaveLength(5);
  expect(await posted()).toBe(before + 5 * 4_001 * TOKEN_NANO_USD);
});

test.each([
  ["a file by its id", { type: "file", file: { file_id: "file-abc" } }],
  ["a linked video", { type: "video_url", video_url: { url: "https://example.com/v.mp4" } }],
  ["a document", { type: "document_url", document_url: "https://example.com/d.pdf" }],
  ["something nobody knows", { type: "hologram" }],
])("%s may fill the model's context, so that much is held", async (_what, part) => {
  const body = { max_tokens: 10, messages: [{ role: "user", content: [part] }] };
  await keptFile("file-abc");
  await budget(100_009 * TOKEN_NANO_USD);
  const refused = await chat(tollgate.url, { token, body });
  expect([refused.status, errorOf(refused)]).toMatchObject([429, { code: "budget_exceeded" }]);
  expect(tollgate.upstream.stats().requests).toBe(0);
});

test("where there is room for the whole context, what was really read is posted", async () => {
  await keptFile("file-abc");
  await budget(100_010 * TOKEN_NANO_USD);
  const content = [{ type: "file", file: { file_id: "file-abc" } }];
  const body = { max_tokens: 10, messages: [{ role: "user", content }] };
  const reply = await chat(tollgate.url, { token, body, script: "prompt_tokens=90000&tokens=10" });
  expect(reply.status).toBe(200);
  expect(await posted()).toBe(90_010 * TOKEN_NANO_USD);
});

test("a limit that no model reaches does not lock a budget that others share", async () => {
  await tollgate.addPrice(providerId, "sim-large");
  await tollgate.addRoute("large", [{ providerId, model: "sim-large", weight: 1, priority: 0 }]);
  // Two exchanges of the longest output there is, at 1,000 nano-dollars a token.
  await budget(2 * 2_097_152 * TOKEN_NANO_USD);
  const ask = (): Promise<ChatReply> =>
    chat(tollgate.url, {
      token,
      body: { model: "large", max_tokens: 2_000_000_000 },
      script: "tokens=1&headers_delay_ms=100",
    });
  const replies = await Promise.all([ask(), ask()]);
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
});

async function think(members: object): Promise<ChatReply> {
  const body = { model: "thinker", ...members };
  return await chat(tollgate.url, { token, body, script: "tokens=5000" });
}

describe("a limit that leaves out what a model thinks", () => {
  const LIMITED = [{ max_tokens: 64 }, { max_completion_tokens: 64 }] as const;
  const THOUGHT = 131_072;

  beforeEach(async () => {
    const qwen = await tollgate.addProvider({ name: "qwen", terms: { company: "alibaba" } });
    await tollgate.addPrice(qwen.id, "sim-small", { inputPicoUsd: 0, outputPicoUsd: 1_000_000 });
    await tollgate.addRoute("thinker", [
      { providerId: qwen.id, model: "sim-small", weight: 1, priority: 0 },
    ]);
  });

  test.each([...LIMITED, {}])("bounds no answer, so that it is held beside: %j", async (limit) => {
    await budget((THOUGHT + 63) * TOKEN_NANO_USD);
    const refused = await think(limit);
    expect([refused.status, errorOf(refused)]).toMatchObject([429, { code: "budget_exceeded" }]);
    expect(tollgate.upstream.stats().requests).toBe(0);
  });

  test.each(LIMITED)("is passed on where there is room for both: %j", async (limit) => {
    await budget((THOUGHT + 64) * TOKEN_NANO_USD);
    expect((await think(limit)).status).toBe(200);
    expect(await posted()).toBeGreaterThan(0);
  });
});
