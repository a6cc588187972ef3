/** Companies that host the models of others; each row names its API reference. */
import { anthropicApi, BATCHES, company, type Company, RESPONSES } from "./company.ts";

/** Its limit leaves thoughts out, in both languages (docs.siliconflow.cn, 2026-11). */
const OF_SILICONFLOW = { thinksBeyondLimit: true } as const;

export const HOSTED: readonly Company[] = [
  company({
    id: "groq",
    displayName: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    surfaces: ["chat", "responses", "speech", "transcriptions", "translations", ...BATCHES],
    // "Minimum billed length: 10 seconds" (speech to text, 2026-11).
    quirks: { keepsBatchFilesOnly: true, soundSecondsLeast: 10 },
    reference: "https://console.groq.com/docs/api-reference",
  }),
  company({
    id: "together",
    displayName: "Together AI",
    // Its guide names api.together.ai now, price lists this one; its batches and files are its own (2026-11).
    baseUrl: "https://api.together.xyz/v1",
    surfaces: [
      "chat",
      "completions",
      "embeddings",
      "image_generations",
      "rerank",
      "speech",
      "transcriptions",
      "translations",
    ],
    reference: "https://docs.together.ai/docs/openai-api-compatibility",
  }),
  company({
    id: "fireworks",
    displayName: "Fireworks AI",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    surfaces: ["chat", "completions", "embeddings", "rerank", ...RESPONSES],
    reference: "https://docs.fireworks.ai/api-reference/introduction",
  }),
  anthropicApi({
    id: "fireworks-anthropic",
    displayName: "Fireworks AI (Anthropic's API)",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    reference: "https://docs.fireworks.ai/tools-sdks/anthropic-compatibility",
  }),
  company({
    id: "cerebras",
    displayName: "Cerebras",
    baseUrl: "https://api.cerebras.ai/v1",
    surfaces: ["chat", "completions", ...BATCHES],
    quirks: { outputCapMember: "max_completion_tokens", keepsBatchFilesOnly: true },
    reference: "https://inference-docs.cerebras.ai/api-reference/chat-completions",
  }),
  company({
    id: "sambanova",
    displayName: "SambaNova",
    baseUrl: "https://api.sambanova.ai/v1",
    surfaces: ["chat", "completions", "embeddings", "responses"],
    reference: "https://docs.sambanova.ai/docs/en/api-reference/overview",
  }),
  anthropicApi({
    id: "sambanova-anthropic",
    displayName: "SambaNova (Anthropic's API)",
    baseUrl: "https://api.sambanova.ai/v1",
    authentication: { kind: "header", name: "x-api-key" },
    reference: "https://docs.sambanova.ai/docs/en/features/messages",
  }),
  company({
    id: "nebius",
    displayName: "Nebius Token Factory",
    baseUrl: "https://api.tokenfactory.nebius.com/v1",
    // Responses are named by its list of models alone (2026-09).
    surfaces: ["chat", "completions", "embeddings", "image_generations", "responses"],
    reference:
      "https://docs.tokenfactory.nebius.com/api-reference/inference/create-chat-completion",
  }),
  company({
    id: "hyperbolic",
    displayName: "Hyperbolic",
    // As LiteLLM has it; models.dev knows it no longer, and no page of its own was found (2026-11).
    baseUrl: "https://api.hyperbolic.xyz/v1",
    reference: "https://docs.hyperbolic.xyz/docs/rest-api",
  }),
  company({
    id: "deepinfra",
    displayName: "DeepInfra",
    baseUrl: "https://api.deepinfra.com/v1/openai",
    surfaces: [
      "chat",
      "completions",
      "embeddings",
      "image_generations",
      "speech",
      "transcriptions",
      "translations",
    ],
    reference: "https://docs.deepinfra.com",
  }),
  company({
    id: "novita",
    displayName: "Novita AI",
    baseUrl: "https://api.novita.ai/openai/v1",
    surfaces: ["chat", "completions", "embeddings"],
    reference: "https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion",
  }),
  anthropicApi({
    id: "novita-anthropic",
    displayName: "Novita AI (Anthropic's API)",
    baseUrl: "https://api.novita.ai/anthropic/v1",
    reference: "https://novita.ai/docs/guides/llm-anthropic-compatibility",
  }),
  company({
    id: "nvidia",
    displayName: "Nvidia NIM",
    baseUrl: "https://integrate.api.nvidia.com/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://docs.api.nvidia.com/nim/reference/llm-apis",
  }),
  company({
    id: "baseten",
    displayName: "Baseten",
    baseUrl: "https://inference.baseten.co/v1",
    reference: "https://docs.baseten.co/reference/inference-api/chat-completions",
  }),
  anthropicApi({
    id: "baseten-anthropic",
    displayName: "Baseten (Anthropic's API)",
    baseUrl: "https://inference.baseten.co/v1",
    reference: "https://docs.baseten.co/reference/inference-api/messages",
  }),
  company({
    id: "scaleway",
    displayName: "Scaleway Generative APIs",
    baseUrl: "https://api.scaleway.ai/v1",
    surfaces: ["chat", "embeddings", "rerank", "responses", "transcriptions"],
    reference: "https://www.scaleway.com/en/developers/api/generative-apis/",
  }),
  company({
    id: "ovhcloud",
    displayName: "OVHcloud AI Endpoints",
    baseUrl: "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
    // Without a key it answers a few requests per minute.
    needsCredential: false,
    surfaces: ["chat", "embeddings", "transcriptions"],
    reference: "https://www.ovhcloud.com/en/public-cloud/ai-endpoints/catalog/",
  }),
  company({
    id: "siliconflow",
    displayName: "SiliconFlow",
    // Its pictures, files and reranking report in ways of their own.
    baseUrl: "https://api.siliconflow.com/v1",
    surfaces: ["chat", "embeddings"],
    quirks: OF_SILICONFLOW,
    reference: "https://docs.siliconflow.com/en/api-reference/chat-completions/chat-completions",
  }),
  company({
    id: "siliconflow-cn",
    displayName: "SiliconFlow, China",
    baseUrl: "https://api.siliconflow.cn/v1",
    surfaces: ["chat", "embeddings"],
    quirks: OF_SILICONFLOW,
    reference: "https://docs.siliconflow.cn/docs/api/chat-completions-post",
  }),
  anthropicApi({
    id: "siliconflow-anthropic",
    displayName: "SiliconFlow (Anthropic's API)",
    baseUrl: "https://api.siliconflow.com/v1",
    quirks: OF_SILICONFLOW,
    reference: "https://docs.siliconflow.cn/cn/docs/api/messages-post",
  }),
  company({
    id: "nous",
    displayName: "Nous Portal",
    baseUrl: "https://inference-api.nousresearch.com/v1",
    // Streams of some models have no terminator (NousResearch/hermes-agent issue 90848, 2026-08).
    quirks: { endsWithFinish: true },
    reference: "https://portal.nousresearch.com/api-docs",
  }),
  company({
    id: "gmi",
    displayName: "GMI Cloud",
    baseUrl: "https://api.gmi-serving.com/v1",
    // Streams are reported to lack the terminator; nothing published says so (2026-11).
    quirks: { endsWithFinish: true },
    reference: "https://docs.gmicloud.ai/inference-engine/api-reference/llm-api-reference",
  }),
  company({
    id: "friendli",
    displayName: "Friendli",
    baseUrl: "https://api.friendli.ai/serverless/v1",
    reference: "https://friendli.ai/docs/guides/serverless_endpoints/introduction",
  }),
  company({
    id: "featherless",
    displayName: "Featherless AI",
    baseUrl: "https://api.featherless.ai/v1",
    reference: "https://featherless.ai/docs/api-overview-and-common-options",
  }),
  company({
    id: "chutes",
    displayName: "Chutes",
    baseUrl: "https://llm.chutes.ai/v1",
    reference: "https://chutes.ai/docs",
  }),
  company({
    id: "wandb",
    displayName: "W&B Inference",
    baseUrl: "https://api.inference.wandb.ai/v1",
    reference: "https://docs.wandb.ai/inference",
  }),
  company({
    id: "ollama-cloud",
    displayName: "Ollama Cloud",
    baseUrl: "https://ollama.com/v1",
    surfaces: ["chat", "completions", "responses"],
    reference: "https://docs.ollama.com/cloud",
  }),
];
