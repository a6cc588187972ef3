/**
 * Splits what an answer cost among those who got it: equal whole shares, the remainder for the first.
 * Who pays is fixed when the cost is known: whoever reads then.
 *
 * Invariant: the ledger never says less than the provider bills, whenever the process dies. Others'
 * shares are held before the first one's posting is made smaller by them, and a share that the ledger
 * does not take falls back to the first. So the sum is exact; only after a crash between the two it
 * is more, by the first one's hold, like every open hold.
 */
import type { NanoUsd } from "../../base/units.ts";
import type { Admitted } from "../admit.ts";
import type { AttemptPlan } from "../attempt-plan.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { priceJson } from "../prices/price-json.ts";
import { costOfEnd, settle, type AttemptEnd } from "../settle.ts";
import type { PaidShare, Payer, SharedAnswer } from "./contract.ts";

type KnownEnd = AttemptEnd & {
  readonly cost: Extract<AttemptEnd["cost"], { kind: "reported" | "counted" }>;
};

/** null where there is nobody to split with: then nothing has been done. */
export function settleSplit(
  gateway: Gateway,
  exchange: Exchange,
  share: SharedAnswer,
  admitted: Admitted,
  plan: AttemptPlan,
  end: KnownEnd,
): Promise<void> | null {
  const { provider } = plan.candidate;
  // Another provider's budgets hold for those who were admitted to it: they must not pay for this one.
  const payers = [...share.payers.values()].filter(
    ({ providerId }) => providerId === provider.row.id,
  );
  share.payers.clear();
  const totalNanoUsd = costOfEnd(plan, end, end.cost.usage);
  const eachNanoUsd = Math.floor(totalNanoUsd / (payers.length + 1));
  if (payers.length === 0 || eachNanoUsd === 0) return null;
  const paid = shareOf(gateway, plan, end, eachNanoUsd);
  const settleWith = async (): Promise<void> => {
    const held = await holdShares(exchange, payers, paid);
    settle(gateway, exchange, admitted, plan, end, held.length * eachNanoUsd);
    for (const payer of held) payer.post(paid);
  };
  return settleWith();
}

function shareOf(
  { clock }: Gateway,
  { candidate, startedMonotonicMs }: AttemptPlan,
  { cost, status }: KnownEnd,
  amountNanoUsd: NanoUsd,
): PaidShare {
  return {
    amountNanoUsd,
    provider: candidate.provider.row.name,
    model: candidate.model,
    price: priceJson(candidate.price),
    estimated: cost.kind === "counted",
    status,
    latencyMs: Math.round(clock.monotonicMs() - startedMonotonicMs),
  };
}

/** Whose shares the ledger holds; it is waited for no longer than the exchange may run. */
async function holdShares(
  { stopped }: Exchange,
  payers: readonly Payer[],
  share: PaidShare,
): Promise<readonly Payer[]> {
  const held = new Set<Payer>();
  const answered = new Set<Payer>();
  const holds = payers.map(async (payer) => {
    const isHeld = await payer.hold(share);
    answered.add(payer);
    if (isHeld) held.add(payer);
  });
  await Promise.race([Promise.all(holds), stopped.promise]);
  for (const payer of payers) if (!answered.has(payer)) payer.giveUp();
  return [...held];
}
