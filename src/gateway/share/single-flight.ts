/**
 * Single-flight: on routes that ask for it, equal deterministic requests of a tenant share one
 * attempt while it runs. Each is admitted on its own first; then all but the first give their holds
 * back, or, where the cost is split, keep them for their shares.
 */
import type { Admitted } from "../admit.ts";
import { giveBackHold } from "../settle.ts";
import type { Exchange, Reply } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { addCost } from "../reply-headers.ts";
import { upstreamHeaders } from "../request-headers.ts";
import type { Flight } from "./contract.ts";
import { follow } from "./follow.ts";
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

/** null: it is executed on its own, or as the first of those that share it. */
export function joinFlight(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
): Promise<Reply> | null {
  const { singleFlight } = admitted.terms;
  if (singleFlight === undefined || exchange.share !== null) return null;
  if (!exchange.call.codec.isDeterministic(admitted.request)) return null;
  const { flights } = gateway.sharing;
  const id = flightId(gateway, exchange, admitted);
  const flight = flights.get(id);
  const reader = flight?.share.recording.attach(0) ?? null;
  if (flight !== undefined && reader !== null) {
    return join(gateway, exchange, admitted, flight, reader);
  }
  // It ends with its last reader: there is nobody to come back for it.
  const share = lead(gateway, exchange, 0);
  if (share === null) return null;
  const own: Flight = { share, cost: singleFlight.cost };
  flights.set(id, own);
  share.atEnd(() => {
    if (flights.get(id) === own) flights.delete(id);
  });
  return null;
}

async function join(
  gateway: Gateway,
  exchange: Exchange,
  admitted: Admitted,
  { share, cost }: Flight,
  reader: Reader,
): Promise<Reply> {
  share.belongsTo(admitted.principal.token.id);
  if (cost === "first") giveBackHold(gateway, admitted.firstHold);
  else share.payers.set(reader, payerOf(gateway, exchange, admitted));
  const reply = await follow(gateway, exchange, share.recording, reader);
  const { headers } = reply;
  headers["x-tollgate-attempts"] = String(exchange.attemptCount);
  if (headers["x-tollgate-cost-usd"] !== undefined) addCost(headers, exchange);
  return reply;
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
