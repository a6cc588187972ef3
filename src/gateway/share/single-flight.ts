/**
 * Single-flight: on routes that ask for it, equal deterministic requests of a tenant share one
 * attempt while it runs. Each is admitted on its own first; then all but the first give their holds
 * back, or, where the cost is split, keep them for their shares. What fails the first one for reasons
 * of its own fails nobody else.
 */
import { assert } from "../../base/assert.ts";
import { LIMITS } from "../../base/limits.ts";
import { allow, type Verdict } from "../../base/verdict.ts";
import type { Admitted } from "../admit.ts";
import type { TakenHold } from "../attempt-plan.ts";
import { errorReply } from "../error-reply.ts";
import type { Exchange, Reply } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { holdAgain } from "../hold.ts";
import { addCost } from "../reply-headers.ts";
import { upstreamHeaders } from "../request-headers.ts";
import type { Flight } from "./contract.ts";
import { giveBackHold } from "../settle.ts";
import { followOn, headFor } from "./follow.ts";
import { payerOf } from "./payer.ts";
import type { Reader } from "./reader.ts";
import { lead } from "./share.ts";

/** Of headers that go upstream: those that say who asks and how, and nothing about what for. */
const INDIFFERENT =
  /^(?:user-agent|accept|accept-language|cache-control|pragma|content-type|traceparent|tracestate|baggage|x-request-id|x-stainless-.*)$/;

/** Ours that change what is executed, or for how long. */
const TELLING_HEADERS = [
  "x-tollgate-strategy",
  "x-tollgate-tags",
  "x-tollgate-priority",
  "x-tollgate-timeout-ms",
] as const;

/** With what an exchange goes on that nobody else answers. */
export type OnItsOwn = Pick<Admitted, "firstHold">;

/** null: it is executed on its own. */
export function joinFlight(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
): Promise<Reply | OnItsOwn> | null {
  const { singleFlight } = admitted.terms;
  if (singleFlight === undefined || exchange.share !== null) return null;
  if (!exchange.call.codec.isDeterministic(admitted.request)) return null;
  return joinOrLead(gateway, exchange, admitted, singleFlight.cost);
}

/**
 * Who followed one that failed for reasons of its own goes on as if it came only now: it may follow the
 * next, or is the next. Each of them fails at most once, so this ends.
 */
async function joinOrLead(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  cost: Flight["cost"],
): Promise<Reply | OnItsOwn> {
  const { flights } = gateway.sharing;
  let { firstHold } = admitted;
  for (;;) {
    const own = { ...admitted, firstHold };
    const id = flightId(gateway, exchange, own);
    const flight = flights.get(id);
    const reader = flight?.share.recording.attach(0) ?? null;
    if (flight === undefined || reader === null) {
      begin(gateway, exchange, id, cost);
      return { firstHold };
    }
    const reply = await join(gateway, exchange, own, flight, reader);
    if (reply !== null) return reply;
    const again = await holdOn(gateway, exchange, own, flight);
    if (!again.allowed) return errorReply(exchange, again.refusal);
    firstHold = again.value;
  }
}

/** Others may join from here on, unless as many answers as may be are recorded already. */
function begin(gateway: Gateway, exchange: Exchange, id: string, cost: Flight["cost"]): void {
  const { flights } = gateway.sharing;
  // It ends with its last reader: there is nobody to come back for it.
  const share = lead(gateway, exchange, 0);
  if (share === null) return;
  const own: Flight = { share, cost };
  flights.set(id, own);
  share.atEnd(() => {
    if (flights.get(id) === own) flights.delete(id);
  });
}

/** null: the first one's failure is its own, and there is time left to go on without it. */
async function join(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  { share, cost }: Flight,
  reader: Reader,
): Promise<Reply | null> {
  share.belongsTo(admitted.principal.token.id);
  if (cost === "first") giveBackHold(gateway, admitted.firstHold);
  else share.payers.set(reader, payerOf(gateway, exchange, admitted));
  const head = await headFor(exchange, share.recording, reader);
  if (head.isOwnFailure && mayGoOn(gateway, exchange)) {
    reader.leave();
    exchange.answeredBy = null;
    return null;
  }
  const reply = followOn(gateway, exchange, share.recording, reader, head, "single_flight");
  const { headers } = reply;
  headers["x-tollgate-attempts"] = String(exchange.attemptCount);
  if (headers["x-tollgate-cost-usd"] !== undefined) addCost(headers, exchange);
  return reply;
}

function mayGoOn({ clock }: Gateway, { deadlineMs }: Exchange): boolean {
  return clock.nowMs() + LIMITS.attemptLeastMs <= deadlineMs;
}

/** The hold that it came with, where that was neither given back nor used for a share; else another. */
async function holdOn(
  gateway: Gateway,
  exchange: Exchange,
  { principal, request, routeId, candidates, firstHold }: Admitted,
  { cost }: Flight,
): Promise<Verdict<TakenHold>> {
  if (cost === "split" && exchange.attemptCount === 0) return allow(firstHold);
  const [candidate] = candidates;
  assert(candidate, "who was admitted has a candidate");
  const wanted = { scopes: principal.scopes, routeId, request };
  return await holdAgain(gateway, exchange, exchange, wanted, candidate);
}

/**
 * Equal ids: the same tenant's, by the same route, with the same bytes and headers that matter, for the
 * same targets and within the same bounds of output.
 */
function flightId({ sharing }: Gateway, { call }: Exchange, admitted: Admitted): string {
  const { principal, request, routeId } = admitted;
  // A small budget of the first one's must not shorten the answers of others.
  const { outputTokensCap, stopsAtHoldNanoUsd } = admitted.firstHold;
  const bounds = [outputTokensCap, stopsAtHoldNanoUsd];
  const forwarded = Object.entries(upstreamHeaders(call.headers))
    .filter(([name]) => !INDIFFERENT.test(name))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const telling = TELLING_HEADERS.map((name) => call.headers.get(name));
  const headers = [telling, forwarded, call.query];
  const served = [principal.tenant.id, routeId, request.surface, targetsOf(admitted)];
  const known = [...served, ...bounds, ...headers];
  const hasher = new Bun.CryptoHasher("sha256", sharing.keys.hashSecret);
  return hasher.update(JSON.stringify(known)).update("\n").update(request.bytes).digest("hex");
}

/** Who may serve. Conditions ask for any header: with another value of it, it may be others. */
function targetsOf({ candidates }: Admitted): string[] {
  const names = candidates.map(({ provider: { row }, model, target }) =>
    JSON.stringify([row.id, model, target?.when]),
  );
  return [...new Set(names)].toSorted();
}
