/**
 * One who pays a share of an answer that it got from another exchange. Its share is held in the
 * ledger before it is posted, like every amount, and under the hold of its own admission, so that the
 * budgets of its access token, project and end user are charged.
 *
 * Invariant: what was handed to the ledger is posted, as the share or as void, exactly once.
 */
import type { Admitted } from "../admit.ts";
import { NO_USAGE, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { giveBackHold } from "../settle.ts";
import type { PaidShare, Payer } from "./contract.ts";

export function payerOf(
  gateway: Gateway,
  exchange: Exchange,
  { firstHold, principal }: Admitted,
): Payer {
  const { clock, directory, store } = gateway;
  const { attemptId, heldAtMs, scopes } = firstHold;
  const tokenId = principal.token.id;
  let isGivenUp = false;

  /** As if it had never been asked to pay. */
  const owesNothing = (): void => {
    exchange.attempts.pop();
    exchange.attemptCount = 0;
    giveBackHold(gateway, firstHold);
  };
  const post = (share: PaidShare | null): void => {
    const amountNanoUsd = share?.amountNanoUsd ?? 0;
    const atMs = clock.nowMs();
    store.ledger.post({
      attemptId,
      kind: share === null ? "void" : "settle",
      amountNanoUsd,
      estimated: share?.estimated ?? false,
      ...NO_USAGE,
      status: share?.status ?? null,
      outcome: share === null ? "not_sent" : OUTCOME,
      latencyMs: share?.latencyMs ?? 0,
      postedAtMs: atMs,
    });
    directory.owners.tell(scopes, {
      type: "attempt.settle",
      attemptId,
      costNanoUsd: amountNanoUsd,
      observed: null,
      atMs,
    });
  };
  return {
    providerId: scopes.providerId,
    hold: async (share) => {
      const { amountNanoUsd, estimated, latencyMs, model, price, provider, status } = share;
      // Its row and its end are those of one who pays from here on, should its client leave now.
      exchange.attemptCount = 1;
      exchange.attempts.push({
        attemptId,
        provider,
        model,
        outcome: OUTCOME,
        status,
        costNanoUsd: amountNanoUsd,
        estimated,
        usage: NO_USAGE,
        latencyMs,
      });
      directory.owners.noteWritten(scopes.tenantId, exchange.id);
      try {
        await store.ledger.hold({
          attemptId,
          requestId: exchange.id,
          attemptNumber: 1,
          scopes,
          model,
          price,
          heldNanoUsd: amountNanoUsd,
          heldAtMs,
        });
      } catch {
        // The ledger says itself that it took nothing.
        if (!isGivenUp) owesNothing();
        return false;
      }
      directory.countRequest(tokenId);
      if (isGivenUp) post(null);
      return !isGivenUp;
    },
    post,
    giveUp: () => {
      isGivenUp = true;
      owesNothing();
    },
  };
}

const OUTCOME = "shared";
