/** The members of bodies and answers that the gateway depends on; everything else is the provider's. */
import { BEYOND_PRICE_MEMBERS } from "../beyond-price.ts";

export const MEMBERS = [
  "model",
  "max_tokens",
  "messages",
  "metadata",
  "stream",
  "system",
  "mcp_servers",
  "thread",
  "context_management",
  "container",
  ...BEYOND_PRICE_MEMBERS,
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
