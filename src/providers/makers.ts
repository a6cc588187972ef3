/**
 * Companies that serve models of their own, under their own address. Addresses, members and surfaces as
 * their API references say; each row names the reference.
 */
import { anthropicApi, BATCHES, company, type Company, RESPONSES } from "./company.ts";

/**
 * Answers begin with their prefix (SillyTavern issue 2557, vercel/ai pull request 3256). Usage comes with
 * the finish; `stream_options` answers 422 (openai-agents-python issue 442, avante.nvim issue 2347) and is
 * not in the client of 2026-11 (mistralai 3.7).
 */
const OF_MISTRAL = { repeatsText: true, tellsUsageUnasked: true } as const;

/** Batches and Responses as in its overview of 2026. */
const KIMI = ["chat", "responses", ...BATCHES] as const;

export const MAKERS: readonly Company[] = [
  company({
    id: "openai",
    displayName: "OpenAI",
    baseUrl: "https://api.openai.com/v1",
    surfaces: "all",
    // Its reasoning models refuse `max_tokens`, its other models take both (API reference, 2026-11).
    quirks: { outputCapMember: "max_completion_tokens" },
    reference: "https://platform.openai.com/docs/api-reference",
  }),
  company({
    id: "anthropic",
    displayName: "Anthropic",
    dialect: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    authentication: { kind: "header", name: "x-api-key" },
    surfaces: "all",
    reference: "https://docs.claude.com/en/api/overview",
  }),
  company({
    id: "google",
    displayName: "Google AI (Gemini API)",
    dialect: "google",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    authentication: { kind: "header", name: "x-goog-api-key" },
    surfaces: "all",
    reference: "https://ai.google.dev/api",
  }),
  company({
    id: "google-openai",
    displayName: "Google AI (OpenAI's API)",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    surfaces: ["chat", "embeddings", "image_generations"],
    reference: "https://ai.google.dev/gemini-api/docs/openai",
  }),
  company({
    id: "mistral",
    displayName: "Mistral AI",
    baseUrl: "https://api.mistral.ai/v1",
    // Its batches are of a shape of its own, and its speech is JSON.
    surfaces: ["chat", "embeddings", "moderations", "transcriptions"],
    quirks: OF_MISTRAL,
    reference: "https://docs.mistral.ai/api",
  }),
  company({
    id: "codestral",
    displayName: "Mistral AI (Codestral)",
    baseUrl: "https://codestral.mistral.ai/v1",
    quirks: OF_MISTRAL,
    reference: "https://docs.mistral.ai/capabilities/code_generation",
  }),
  company({
    id: "deepseek",
    displayName: "DeepSeek",
    baseUrl: "https://api.deepseek.com",
    reference: "https://api-docs.deepseek.com",
  }),
  anthropicApi({
    id: "deepseek-anthropic",
    displayName: "DeepSeek (Anthropic's API)",
    baseUrl: "https://api.deepseek.com/anthropic/v1",
    authentication: { kind: "header", name: "x-api-key" },
    reference: "https://api-docs.deepseek.com/guides/anthropic_api",
  }),
  company({
    id: "xai",
    displayName: "xAI",
    baseUrl: "https://api.x.ai/v1",
    // Edits of pictures are JSON there, not forms; batches are of a shape of its own (2026-11).
    surfaces: ["chat", "image_generations", ...RESPONSES],
    // `max_tokens` is deprecated; the other counts thoughts too.
    quirks: { outputCapMember: "max_completion_tokens" },
    reference: "https://docs.x.ai/api-reference",
  }),
  company({
    id: "cohere",
    displayName: "Cohere (compatibility API)",
    baseUrl: "https://api.cohere.ai/compatibility/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://docs.cohere.com/docs/compatibility-api",
  }),
  company({
    id: "cohere-rerank",
    displayName: "Cohere (reranking)",
    baseUrl: "https://api.cohere.com/v2",
    surfaces: ["rerank"],
    reference: "https://docs.cohere.com/reference/rerank",
  }),
  company({
    id: "jina",
    displayName: "Jina AI",
    baseUrl: "https://api.jina.ai/v1",
    surfaces: ["embeddings", "rerank"],
    reference: "https://api.jina.ai/redoc",
  }),
  company({
    id: "voyage",
    displayName: "Voyage AI",
    baseUrl: "https://api.voyageai.com/v1",
    surfaces: ["embeddings", "rerank"],
    reference: "https://docs.voyageai.com/reference/embeddings-api",
  }),
  company({
    id: "perplexity",
    displayName: "Perplexity",
    baseUrl: "https://api.perplexity.ai",
    // Streams had no terminator (perplexityai/api-discussion issue 209, open; read 2026-11).
    quirks: { endsWithFinish: true },
    reference: "https://docs.perplexity.ai/api-reference",
  }),
  company({
    id: "perplexity-agent",
    displayName: "Perplexity (Agent API and embeddings)",
    baseUrl: "https://api.perplexity.ai/v1",
    surfaces: ["embeddings", "responses"],
    quirks: { endsWithFinish: true },
    reference: "https://docs.perplexity.ai/docs/grounded-llm/openai-compatibility",
  }),
  company({
    id: "meta",
    displayName: "Meta",
    baseUrl: "https://api.meta.ai/v1",
    surfaces: ["chat", "responses"],
    reference: "https://dev.meta.ai/docs",
  }),
  anthropicApi({
    id: "meta-anthropic",
    displayName: "Meta (Anthropic's API)",
    baseUrl: "https://api.meta.ai/v1",
    reference: "https://dev.meta.ai/docs",
  }),
  company({
    id: "ai21",
    displayName: "AI21 (Jamba)",
    baseUrl: "https://api.ai21.com/studio/v1",
    reference: "https://docs.ai21.com/reference/jamba-1-6-api-ref",
  }),
  company({
    id: "inception",
    displayName: "Inception (Mercury)",
    baseUrl: "https://api.inceptionlabs.ai/v1",
    reference: "https://docs.inceptionlabs.ai",
  }),
  company({
    id: "upstage",
    displayName: "Upstage (Solar)",
    baseUrl: "https://api.upstage.ai/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://console.upstage.ai/api/chat",
  }),
  company({
    id: "moonshot",
    displayName: "Moonshot AI (Kimi)",
    baseUrl: "https://api.moonshot.ai/v1",
    surfaces: KIMI,
    reference: "https://platform.kimi.ai/docs/api/overview",
  }),
  company({
    id: "moonshot-cn",
    displayName: "Moonshot AI (Kimi), China",
    baseUrl: "https://api.moonshot.cn/v1",
    surfaces: KIMI,
    reference: "https://platform.moonshot.cn/docs/api/chat",
  }),
  anthropicApi({
    id: "moonshot-anthropic",
    displayName: "Moonshot AI (Anthropic's API)",
    baseUrl: "https://api.moonshot.ai/anthropic/v1",
    reference: "https://platform.moonshot.ai/docs/guide/agent-support",
  }),
  company({
    id: "zai",
    displayName: "Z.ai (GLM)",
    baseUrl: "https://api.z.ai/api/paas/v4",
    reference: "https://docs.z.ai/api-reference/introduction",
  }),
  anthropicApi({
    id: "zai-anthropic",
    displayName: "Z.ai (Anthropic's API)",
    baseUrl: "https://api.z.ai/api/anthropic/v1",
    reference: "https://docs.z.ai/scenario-example/develop-tools/claude",
  }),
  company({
    id: "zhipu",
    displayName: "Zhipu AI (GLM), China",
    baseUrl: "https://open.bigmodel.cn/api/paas/v4",
    surfaces: ["chat", "embeddings"],
    reference: "https://docs.bigmodel.cn/cn/api/introduction",
  }),
  anthropicApi({
    id: "zhipu-anthropic",
    displayName: "Zhipu AI (Anthropic's API)",
    baseUrl: "https://open.bigmodel.cn/api/anthropic/v1",
    authentication: { kind: "header", name: "x-api-key" },
    reference: "https://docs.bigmodel.cn/cn/guide/develop/claude",
  }),
  company({
    id: "minimax",
    displayName: "MiniMax",
    baseUrl: "https://api.minimax.io/v1",
    surfaces: ["chat", "responses"],
    reference: "https://platform.minimax.io/docs/api-reference/text-openai-api",
  }),
  anthropicApi({
    id: "minimax-anthropic",
    displayName: "MiniMax (Anthropic's API)",
    baseUrl: "https://api.minimax.io/anthropic/v1",
    reference: "https://platform.minimax.io/docs/api-reference/text-anthropic-api",
  }),
  company({
    id: "stepfun",
    displayName: "StepFun",
    baseUrl: "https://api.stepfun.ai/v1",
    reference: "https://platform.stepfun.ai/docs/en/overview/concept",
  }),
];
