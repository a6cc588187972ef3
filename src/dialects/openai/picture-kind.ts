/** What one picture is made of: a moving one of frames, a drawing of text that a second model writes. */

export const FRAMES_MAX = 16;
/** Where a moving one does not say (types of openai-node 7.55, 2026-11). */
const FRAMES_DEFAULT = 9;

/** The output of who writes a drawing has no bound that can be set. */
const DRAWING_TOKENS_MAX = 131_072;

/** Tokens of all of it at most, where a still one takes `still`. `count`: of frames, as it was asked for. */
export function pictureTokensMax(still: number, format: unknown, count: number | null): number {
  if (format === "gif") return still * (count ?? FRAMES_DEFAULT);
  return format === "svg" ? still + DRAWING_TOKENS_MAX : still;
}
