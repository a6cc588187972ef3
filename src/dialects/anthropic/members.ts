/** The members of bodies and answers that the gateway depends on; everything else is the provider's. */

export const MEMBERS = [
  "model",
  "max_tokens",
  "messages",
  "metadata",
  "stream",
  "system",
  "tools",
  "mcp_servers",
  "thread",
  "container",
  "fallbacks",
  "service_tier",
  "speed",
  "inference_geo",
] as const;

/**
 * Members of an answer, a delta or a block that hold no text that the model wrote: labels, signatures,
 * sources that are cited (whose text is not billed as output) and what searches found (types of
 * @anthropic-ai/sdk 1.11, 2026-11).
 */
export const NOT_TEXT = [
  "id",
  "type",
  "role",
  "model",
  "usage",
  "stop_reason",
  "stop_sequence",
  "stop_details",
  "container",
  "signature",
  "data",
  "citation",
  "citations",
  "tool_use_id",
  "caller",
  "encrypted_content",
  "encrypted_index",
  "url",
  "title",
  "page_age",
  "context_management",
] as const;
