/** The top-level members of a body that the gateway depends on; everything else is the provider's. */

export const MEMBERS = [
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "messages",
  "input",
] as const;

/** Both limit the output; each is the only one that some servers know. */
export const OUTPUT_CAP_MEMBERS = ["max_tokens", "max_completion_tokens"] as const;

export const INCLUDE_USAGE = "include_usage";
