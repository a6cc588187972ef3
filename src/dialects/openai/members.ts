/** The top-level members of a body that the gateway depends on; everything else is the provider's. */
import { BEYOND_PRICE_MEMBERS } from "../beyond-price.ts";

export const MEMBERS = [
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "n",
  "messages",
  "input",
  "user",
  "safety_identifier",
  ...BEYOND_PRICE_MEMBERS,
] as const;

/** Both limit the output; each is the only one that some servers know. */
export const OUTPUT_CAP_MEMBERS = ["max_tokens", "max_completion_tokens"] as const;

export const INCLUDE_USAGE = "include_usage";

/**
 * Members of a delta or message that hold no generated text of their own: labels, sound in base64,
 * and what OpenRouter repeats of `reasoning` in `reasoning_details` (2026-11).
 */
export const NOT_TEXT = [
  "id",
  "role",
  "type",
  "data",
  "format",
  "annotations",
  "reasoning_details",
];

/** Both name the one for whom the client asks; the second takes the place of the first (openai-node 7.55). */
export const END_USER_MEMBERS = ["user", "safety_identifier"] as const;
