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
const EMBEDDING = { model: PUBLIC_MODEL, input: "hi" };
const IMAGE = { model: PUBLIC_MODEL, prompt: "a cat", output_format: "svg" };
const PAINTER = { type: "image_generation", model: "dear-model" };
const AUTHOR = { type: "image_generation", output_format: "svg", svg: { model: "dear-model" } };
const ROUTED_ADVISOR = { type: "openrouter:advisor", parameters: { model: "dear-model" } };
const FUSION = { id: "fusion", analysis_models: OTHERS };
const routed = (how: object): object => ({ ...CONTENTS, generationConfig: how });
const MANUAL = { manualMode: { modelName: "dear-model" } };
const KEPT_LONG = { type: "text", text: "hi", prompt_cache_breakpoint: { ttl: "12h" } };

/** A client's own tool may take a model, and a time to live, for its argument. */
const OWN_TOOL = {
  type: "function",
  function: { name: "paint", parameters: { properties: { model: {}, ttl: {} } } },
};

function interpreter(memory: string): object {
  return { type: "code_interpreter", container: { type: "auto", memory_limit: memory } };
}

function extra(googles: object): object {
  return { ...CHAT, extra_body: { google: googles } };
}

function picture(how: object): object {
  return { type: "image_generation", ...how };
}

function shell(): object {
  return { type: "shell", environment: { type: "container_auto", memory_limit: "4g" } };
}

function chatOf(content: readonly object[]): object {
  return { model: PUBLIC_MODEL, messages: [{ role: "user", content }] };
}

type Case = [typeof openai, path: string, body: object, member: string];

const OTHER_MODELS: Case[] = [
  [openai, "/v1/chat/completions", { ...CHAT, models: OTHERS }, "models"],
  [openai, "/v1/chat/completions", { ...CHAT, fallbacks: OTHERS }, "fallbacks"],
  [openai, "/v1/completions", { ...COMPLETION, models: OTHERS }, "models"],
  [openai, "/v1/responses", { ...RESPONSE, models: OTHERS }, "models"],
  [anthropic, "/v1/messages", { ...MESSAGES, fallbacks: [{ model: "dear-model" }] }, "fallbacks"],
  [anthropic, "/v1/messages", { ...MESSAGES, fallbacks: "default" }, "fallbacks"],
  [anthropic, "/v1/messages", { ...MESSAGES, tools: [ADVISOR] }, "tools"],
  [openai, "/v1/chat/completions", { ...CHAT, preset: "dear" }, "preset"],
  [openai, "/v1/chat/completions", { ...CHAT, safety_model: "dear-model" }, "safety_model"],
  [openai, "/v1/chat/completions", { ...CHAT, plugins: [FUSION] }, "plugins"],
  [openai, "/v1/chat/completions", { ...CHAT, tools: [ROUTED_ADVISOR] }, "tools"],
  [openai, "/v1/chat/completions", { ...CHAT, extra_body: { model: "dear-model" } }, "extra_body"],
  [openai, "/v1/responses", { ...RESPONSE, extra_body: { service_tier: "fast" } }, "extra_body"],
  [openai, "/v1/embeddings", { ...EMBEDDING, models: OTHERS }, "models"],
  [openai, "/v1/moderations", { ...EMBEDDING, models: OTHERS }, "models"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [PAINTER] }, "tools"],
  [openai, "/v1/responses/compact", { ...RESPONSE, models: OTHERS }, "models"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [AUTHOR] }, "tools"],
  [openai, "/v1/images/generations", { ...IMAGE, svg: { model: "dear-model" } }, "svg"],
  [google, GENERATE, routed({ routingConfig: MANUAL }), "generationConfig.routingConfig"],
  [google, GENERATE, routed({ routing_config: MANUAL }), "generationConfig.routingConfig"],
  [
    google,
    GENERATE,
    routed({ modelConfig: { featureSelectionPreference: 1 } }),
    "generationConfig.modelConfig",
  ],
];

