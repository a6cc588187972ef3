/** Takes back a hold of which nobody knows whether it is on the disk. */
import type { HoldRecord } from "./contract.ts";
import type { PostingOp } from "./protocol.ts";

/** Its caller was told that the hold does not exist, so nothing was sent and nothing is owed. */
export function voidOf(hold: HoldRecord, postedAtMs: number): PostingOp {
  return {
    attemptId: hold.attemptId,
    kind: "void",
    amountNanoUsd: 0,
    estimated: false,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: null,
    status: null,
    outcome: "not_sent",
    latencyMs: 0,
    postedAtMs,
    ifHeld: true,
  };
}
