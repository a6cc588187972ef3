/**
 * Companies that serve models of their own, under their own address. Addresses, members and surfaces as
 * their API references say; each row names the reference.
 */
import { BATCHES, company, type Company, RESPONSES } from "./company.ts";

/**
 * Answers begin with their prefix (SillyTavern issue 2557, vercel/ai pull request 3256). Usage comes with
 * the finish; `stream_options` answers 422 (openai-agents-python issue 442, avante.nvim issue 2347) and is
 * not in the client of 2026-11 (mistralai 3.7).
 */
const OF_MISTRAL = { repeatsText: true, tellsUsageUnasked: true } as const;

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
  company({
    id: "deepseek-anthropic",
    displayName: "DeepSeek (Anthropic's API)",
    dialect: "anthropic",
    baseUrl: "https://api.deepseek.com/anthropic/v1",
    authentication: { kind: "header", name: "x-api-key" },
    surfaces: ["messages"],
    reference: "https://api-docs.deepseek.com/guides/anthropic_api",
  }),
  company({
    id: "xai",
    displayName: "xAI",
    baseUrl: "https://api.x.ai/v1",
    surfaces: ["chat", "image_generations", ...RESPONSES],
    reference: "https://docs.x.ai/docs/api-reference",
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
    id: "perplexity",
    displayName: "Perplexity",
    baseUrl: "https://api.perplexity.ai",
    // Streams had no terminator (perplexityai/api-discussion issue 209, open; read 2026-11).
    quirks: { endsWithFinish: true },
    reference: "https://docs.perplexity.ai/api-reference",
  }),
  company({
    id: "moonshot",
    displayName: "Moonshot AI (Kimi)",
    baseUrl: "https://api.moonshot.ai/v1",
    reference: "https://platform.moonshot.ai/docs/api/chat",
  }),
  company({
    id: "moonshot-anthropic",
    displayName: "Moonshot AI (Anthropic's API)",
    dialect: "anthropic",
    baseUrl: "https://api.moonshot.ai/anthropic/v1",
    surfaces: ["messages"],
    reference: "https://platform.moonshot.ai/docs/guide/agent-support",
  }),
  company({
    id: "zai",
    displayName: "Z.ai (GLM)",
    baseUrl: "https://api.z.ai/api/paas/v4",
    reference: "https://docs.z.ai/api-reference/introduction",
  }),
  company({
    id: "zai-anthropic",
    displayName: "Z.ai (Anthropic's API)",
    dialect: "anthropic",
    baseUrl: "https://api.z.ai/api/anthropic/v1",
    surfaces: ["messages"],
    reference: "https://docs.z.ai/scenario-example/develop-tools/claude",
  }),
  company({
    id: "alibaba",
    displayName: "Alibaba Cloud Model Studio (Qwen)",
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    surfaces: ["chat", "embeddings", ...BATCHES],
    // Others have a purpose of its own, and one model reads them. `max_tokens` leaves thoughts out, and not
    // all of its models know `max_completion_tokens`, which counts them (API reference, 2026-11).
    quirks: { keepsBatchFilesOnly: true, thinksBeyondLimit: true },
    reference:
      "https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope",
  }),
  company({
    id: "minimax",
    displayName: "MiniMax",
    baseUrl: "https://api.minimax.io/v1",
    reference: "https://platform.minimax.io/docs/api-reference/text-openai-api",
  }),
];
