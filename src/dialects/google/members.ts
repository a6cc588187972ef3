/**
 * Members of Gemini's bodies that the gateway depends on. Google's servers take every name as proto3 JSON
 * spells it and as the proto file does (`maxOutputTokens`, `max_output_tokens`), and one value where a list
 * is due; both are in the wild (curl examples of ai.google.dev, 2026-11).
 */
import { isObject, type JsonObject } from "../json.ts";

/** One member in its two spellings. */
export type Name = readonly [camelCase: string, snakeCase: string];

export const GENERATION_CONFIG: Name = ["generationConfig", "generation_config"];
export const MAX_OUTPUT_TOKENS: Name = ["maxOutputTokens", "max_output_tokens"];
export const CANDIDATE_COUNT: Name = ["candidateCount", "candidate_count"];
export const RESPONSE_MODALITIES: Name = ["responseModalities", "response_modalities"];
/** Vertex chooses the model by it, whatever the path says. */
export const ROUTING_CONFIG: Name = ["routingConfig", "routing_config"];
export const MODEL_CONFIG: Name = ["modelConfig", "model_config"];
export const SYSTEM_INSTRUCTION: Name = ["systemInstruction", "system_instruction"];
export const CACHED_CONTENT: Name = ["cachedContent", "cached_content"];
export const COUNTED_REQUEST: Name = ["generateContentRequest", "generate_content_request"];
export const INLINE_DATA: Name = ["inlineData", "inline_data"];
export const FILE_DATA: Name = ["fileData", "file_data"];
export const FUNCTION_RESPONSE: Name = ["functionResponse", "function_response"];
export const MIME_TYPE: Name = ["mimeType", "mime_type"];

/** Names of members that count once in the body of a generation, whichever way they are spelled. */
export const GENERATION_NAMES: readonly Name[] = [
  ["model", "model"],
  ["contents", "contents"],
  ["tools", "tools"],
  SYSTEM_INSTRUCTION,
  GENERATION_CONFIG,
  CACHED_CONTENT,
  ["serviceTier", "service_tier"],
];

/** The same within `generationConfig`. */
export const CONFIG_NAMES: readonly Name[] = [
  MAX_OUTPUT_TOKENS,
  CANDIDATE_COUNT,
  RESPONSE_MODALITIES,
  ROUTING_CONFIG,
  MODEL_CONFIG,
];

/**
 * Members of an answer's `content` that hold no generated text: labels, data in base64, and the model's
 * thoughts as only its provider can read them.
 */
export const NOT_TEXT = [
  "role",
  "id",
  "mimeType",
  "data",
  "fileUri",
  "thoughtSignature",
  "language",
  "outcome",
];

/** null and what is absent are the same. */
export function valueOf(body: JsonObject, [camelCase, snakeCase]: Name): unknown {
  return body[camelCase] ?? body[snakeCase];
}

/** The objects that a repeated member holds; one that stands alone is a list of one. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}
