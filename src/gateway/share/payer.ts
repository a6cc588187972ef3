/**
 * One who pays a share of an answer that it got from another exchange. Its share is held in the
 * ledger before it is posted, like every amount, and under the hold of its own admission, so that the
 * budgets of its access token, project and end user are charged.
 *
 * Invariant: what was handed to the ledger is posted, as the share or as void, exactly once.
 */
import type { Admitted } from "../admit.ts";
import type { TakenHold } from "../attempt-plan.ts";
import { NO_USAGE, type Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { giveBackHold } from "../settle.ts";
import type { PaidShare, Payer } from "./contract.ts";

export function payerOf(gateway: Gateway, exchange: Exchange, admitted: Admitted): Payer {
  return new FollowingPayer(gateway, exchange, admitted.firstHold);
}

const OUTCOME = "shared";

class FollowingPayer implements Payer {
  readonly #gateway: Gateway;
  readonly #exchange: Exchange;
  readonly #hold: TakenHold;
  #isGivenUp = false;

  constructor(gateway: Gateway, exchange: Exchange, hold: TakenHold) {
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.#hold = hold;
  }

  get providerId(): string {
    return this.#hold.scopes.providerId;
  }

  async hold(share: PaidShare): Promise<boolean> {
    const { directory } = this.#gateway;
    this.#owe(share);
    try {
      await this.#holdInLedger(share);
    } catch {
      // The ledger says itself that it took nothing.
      if (!this.#isGivenUp) this.#oweNothing();
      return false;
    }
    directory.countRequest(this.#hold.scopes.tokenId);
    if (this.#isGivenUp) this.#post(null);
    return !this.#isGivenUp;
  }

  post(share: PaidShare): void {
    this.#post(share);
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#oweNothing();
  }

  /** Its row and its end are those of one who pays from here on, should its client leave now. */
  #owe({ amountNanoUsd, estimated, latencyMs, model, provider, status }: PaidShare): void {
    this.#exchange.attemptCount = 1;
    this.#exchange.attempts.push({
      attemptId: this.#hold.attemptId,
      provider,
      model,
      outcome: OUTCOME,
      status,
      costNanoUsd: amountNanoUsd,
      estimated,
      usage: NO_USAGE,
      latencyMs,
    });
  }

  /** As if it had never been asked to pay. */
  #oweNothing(): void {
    this.#exchange.attempts.pop();
    this.#exchange.attemptCount = 0;
    giveBackHold(this.#gateway, this.#hold);
  }

  #holdInLedger({ amountNanoUsd, model, price }: PaidShare): Promise<void> {
    const { directory, store } = this.#gateway;
    const { attemptId, heldAtMs, scopes } = this.#hold;
    const requestId = this.#exchange.id;
    directory.owners.noteWritten(scopes.tenantId, requestId);
    return store.ledger.hold({
      attemptId,
      requestId,
      attemptNumber: 1,
      scopes,
      model,
      price,
      heldNanoUsd: amountNanoUsd,
      heldAtMs,
    });
  }

  /** null: void, of a hold that came too late to count. */
  #post(share: PaidShare | null): void {
    const { clock, directory, store } = this.#gateway;
    const { attemptId, scopes } = this.#hold;
    const costNanoUsd = share?.amountNanoUsd ?? 0;
    const atMs = clock.nowMs();
    store.ledger.post({
      attemptId,
      kind: share === null ? "void" : "settle",
      amountNanoUsd: costNanoUsd,
      estimated: share?.estimated ?? false,
      ...NO_USAGE,
      status: share?.status ?? null,
      outcome: share === null ? "not_sent" : OUTCOME,
      latencyMs: share?.latencyMs ?? 0,
      postedAtMs: atMs,
    });
    const event = { type: "attempt.settle", attemptId, costNanoUsd, observed: null, atMs } as const;
    directory.owners.tell(scopes, event);
  }
}
