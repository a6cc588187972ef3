/** Companies that host the models of others behind OpenAI's API; each row names its API reference. */
import { company, type Company, RESPONSES } from "./company.ts";

export const HOSTED: readonly Company[] = [
  company({
    id: "groq",
    displayName: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    surfaces: ["chat", "responses", "transcriptions", "translations"],
    reference: "https://console.groq.com/docs/api-reference",
  }),
  company({
    id: "together",
    displayName: "Together AI",
    baseUrl: "https://api.together.xyz/v1",
    surfaces: ["chat", "embeddings", "transcriptions", "translations"],
    reference: "https://docs.together.ai/reference/chat-completions-1",
  }),
  company({
    id: "fireworks",
    displayName: "Fireworks AI",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    surfaces: ["chat", "embeddings", ...RESPONSES],
    reference: "https://docs.fireworks.ai/api-reference/introduction",
  }),
  company({
    id: "openrouter",
    displayName: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    surfaces: ["chat", "embeddings", "responses"],
    reference: "https://openrouter.ai/docs/api-reference/overview",
  }),
  company({
    id: "cerebras",
    displayName: "Cerebras",
    baseUrl: "https://api.cerebras.ai/v1",
    reference: "https://inference-docs.cerebras.ai/api-reference/chat-completions",
  }),
  company({
    id: "sambanova",
    displayName: "SambaNova",
    baseUrl: "https://api.sambanova.ai/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://docs.sambanova.ai/docs/en/api-reference/overview",
  }),
  company({
    id: "nebius",
    displayName: "Nebius Token Factory",
    baseUrl: "https://api.tokenfactory.nebius.com/v1",
    surfaces: ["chat", "embeddings"],
    reference:
      "https://docs.tokenfactory.nebius.com/api-reference/inference/create-chat-completion",
  }),
  company({
    id: "hyperbolic",
    displayName: "Hyperbolic",
    baseUrl: "https://api.hyperbolic.xyz/v1",
    reference: "https://docs.hyperbolic.xyz/docs/rest-api",
  }),
  company({
    id: "deepinfra",
    displayName: "DeepInfra",
    baseUrl: "https://api.deepinfra.com/v1/openai",
    surfaces: ["chat", "embeddings"],
    reference: "https://deepinfra.com/docs/openai_api",
  }),
  company({
    id: "novita",
    displayName: "Novita AI",
    baseUrl: "https://api.novita.ai/openai/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion",
  }),
  company({
    id: "nvidia",
    displayName: "Nvidia NIM",
    baseUrl: "https://integrate.api.nvidia.com/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://docs.api.nvidia.com/nim/reference/llm-apis",
  }),
  company({
    id: "github-models",
    displayName: "GitHub Models",
    baseUrl: "https://models.github.ai/inference",
    surfaces: ["chat", "embeddings"],
    reference: "https://docs.github.com/en/rest/models/inference",
  }),
  company({
    id: "huggingface",
    displayName: "Hugging Face router",
    baseUrl: "https://router.huggingface.co/v1",
    surfaces: ["chat", "responses"],
    reference: "https://huggingface.co/docs/inference-providers/tasks/chat-completion",
  }),
  company({
    id: "baseten",
    displayName: "Baseten",
    baseUrl: "https://inference.baseten.co/v1",
    reference: "https://docs.baseten.co/reference/inference-api/chat-completions",
  }),
  company({
    id: "scaleway",
    displayName: "Scaleway Generative APIs",
    baseUrl: "https://api.scaleway.ai/v1",
    surfaces: ["chat", "embeddings"],
    reference: "https://www.scaleway.com/en/developers/api/generative-apis/",
  }),
];
