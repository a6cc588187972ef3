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
 * canary: it serves only a share of conversations, and this is none of them. context_window: the input
 * is longer than all that the model can read.
 */
export type LeftReason = ConditionUnmet | "canary" | "context_window";
