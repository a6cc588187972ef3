/** The selection of one request as operators are shown it, and what each reason means in words. */
import type { RestReason } from "../../../actors/provider-causes.ts";
import type { NanoUsd } from "../../base/units.ts";
import type { RouteRow } from "../../store/contract.ts";
import type { LeftReason } from "./left-reason.ts";
import type { StrategyChosen } from "./strategy.ts";

/** A request to be explained; nothing is sent, taken or changed for it. */
export type ExplainAsk = {
  readonly routeId: string;
  /** null: nobody in particular. */
  readonly tenantId: string | null;
  readonly tokenId: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Where it is asked; null: nobody said. */
  readonly surface: string | null;
  readonly body: Readonly<Record<string, unknown>>;
};

export type Explained = {
  readonly strategy: StrategyChosen;
  /** Whether the request belongs to a conversation; null: the route knows of none. */
  readonly isSticky: boolean | null;
  /** In the order in which they would be asked, then those that would not. */
  readonly candidates: readonly ExplainedCandidate[];
};

export type ExplainedCandidate = {
  readonly provider: string;
  readonly model: string;
  /** Place of the lane's credential, from 1; null where there is none. */
  readonly lane: number | null;
  readonly use: NonNullable<RouteRow["targets"][number]["use"]> | "serve";
  readonly verdict: "taken" | "next" | "left";
  readonly reason: { readonly code: ExplainReason; readonly sentence: string };
  /** What strategies compare; null where the target is not a candidate at all. */
  readonly score: Score | null;
  readonly availableAtMs: number | null;
};

export type Score = {
  readonly firstTokenMs: number | null;
  readonly failureShare: number | null;
  readonly costNanoUsd: NanoUsd;
  readonly inFlight: number;
  readonly weight: number;
};

export const REST_REASONS = {
  breaker: "breaker",
  probes: "breaker_probing",
  forced: "breaker_forced",
  cooldown: "cooldown",
  exhausted: "exhausted",
  credential_refused: "credential_refused",
  full: "no_slot",
} as const satisfies Record<RestReason, string>;

export type ExplainReason =
  | LeftReason
  | (typeof REST_REASONS)[RestReason]
  | "strategy"
  | "sticky"
  | "canary_share"
  | "last_resort"
  | "disabled"
  | "unpriced"
  | "fallback_context_window"
  | "fallback_content_filter"
  | "shadow";

export const SENTENCES: Readonly<Record<ExplainReason, string>> = {
  strategy: "The strategy puts it here.",
  sticky: "The conversation keeps to this order.",
  canary_share: "The request is in its share, so that it comes first.",
  last_resort: "Every lane rests; this is the least bad of those that may be risked.",
  surface: "Its provider speaks another wire language than this request, or is not asked for this.",
  canary: "It serves a share of conversations only, and this request is in none of them.",
  condition_tags: "The request has none of its tags.",
  condition_header: "The request's header has another value.",
  input_too_small: "The input is estimated smaller than it is for.",
  input_too_large: "The input is estimated larger than it is for.",
  modality: "The request has no input of its kinds.",
  tools: "It is for requests with tools, or for those without.",
  context_window: "The input is certainly longer than its model reads.",
  breaker: "Its breaker is open after failures.",
  breaker_probing: "Its breaker is half-open, and as many probes as may are under way.",
  breaker_forced: "An operator holds its breaker open.",
  cooldown: "Its provider asked for fewer requests.",
  exhausted: "Its account has no credit or quota left.",
  credential_refused: "Its provider refuses the credential.",
  no_slot: "Its provider has no free slot.",
  disabled: "Its provider is disabled.",
  unpriced: "Its model has no known price of what is given here.",
  fallback_context_window: "It serves after another target found the input too long.",
  fallback_content_filter: "It serves after another target filtered the content.",
  shadow: "It gets copies of requests and serves none.",
};
