/**
 * Requests that let a provider answer with another model, or bill dearer, than any price here is for: they
 * pass where nothing is bounded, and neither a hard budget nor a list of models can be got round with them.
 */
import { describe, expect, test } from "bun:test";
import { conformanceStageForFile, PUBLIC_MODEL } from "./stage.ts";

const openai = await conformanceStageForFile("openai", "/v1");
const anthropic = await conformanceStageForFile("anthropic", "/v1");
const google = await conformanceStageForFile("google", "/v1beta");

const CONTENT = [{ role: "user", content: "hi" }];
const CHAT = { model: PUBLIC_MODEL, messages: CONTENT };
const MESSAGES = { ...CHAT, max_tokens: 5 };
const OTHERS = ["dear-model"];
const ADVISOR = { type: "advisor_20260301", name: "advisor", model: "dear-model" };
const GENERATE = `/v1beta/models/${PUBLIC_MODEL}:generateContent`;
const CONTENTS = { contents: [{ parts: [{ text: "hi" }] }] };
const RESPONSE = { model: PUBLIC_MODEL, input: "hi" };
const COMPLETION = { model: PUBLIC_MODEL, prompt: "hi" };

type Case = [typeof openai, path: string, body: object, member: string];

const OTHER_MODELS: Case[] = [
  [openai, "/v1/chat/completions", { ...CHAT, models: OTHERS }, "models"],
  [openai, "/v1/chat/completions", { ...CHAT, fallbacks: OTHERS }, "fallbacks"],
  [openai, "/v1/completions", { ...COMPLETION, models: OTHERS }, "models"],
  [openai, "/v1/responses", { ...RESPONSE, models: OTHERS }, "models"],
  [anthropic, "/v1/messages", { ...MESSAGES, fallbacks: [{ model: "dear-model" }] }, "fallbacks"],
  [anthropic, "/v1/messages", { ...MESSAGES, fallbacks: "default" }, "fallbacks"],
  [anthropic, "/v1/messages", { ...MESSAGES, tools: [ADVISOR] }, "tools"],
];

const DEARER: Case[] = [
  [openai, "/v1/chat/completions", { ...CHAT, service_tier: "priority" }, "service_tier"],
  [openai, "/v1/responses", { ...RESPONSE, service_tier: "fast" }, "service_tier"],
  [anthropic, "/v1/messages", { ...MESSAGES, speed: "fast" }, "speed"],
  [anthropic, "/v1/messages", { ...MESSAGES, inference_geo: "us" }, "inference_geo"],
  [google, GENERATE, { ...CONTENTS, serviceTier: "PRIORITY" }, "serviceTier"],
  [google, GENERATE, { ...CONTENTS, service_tier: "priority" }, "service_tier"],
];

const ORDINARY: Case[] = [
  [openai, "/v1/chat/completions", { ...CHAT, service_tier: "flex", models: [] }, ""],
  [openai, "/v1/responses", { ...RESPONSE, service_tier: "auto", models: null }, ""],
  [anthropic, "/v1/messages", { ...MESSAGES, service_tier: "standard_only", speed: null }, ""],
  [google, GENERATE, { ...CONTENTS, serviceTier: "STANDARD" }, ""],
];

/** What came of it, and how often the provider was asked. */
async function ask({ through, upstream }: typeof openai, path: string, body: object, by: string) {
  upstream.forget();
  upstream.answer({ status: 418, pieces: ["{}"] });
  const headers = { authorization: `Bearer ${by}`, "x-api-key": by, "x-goog-api-key": by };
  const { status, text } = await through({ path, body: JSON.stringify(body), headers });
  return { status, text, calls: upstream.seen.length };
}

async function bounded({ tenantId, tollgate }: typeof openai): Promise<string> {
  const { row, token } = await tollgate.addToken(tenantId);
  const scope = { scopeType: "token", scopeId: row.id, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000_000_000 });
  return token;
}

async function restricted({ tenantId, tollgate }: typeof openai): Promise<string> {
  return (await tollgate.addToken(tenantId, { allowedModels: [PUBLIC_MODEL] })).token;
}

describe("a request beyond any price", () => {
  test.each([...OTHER_MODELS, ...DEARER])(
    "is refused under a hard budget, and passes without one (%#)",
    async (stage, path, body, member) => {
      const refused = await ask(stage, path, body, await bounded(stage));
      expect([refused.status, refused.calls]).toEqual([400, 0]);
      expect(refused.text).toContain(`'${member}'`);
      expect((await ask(stage, path, body, stage.token)).calls).toBe(1);
    },
  );

  test.each(OTHER_MODELS)(
    "is refused where only certain models are allowed, if it names others (%#)",
    async (stage, path, body, member) => {
      const refused = await ask(stage, path, body, await restricted(stage));
      expect([refused.status, refused.calls]).toEqual([403, 0]);
      expect(refused.text).toContain(`'${member}'`);
    },
  );

  test.each(DEARER)("is no question of models where it only costs more (%#)", async (...one) => {
    const [stage, path, body] = one;
    expect((await ask(stage, path, body, await restricted(stage))).calls).toBe(1);
  });

  test.each(ORDINARY)("is none whose tier is at the listed price (%#)", async (...one) => {
    const [stage, path, body] = one;
    expect((await ask(stage, path, body, await bounded(stage))).calls).toBe(1);
  });
});

test("a tier that is given twice is refused, because readers differ on which one counts", async () => {
  const { through, upstream } = openai;
  upstream.forget();
  const body = JSON.stringify({ ...CHAT, service_tier: "priority" }).replace(
    /\}$/u,
    ',"service_tier":"default"}',
  );
  expect((await through({ path: "/v1/chat/completions", body })).status).toBe(400);
  expect(upstream.seen.length).toBe(0);
});
