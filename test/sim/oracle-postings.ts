/**
 * How an attempt may end, judged by what its provider knows: what may be free, what must be exact,
 * what may be an estimate and for which reason. Each posting is judged once, when it appears, by how
 * it came there and what had happened by then.
 */
import { chargeNanoUsd } from "./charge.ts";
import { Violation, type Followed, type OracleParts } from "./oracle-types.ts";

/** What a provider does that leaves its answer without usage. */
const WITHOUT_USAGE: ReadonlySet<string> = new Set([
  "no_usage",
  "reset",
  "silent",
  "cut",
  "error_later",
  "endless",
  "garbage",
]);

export function checkPosting(attempt: Followed, parts: OracleParts): void {
  const { posting, call, row } = attempt;
  if (posting === null) return;
  const { kind, amountNanoUsd, outcome, estimated } = posting.row;
  const which = `${row.id} (${kind} ${amountNanoUsd} of ${row.heldNanoUsd}, ${outcome}, ${call?.scriptKind ?? "not sent"})`;
  const wrong = (invariant: string, why: string): never => {
    throw new Violation(invariant, `${which}: ${why}`);
  };
  if (kind === "expire") {
    if (posting.arrived.way !== "recovery") wrong("provenance", "expired by a running process");
    if (!parts.crashed.has(attempt.admitted.epoch)) wrong("provenance", "expired without a crash");
    if (amountNanoUsd !== row.heldNanoUsd) wrong("crash-cost", "not posted at its hold");
    if (outcome !== "crash" && outcome !== "maybe_unsent")
      wrong("crash-cost", "for no known reason");
    if (call === null && outcome !== "maybe_unsent") wrong("unsent", "never sent, and not flagged");
    return;
  }
  if (posting.arrived.way !== "batch") wrong("provenance", "settled by recovery");
  if (call === null) {
    if (kind !== "void" || amountNanoUsd !== 0) wrong("unsent", "never sent, and not void");
    return;
  }
  if (kind === "void") {
    if (amountNanoUsd !== 0) wrong("void", "a void that costs");
    const charged = parts.rates[call.model];
    if (charged === undefined || chargeNanoUsd(call, charged) > 0)
      wrong("never-free", "it was generated and charged");
    return;
  }
  if (kind !== "settle") wrong("kind", "an unknown kind of posting");
  if (estimated === 1) checkEstimate(attempt, parts, wrong);
  else checkReport(attempt, wrong);
}

/** A reported usage costs exactly what it says at a price that was in force. */
function checkReport(attempt: Followed, wrong: Wrong): void {
  const { posting, call } = attempt;
  const reported = call?.reported ?? null;
  if (reported === null) {
    wrong("provenance", "posted as reported, but no usage reached the gateway");
    return;
  }
  const tokens = {
    inputTokens: reported.input,
    cachedTokens: reported.cached,
    generatedTokens: reported.output,
  };
  const costs = attempt.prices.map((price) => chargeNanoUsd(tokens, price));
  if (posting === null || !costs.includes(posting.row.amountNanoUsd)) {
    wrong("exact", `the reported usage costs ${costs.join(" or ")}`);
  }
}

type Wrong = (invariant: string, why: string) => void;

/** An estimate has a reason, covers what was delivered, and never passes its hold. */
function checkEstimate(attempt: Followed, parts: OracleParts, wrong: Wrong): void {
  const { posting, call, row } = attempt;
  const rates = parts.rates[call?.model ?? ""];
  if (call === null || posting === null || rates === undefined) return;
  if (call.reported !== null) wrong("estimate", "the usage had reached the gateway");
  const isCutByUs = call.isHungUp;
  const isDoubtful = /^(status_(408|5..)|error_event)$/.test(posting.row.outcome);
  if (!isCutByUs && !isDoubtful && !WITHOUT_USAGE.has(call.scriptKind)) {
    wrong("estimate", "the provider reported usage, and nobody hung up");
  }
  const { amountNanoUsd } = posting.row;
  if (amountNanoUsd > row.heldNanoUsd) wrong("estimate", "an estimate above its hold");
  const delivered = chargeNanoUsd(
    {
      inputTokens: call.inputSize,
      cachedTokens: call.cachedTokens,
      generatedTokens: call.scriptKind === "endless" ? 0 : call.deliveredTokens,
    },
    rates,
  );
  if (amountNanoUsd < Math.min(delivered, row.heldNanoUsd)) {
    wrong("never-free", `what was delivered costs ${delivered}`);
  }
}
