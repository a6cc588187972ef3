/** Companies that pass requests on to the servers of others, under one address and one credential. */
import { anthropicApi, company, type Company, type Parameter } from "./company.ts";

const CLOUDFLARE_ACCOUNT: Parameter = {
  name: "account",
  description: "Id of the Cloudflare account.",
  standard: null,
};

export const GATEWAYS: readonly Company[] = [
  company({
    id: "openrouter",
    displayName: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    // Its transcriptions are JSON, and its pictures at a path of its own (2026-11).
    surfaces: ["chat", "completions", "embeddings", "responses"],
    reference: "https://openrouter.ai/docs/api-reference/overview",
  }),
  anthropicApi({
    id: "openrouter-anthropic",
    displayName: "OpenRouter (Anthropic's API)",
    baseUrl: "https://openrouter.ai/api/v1",
    reference: "https://openrouter.ai/docs/api-reference/overview",
  }),
  company({
    id: "huggingface",
    displayName: "Hugging Face router",
    baseUrl: "https://router.huggingface.co/v1",
    surfaces: ["chat", "responses"],
    reference: "https://huggingface.co/docs/inference-providers/tasks/chat-completion",
  }),
  company({
    id: "vercel",
    displayName: "Vercel AI Gateway",
    baseUrl: "https://ai-gateway.vercel.sh/v1",
    surfaces: ["chat", "embeddings", "responses"],
    reference: "https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions",
  }),
  anthropicApi({
    id: "vercel-anthropic",
    displayName: "Vercel AI Gateway (Anthropic's API)",
    baseUrl: "https://ai-gateway.vercel.sh/v1",
    reference: "https://vercel.com/docs/ai-gateway/anthropic-compat",
  }),
  company({
    id: "cloudflare",
    displayName: "Cloudflare Workers AI and AI Gateway",
    // One address for its own models and, through the account's default gateway, all others (2026-05).
    baseUrl: "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1",
    parameters: [CLOUDFLARE_ACCOUNT],
    surfaces: ["chat", "embeddings", "responses"],
    reference: "https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility",
  }),
  anthropicApi({
    id: "cloudflare-anthropic",
    displayName: "Cloudflare AI Gateway (Anthropic's API)",
    baseUrl: "https://api.cloudflare.com/client/v4/accounts/{account}/ai/v1",
    parameters: [CLOUDFLARE_ACCOUNT],
    reference: "https://developers.cloudflare.com/changelog/post/2026-05-21-rest-api/",
  }),
];
