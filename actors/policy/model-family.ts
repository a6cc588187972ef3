/**
 * Which models of a provider fail together. The dated snapshots of a model run on the same capacity
 * and quota, so they share a lane; different models do not: one of them may be overloaded alone.
 *
 * A family is the upstream's name without what marks a snapshot (2026-11):
 *   OpenAI, Azure      gpt-4o-2024-08-06, gpt-4-0613, chatgpt-4o-latest
 *   Anthropic          claude-sonnet-4-5-20250929, claude-3-5-haiku-latest
 *   Vertex, Bedrock    claude-sonnet-4@20250514, anthropic.claude-3-5-sonnet-20240620-v1:0
 *   Google             gemini-2.5-flash-preview-05-20, gemini-1.5-pro-002
 *   Mistral, Cohere    mistral-large-2411, command-r-08-2024
 */

/** What a provider's models count to once it has as many families as are kept apart. */
export const OTHER_FAMILY = "other";

const YEAR = "20\\d\\d";
const MONTH = "(?:0[1-9]|1[0-2])";
const DAY = "(?:0[1-9]|[12]\\d|3[01])";
const DATES = [
  `${YEAR}-${MONTH}-${DAY}`,
  `${YEAR}${MONTH}${DAY}`,
  `${MONTH}-${YEAR}`,
  `${MONTH}-${DAY}`,
  `${MONTH}${DAY}`,
  `2\\d${MONTH}`,
  "00\\d",
].join("|");

/** A date may be followed by a version of the model's packaging. */
const SNAPSHOT = new RegExp(`[-@](?:latest|(?:${DATES})(?:-v\\d+(?::\\d+)?)?)$`, "u");

/** `model` is the upstream's name for it, without a script. */
export function modelFamily(model: string): string {
  const family = model.replace(SNAPSHOT, "");
  return family === "" ? model : family;
}
