/** The top-level members of a body for responses that the gateway depends on; the rest is the provider's. */
import { BEYOND_PRICE_MEMBERS } from "../../beyond-price.ts";

export const MEMBERS = [
  "model",
  "stream",
  "input",
  "max_output_tokens",
  "max_tool_calls",
  "previous_response_id",
  "conversation",
  "background",
  "context_management",
  "user",
  "safety_identifier",
  ...BEYOND_PRICE_MEMBERS,
] as const;

export const OUTPUT_CAP_MEMBER = "max_output_tokens";
