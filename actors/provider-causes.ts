/** Why a lane keeps attempts back: one word for each reason, in verdicts, health and metrics. */

export const REFUSAL_CAUSES = [
  /** An operator's word. */
  "forced",
  /** Its breaker is open after failures. */
  "breaker",
  /** As many as may are finding out whether the breaker can be closed. */
  "probes",
  /** The provider asked for fewer requests. */
  "cooldown",
  /** The account has no credit or quota left. */
  "exhausted",
  "credential_refused",
  /** Its breaker has closed a short time ago: only a share passes. */
  "slow_start",
  /** Too many attempts were repeated at the provider. */
  "retry_budget",
] as const;

export type RefusalCause = (typeof REFUSAL_CAUSES)[number];

/** Why a lane takes no ordinary attempt at all. */
export type RestReason =
  | Exclude<RefusalCause, "slow_start" | "retry_budget">
  /** Its provider's gate has neither a slot nor a place to wait for one. */
  | "full";
