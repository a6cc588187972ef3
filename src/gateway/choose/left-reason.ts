/** Why a request has no use of a candidate. */

/** The first member of a condition that does not hold. */
export type ConditionUnmet =
  | "condition_tags"
  | "condition_header"
  | "input_too_small"
  | "input_too_large"
  | "modality"
  | "tools";

/**
 * surface: its provider speaks another wire language than the client's, or is not asked for this. canary:
 * it serves only a share of conversations, and this is none of them. context_window: the input is longer
 * than all that the model can read.
 */
export type LeftReason = ConditionUnmet | "surface" | "canary" | "context_window";