const DEARER: Case[] = [
  [openai, "/v1/chat/completions", { ...CHAT, service_tier: "priority" }, "service_tier"],
  [openai, "/v1/responses", { ...RESPONSE, service_tier: "fast" }, "service_tier"],
  [anthropic, "/v1/messages", { ...MESSAGES, speed: "fast" }, "speed"],
  [anthropic, "/v1/messages", { ...MESSAGES, inference_geo: "us" }, "inference_geo"],
  [google, GENERATE, { ...CONTENTS, serviceTier: "PRIORITY" }, "serviceTier"],
  [google, GENERATE, { ...CONTENTS, service_tier: "priority" }, "service_tier"],
  [google, GENERATE, { ...CONTENTS, serviceTier: "SERVICE_TIER_PRIORITY" }, "serviceTier"],
  [google, GENERATE, { ...CONTENTS, tools: [{ retrieval: { vertexAiSearch: {} } }] }, "tools"],
  [google, GENERATE, { ...CONTENTS, tools: { parallelAiSearch: {} } }, "tools"],
  // Protocol buffers take the number of a value for its name.
  [google, GENERATE, { ...CONTENTS, serviceTier: 3 }, "serviceTier"],
  [google, GENERATE, { ...CONTENTS, service_tier: ["priority"] }, "service_tier"],
  [openai, "/v1/completions", { ...COMPLETION, service_tier: "priority" }, "service_tier"],
  [openai, "/v1/embeddings", { ...EMBEDDING, service_tier: "priority" }, "service_tier"],
  [openai, "/v1/chat/completions", { ...CHAT, provider: { order: ["dear"] } }, "provider"],
  [openai, "/v1/responses", { ...RESPONSE, provider: { sort: "throughput" } }, "provider"],
  [openai, "/v1/chat/completions", { ...CHAT, deferred: true }, "deferred"],
  [openai, "/v1/chat/completions", { ...CHAT, data_sources: [{}] }, "data_sources"],
  [openai, "/v1/chat/completions", { ...CHAT, enable_search: true }, "enable_search"],
  [openai, "/v1/chat/completions", extra({ cached_content: "cachedContents/1" }), "extra_body"],
  [openai, "/v1/chat/completions", extra({ cachedContent: "cachedContents/1" }), "extra_body"],
  [openai, "/v1/chat/completions", { ...CHAT, enable_search: 1 }, "enable_search"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [shell()] }, "tools"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [interpreter("16g")] }, "tools"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [picture({ quality: "max" })] }, "tools"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [picture({ size: "3840x2160" })] }, "tools"],
  [openai, "/v1/responses", { ...RESPONSE, tools: [picture({ output_format: "gif" })] }, "tools"],
  [openai, "/v1/chat/completions", chatOf([KEPT_LONG]), "ttl"],
  [openai, "/v1/responses", { ...RESPONSE, prompt_cache_options: { ttl: "24h" } }, "ttl"],
];

const ORDINARY: Case[] = [
  [openai, "/v1/chat/completions", { ...CHAT, service_tier: "flex", models: [] }, ""],
  [openai, "/v1/responses", { ...RESPONSE, service_tier: "auto", models: null }, ""],
  [anthropic, "/v1/messages", { ...MESSAGES, service_tier: "standard_only", speed: null }, ""],
  [google, GENERATE, { ...CONTENTS, serviceTier: "STANDARD" }, ""],
  [google, GENERATE, { ...CONTENTS, serviceTier: "SERVICE_TIER_STANDARD" }, ""],
  [google, GENERATE, routed({ routingConfig: null }), ""],
  [google, GENERATE, { ...CONTENTS, tools: [{ url_context: {} }, { googleSearch: {} }] }, ""],
  [openai, "/v1/chat/completions", { ...CHAT, provider: {}, plugins: [{ id: "web" }] }, ""],
  [openai, "/v1/chat/completions", { ...CHAT, deferred: false, data_sources: [] }, ""],
  [openai, "/v1/chat/completions", { ...CHAT, enable_search: false }, ""],
  [openai, "/v1/chat/completions", { ...CHAT, extra_body: {} }, ""],
  [openai, "/v1/chat/completions", extra({ thinking_config: { thinking_budget: 10 } }), ""],
  [openai, "/v1/chat/completions", { ...CHAT, tools: [OWN_TOOL] }, ""],
  [openai, "/v1/responses", { ...RESPONSE, tools: [interpreter("1g")] }, ""],
  [openai, "/v1/responses", { ...RESPONSE, tools: [picture({ quality: "high" })] }, ""],
  [openai, "/v1/responses", { ...RESPONSE, tools: [picture({ size: "1024x1536" })] }, ""],
  [openai, "/v1/responses", { ...RESPONSE, prompt_cache_options: { ttl: "30m" } }, ""],
  [anthropic, "/v1/messages", { ...MESSAGES, cache_control: { type: "ephemeral", ttl: "1h" } }, ""],
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
