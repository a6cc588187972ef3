/**
 * One question to all owners of an exchange, in one synchronous turn: each is asked for the ways that
 * are left, all of them end up holding the same one, and when one refuses, those before give
 * everything back. Nobody else can come between, so what is agreed here is all or nothing.
 */
import type { AdmitValue, HoldOption, RateState, TenantVerdict } from "../../actors/contract.ts";
import type { TenantHandle } from "../../actors/tenant.ts";
import { assert } from "../base/assert.ts";
import type { AttemptScopes } from "../base/scope.ts";
import type { NanoUsd } from "../base/units.ts";
import { allow, type Refusal, type Verdict } from "../base/verdict.ts";
import type { AskedOwners } from "./owner-actors.ts";

export type HoldAsk = {
  readonly exchangeId: string;
  readonly attemptId: string;
  readonly scopes: AttemptScopes;
  /** Model tokens for the rates, where the exchange is to be admitted; null: a further attempt. */
  readonly tokens: number | null;
  readonly options: readonly HoldOption[];
  readonly atMs: number;
};

/** What all owners agreed to. */
export type Agreed = {
  /** What each of them holds, and the ledger gets. */
  readonly heldNanoUsd: NanoUsd;
  /** The hold at which a budget wants a stream stopped; null: none does. */
  readonly stopsAtHoldNanoUsd: NanoUsd | null;
  readonly outputTokensCap: number | null;
  readonly requests: RateState | null;
  readonly tokens: RateState | null;
};

/** One owner's actor and what it holds now. */
type Seat = { readonly handle: TenantHandle; value: AdmitValue };

export function askOwners(owners: AskedOwners, ask: HoldAsk): Verdict<Agreed> {
  const seats: Seat[] = [];
  let { options } = ask;
  for (const handle of owners) {
    const isTenant = seats.length === 0;
    const verdict = isTenant ? askTenant(handle, ask) : askMoney(handle, ask, options);
    if (!verdict.allowed) {
      giveBack(seats, ask);
      return refused(verdict.refusal, owners.slice(seats.length + 1), ask);
    }
    // The first of the options left is what this owner holds; the others must hold it too.
    options = options.slice(verdict.value.optionIndex);
    const behind = verdict.value.optionIndex === 0 ? null : holdInstead(seats, ask, options);
    seats.push({ handle, value: verdict.value });
    if (behind !== null) {
      giveBack(seats, ask);
      return { allowed: false, refusal: behind };
    }
  }
  return allow(agreed(seats));
}

function askTenant(handle: TenantHandle, ask: HoldAsk): TenantVerdict {
  const { tokens, ...question } = ask;
  return tokens === null
    ? askMoney(handle, ask, ask.options)
    : handle.ask({ type: "exchange.admit", ...question, tokens });
}

/** Rates and slots are tenants' own: every other owner is asked for money alone. */
function askMoney(
  handle: TenantHandle,
  { exchangeId, attemptId, scopes, atMs }: HoldAsk,
  options: readonly HoldOption[],
): TenantVerdict {
  return handle.ask({ type: "attempt.hold", exchangeId, attemptId, scopes, options, atMs });
}

/** A later owner has room for a cheaper way alone: the earlier ones hold that; null when they do. */
function holdInstead(
  seats: readonly Seat[],
  ask: HoldAsk,
  [option]: readonly HoldOption[],
): Refusal | null {
  for (const seat of seats) {
    letGo(seat.handle, ask);
    const verdict = askMoney(seat.handle, ask, option === undefined ? [] : [option]);
    if (!verdict.allowed) return verdict.refusal;
    const { requests, tokens } = seat.value;
    seat.value = { ...verdict.value, requests, tokens };
  }
  return null;
}

/** The hold alone. */
function letGo(handle: TenantHandle, { attemptId, atMs }: HoldAsk): void {
  handle.send({ type: "attempt.settle", attemptId, costNanoUsd: 0, observed: null, atMs });
}

/** As if nobody had been asked. */
function giveBack(seats: readonly Seat[], ask: HoldAsk): void {
  const { tokens, exchangeId, atMs } = ask;
  for (const { handle } of seats) {
    if (tokens === null) letGo(handle, ask);
    else handle.send({ type: "exchange.undo", exchangeId, atMs });
  }
}

/**
 * Told is the first owner's refusal; the time to come back is when the last of them has room, so the
 * others are asked as well.
 */
function refused(
  refusal: Refusal,
  others: readonly TenantHandle[],
  ask: HoldAsk,
): { readonly allowed: false; readonly refusal: Refusal } {
  let told = withClientsWord(refusal, ask.scopes);
  if (told.code !== "budget_exceeded") return { allowed: false, refusal: told };
  for (const handle of others) {
    const verdict = askMoney(handle, ask, ask.options.slice(-1));
    if (verdict.allowed) giveBack([{ handle, value: verdict.value }], ask);
    else told = withLaterRetry(told, verdict.refusal);
  }
  return { allowed: false, refusal: told };
}

/** null or absent is never, which nothing is later than. */
function withLaterRetry(told: Refusal, { retryAfterMs: other }: Refusal): Refusal {
  const { retryAfterMs, ...never } = told;
  if (retryAfterMs === undefined || other === undefined) return never;
  return other > retryAfterMs ? { ...told, retryAfterMs: other } : told;
}

/** An end user is told of by the client's own word, not by our id. */
function withClientsWord(refusal: Refusal, { endUserId }: AttemptScopes): Refusal {
  const { reason } = refusal;
  if (reason?.scope.type !== "end_user" || endUserId === null) return refusal;
  return { ...refusal, reason: { ...reason, scope: { type: "end_user", id: endUserId } } };
}

/** All hold the same option, so they hold the same amount. */
function agreed(seats: readonly Seat[]): Agreed {
  const [tenant] = seats;
  assert(tenant, "nobody was asked");
  const { heldNanoUsd, outputTokensCap, requests, tokens } = tenant.value;
  const isSame = seats.every(({ value }) => value.heldNanoUsd === heldNanoUsd);
  assert(isSame, "owners of one attempt hold different amounts");
  const isStopped = seats.some(({ value }) => value.stopsAtHold);
  const stopsAtHoldNanoUsd = isStopped ? heldNanoUsd : null;
  return { heldNanoUsd, stopsAtHoldNanoUsd, outputTokensCap, requests, tokens };
}
