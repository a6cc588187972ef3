/** The top-level members of a body for responses that the gateway depends on; the rest is the provider's. */
export const MEMBERS = [
  "model",
  "stream",
  "input",
  "max_output_tokens",
  "max_tool_calls",
  "previous_response_id",
  "conversation",
  "background",
  "tools",
  "user",
  "safety_identifier",
  "service_tier",
  "models",
  "fallbacks",
] as const;

export const OUTPUT_CAP_MEMBER = "max_output_tokens";
