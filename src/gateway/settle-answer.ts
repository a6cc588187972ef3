/**
 * Settles an attempt whose answer came, whole or in part: by the provider's usage at once, else by the
 * tokens that are counted in what was delivered, which takes a moment on the counting thread.
 */
import { LIMITS } from "../base/limits.ts";
import { isObjectId } from "../base/object-kind.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import type { GeneratedOutput, Usage } from "../dialects/usage-contract.ts";
import type { StartedJob } from "../dialects/job-contract.ts";
import type { Admitted } from "./admit.ts";
import type { AttemptPlan } from "./attempt-plan.ts";
import { goesOn } from "./jobs/goes-on.ts";
import { keepOpen } from "./jobs/keep-open.ts";
import { imageTokensEstimate, inputTokensEstimate, isFree, unreportedUsage } from "./estimate.ts";
import { NO_USAGE, type Exchange } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { tellsCost } from "./prices/cost.ts";
import { settle } from "./settle.ts";
import { settleSplit } from "./share/split-cost.ts";
import { billedUsage } from "./unit-usage.ts";

export type AnswerEnd = {
  /** What the provider reported; null: nothing. */
  readonly usage: Usage | null;
  /** The report came while text was still coming, so that it may say less than the provider bills. */
  readonly isPartial: boolean;
  /** What was seen of its output, looked at only when nothing was reported. */
  readonly output: () => GeneratedOutput;
  /** The usage that the client was already told; null: nothing was counted yet. */
  readonly counted: Usage | null;
  readonly outcome: string;
  readonly status: number;
  /** What its provider goes on with. Absent or null: nothing. */
  readonly job?: StartedJob | null;
};

/** A promise only where something must be counted or split; it never rejects. */
export function settleAnswer(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  { usage, isPartial, output, counted, outcome, status, job = null }: AnswerEnd,
): Promise<void> | void {
  const { share } = exchange;
  const post = (kind: "reported" | "counted", known: Usage): Promise<void> | void => {
    const billed = billedUsage(known, plan.candidate.provider.quirks);
    const end = { cost: { kind, usage: billed }, outcome, status } as const;
    const split =
      share === null ? null : settleSplit(gateway, exchange, share, admitted, plan, end);
    return split ?? settle(gateway, exchange, admitted, plan, end);
  };
  // It goes on at its provider, who tells only later what it comes to, if it can be asked.
  if (job !== null && isObjectId(job.id))
    return keepOpen(gateway, exchange, admitted, plan, job, status);
  if (usage === null && goesOn(admitted.request)) {
    settle(gateway, exchange, admitted, plan, { cost: { kind: "whole" }, outcome, status });
    return undefined;
  }
  if (counted !== null) return post("counted", counted);
  // What costs nothing is known to the nano-dollar, whatever was reported.
  if (isFree(plan.candidate)) return post("reported", usage ?? NO_USAGE);
  if (usage !== null && tellsCost(usage, plan.candidate.price))
    return post(isPartial ? "counted" : "reported", usage);
  return countUsage(gateway, admitted, output()).then((found) => post("counted", found));
}

/** What was delivered, in tokens; by bytes as far as it was not kept or could not be counted in time. */
export async function countUsage(
  { tokenCounter }: Gateway,
  { request }: Admitted,
  output: GeneratedOutput,
): Promise<Usage> {
  if (request.units !== undefined) return unreportedUsage(request, request.units);
  const { begun = null } = output;
  const body = begun === null ? countedBody(request) : null;
  const counted = await tokenCounter.count({ body, output: output.text() });
  const written = counted === null ? output.tokens : outputTokens(output, counted.outputTokens);
  if (begun !== null) return { ...begun, outputTokens: Math.max(begun.outputTokens, written) };
  const inputTokens = counted?.inputTokens ?? null;
  return {
    inputTokens:
      inputTokens === null
        ? inputTokensEstimate(request)
        : inputTokens + imageTokensEstimate(request),
    outputTokens: written,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    details: null,
  };
}

/** null: it was let go, or is too large to be copied for an estimate. */
function countedBody({ bytes, form }: ClientRequest): string | null {
  // A form is mostly files.
  const isCounted =
    form === undefined && bytes.byteLength > 0 && bytes.byteLength <= LIMITS.countedInputBytesMax;
  return isCounted ? new TextDecoder().decode(bytes) : null;
}

/**
 * Text beyond what was kept has as many tokens per byte as the kept part. Where no text can be seen
 * (sound, a call without arguments) there was still output.
 */
function outputTokens({ tokens, textBytes, keptBytes }: GeneratedOutput, counted: number): number {
  if (keptBytes === 0) return tokens;
  return Math.ceil((counted * textBytes) / keptBytes);
}
