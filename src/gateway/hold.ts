/**
 * Holds: of an attempt, at one provider, in the budgets of all owners that it counts in. The first
 * is taken with the admission, together with rates and slots; further ones are about budgets only.
 */
import type { OpenHold } from "../../actors/contract.ts";
import { newId } from "../base/ids.ts";
import type { ScopeChain } from "../base/scope.ts";
import { allow, refuse, type Verdict } from "../base/verdict.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import { askOwners, type Agreed } from "./ask-owners.ts";
import type { TakenHold } from "./attempt-plan.ts";
import { holdOptions, rateTokens } from "./estimate.ts";
import { unlessStopped, type Exchange, type Stoppable } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { goesOn } from "./jobs/goes-on.ts";
import type { AskedOwners } from "./owner-actors.ts";
import type { Candidate } from "./resolve.ts";

/** What is to be held for. */
export type Wanted = {
  readonly scopes: ScopeChain;
  readonly routeId: string | null;
  readonly request: ClientRequest;
};

export type Taken = { readonly hold: TakenHold; readonly agreed: Agreed };

const FROZEN =
  "The ledger was restored from an older copy, so that hard budgets cannot be kept: " +
  "an operator must accept it first.";
const MANY_JOBS = "Too many batches and background responses are under way: wait for some to end.";
const JOBS_RETRY_MS = 60_000;
const SEVERAL_END_USERS =
  "End users have budgets here, and the lines of the file are for several of them: make a batch for each.";
const FROZEN_RETRY_MS = 60_000;

function beyondPriceText(member: string): string {
  return (
    `A hard budget applies, and what the answer costs with this '${member}' is in no price that is ` +
    "known here: ask without it."
  );
}

/**
 * Calls `turn` with every actor that must be asked, at a moment at which all of them are ready: what it
 * does before it waits for anything is one turn.
 */
export async function whenReady<T>(
  gateway: Gateway,
  run: Stoppable,
  scopes: ScopeChain,
  turn: (owners: AskedOwners) => T,
): Promise<T> {
  const { owners } = gateway.directory;
  for (;;) {
    // Asked again after each wait: before it was our turn, an edit may have retired what was built.
    const ready = owners.allReady(scopes);
    if (!(ready instanceof Promise)) return turn(ready);
    await unlessStopped(run, ready);
  }
}

/** Rates, slots and the first hold of an exchange: all or nothing, in one turn. */
export function takeFirst(
  gateway: Gateway,
  exchange: Exchange,
  owners: AskedOwners,
  wanted: Wanted,
  candidate: Candidate,
): Verdict<Taken> {
  const tokens = rateTokens(owners[0], wanted.scopes.tokenId, wanted.request, candidate);
  const taken = take(gateway, exchange, owners, wanted, candidate, tokens);
  if (!taken.allowed) return taken;
  const { hold } = taken.value;
  const slot = { exchangeId: exchange.id, scopes: hold.scopes, tokens };
  gateway.directory.owners.noteAdmitted(slot, openHold(exchange, hold));
  return taken;
}

/** The hold of a further attempt; `run` stops the wait for it. */
export function holdAgain(
  gateway: Gateway,
  exchange: Exchange,
  run: Stoppable,
  wanted: Wanted,
  candidate: Candidate,
): Promise<Verdict<TakenHold>> {
  return whenReady(gateway, run, wanted.scopes, (owners) => {
    const taken = take(gateway, exchange, owners, wanted, candidate, null);
    if (!taken.allowed) return taken;
    const { hold } = taken.value;
    gateway.directory.owners.noteHeld(openHold(exchange, hold));
    return allow(hold);
  });
}

function take(
  { clock, directory, jobs, random, store }: Gateway,
  exchange: Exchange,
  owners: AskedOwners,
  wanted: Wanted,
  candidate: Candidate,
  tokens: number | null,
): Verdict<Taken> {
  const { routeId, request } = wanted;
  const scopes = { ...wanted.scopes, routeId, providerId: candidate.provider.row.id };
  if (goesOn(request) && !jobs.hasRoomFor(scopes.tenantId)) {
    return refuse("gateway_overloaded", MANY_JOBS, { retryAfterMs: JOBS_RETRY_MS });
  }
  if (store.isFrozen() && directory.isBounded(scopes)) {
    return refuse("ledger_unavailable", FROZEN, { retryAfterMs: FROZEN_RETRY_MS });
  }
  if (request.batch?.endUser === "several" && directory.hasEndUserBudgets(scopes.tenantId)) {
    return refuse("invalid_request", SEVERAL_END_USERS, { param: "input_file_id" });
  }
  if (request.beyondPrice !== undefined && directory.isBounded(scopes)) {
    const { member: param } = request.beyondPrice;
    return refuse("invalid_request", beyondPriceText(param), { param });
  }
  const attemptId = newId("attempt", random);
  const atMs = clock.nowMs();
  const options = holdOptions(owners[0], scopes.tokenId, request, candidate);
  const ask = { exchangeId: exchange.id, attemptId, scopes, tokens, options, atMs };
  const verdict = askOwners(owners, ask);
  if (!verdict.allowed) return verdict;
  const { heldNanoUsd, stopsAtHoldNanoUsd, outputTokensCap } = verdict.value;
  const money = { heldNanoUsd, stopsAtHoldNanoUsd, outputTokensCap };
  return allow({ hold: { attemptId, scopes, ...money, heldAtMs: atMs }, agreed: verdict.value });
}

function openHold(
  { id }: Exchange,
  { attemptId, scopes, heldNanoUsd, heldAtMs }: TakenHold,
): OpenHold {
  return { attemptId, exchangeId: id, scopes, heldNanoUsd, heldAtMs };
}
