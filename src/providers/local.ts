/**
 * Servers that operators run themselves, at the address where each listens unless it is told otherwise.
 * They need no credential unless their operator set one.
 */
import { company, type Company } from "./company.ts";

function server(row: Pick<Company, "id" | "displayName" | "baseUrl" | "reference">): Company {
  return company({ ...row, needsCredential: false, isLocal: true, surfaces: "all" });
}

export const LOCAL: readonly Company[] = [
  server({
    id: "ollama",
    displayName: "Ollama",
    baseUrl: "http://127.0.0.1:11434/v1",
    reference: "https://docs.ollama.com/api/openai-compatibility",
  }),
  server({
    id: "vllm",
    displayName: "vLLM",
    baseUrl: "http://127.0.0.1:8000/v1",
    reference: "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
  }),
  server({
    id: "llama-cpp",
    displayName: "llama.cpp server",
    baseUrl: "http://127.0.0.1:8080/v1",
    reference: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
  }),
  server({
    id: "lm-studio",
    displayName: "LM Studio",
    baseUrl: "http://127.0.0.1:1234/v1",
    reference: "https://lmstudio.ai/docs/developer/openai-compat",
  }),
  server({
    id: "sglang",
    displayName: "SGLang",
    baseUrl: "http://127.0.0.1:30000/v1",
    reference: "https://docs.sglang.ai/basic_usage/openai_api.html",
  }),
  server({
    id: "tgi",
    displayName: "Text Generation Inference",
    baseUrl: "http://127.0.0.1:3000/v1",
    reference: "https://huggingface.co/docs/text-generation-inference/messages_api",
  }),
  server({
    id: "localai",
    displayName: "LocalAI",
    baseUrl: "http://127.0.0.1:8080/v1",
    reference: "https://localai.io/features/",
  }),
];
