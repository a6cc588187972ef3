/**
 * Phase 1, admit, its first half: who asks and for what, from size, credentials and body alone. No
 * limit, budget or provider has been asked yet.
 */
import { ERRORS } from "../base/error.ts";
import { LIMITS } from "../base/limits.ts";
import { allow, refuse, type Refusal, type Verdict } from "../base/verdict.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import { identify, principalOf } from "./authenticate.ts";
import { strategyAsked, type StrategyAsked } from "./choose/strategy.ts";
import {
  onRelease,
  unlessStopped,
  type Exchange,
  type Principal,
  type UploadedForm,
} from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { priorityClassFor } from "./load/priority-class.ts";
import { readFile } from "./upload/read-file.ts";

/** A request that is understood; or one that asks for the rest of a stream, whose body says nothing. */
export type Accepted =
  | AcceptedRequest
  | { readonly principal: Principal; readonly request: null; readonly resumes: string };

export type AcceptedRequest = {
  readonly principal: Principal;
  readonly request: ClientRequest;
  readonly strategy: StrategyAsked | null;
  readonly resumes: null;
};

/** Where a client that lost its connection says which event came last. */
const LAST_EVENT_ID = "last-event-id";

/** Size, credentials, tenant, JSON: what can be told without looking at the model. */
export async function accept(gateway: Gateway, exchange: Exchange): Promise<Verdict<Accepted>> {
  if (gateway.lifecycle.isDraining()) {
    return refuse("gateway_draining", ERRORS.gateway_draining.text, { retryAfterMs: 5_000 });
  }
  if (gateway.lifecycle.inFlightCount() > LIMITS.exchangesInFlightMax) {
    return refuse("gateway_overloaded", ERRORS.gateway_overloaded.text, { retryAfterMs: 1_000 });
  }
  const { call } = exchange;
  const bytesMax = call.codec.form?.bodyBytesMax ?? LIMITS.bodyBytesMax;
  if (call.declaredBytes !== null && call.declaredBytes > bytesMax) {
    return refuse("body_too_large", `The body is larger than ${bytesMax} bytes.`);
  }
  const hash = identify(gateway, call.headers);
  if (!hash.allowed) return hash;
  const identified = principalOf(gateway, hash.value);
  if (!identified.allowed) return identified;
  exchange.principal = identified.value;
  const coding = call.headers.get("content-encoding");
  if (coding !== null && coding !== "identity") return encoded(coding);
  const priority = priorityClassFor(identified.value, call.headers);
  if (priority.allowed) exchange.priorityClass = priority.value;
  // Before the body is read: a refusal must cost a small part of what it saves.
  const shed =
    gateway.shed.refusalFor(exchange.priorityClass) ??
    refusalOfShare(gateway, exchange, identified.value);
  if (shed !== null) return { allowed: false, refusal: shed };
  const body = await call.readBody(identified.value.tenant.id);
  if ("code" in body) return { allowed: false, refusal: body };
  if (!(body instanceof Uint8Array)) keepUntilConcluded(exchange, body);
  // A slow body takes time in which the access token may have been revoked or edited.
  const still = principalOf(gateway, hash.value);
  if (!still.allowed) return still;
  exchange.principal = still.value;
  const resumes = call.headers.get(LAST_EVENT_ID);
  if (resumes !== null) return allow({ principal: still.value, request: null, resumes });
  const accepted =
    body instanceof Uint8Array
      ? call.codec.accept(body, call.place)
      : await acceptForm(gateway, exchange, still.value, body);
  if (!accepted.allowed) return accepted;
  exchange.request = accepted.value;
  const principal = forEndUser(still.value, accepted.value.endUserId);
  exchange.principal = principal;
  if (!priority.allowed) return priority;
  const deadline = clientDeadline(call.headers.get("x-tollgate-timeout-ms"), accepted.value.stream);
  if (!deadline.allowed) return deadline;
  exchange.setDeadline(deadline.value);
  const strategy = strategyAsked(call.headers);
  if (!strategy.allowed) return strategy;
  return allow({ principal, request: accepted.value, strategy: strategy.value, resumes: null });
}

/** What a form asks for may stand in a file of its, of which nobody was told anything so far. */
async function acceptForm(
  { bodyRoom }: Gateway,
  exchange: Exchange,
  { tenant }: Principal,
  body: UploadedForm,
): Promise<Verdict<ClientRequest>> {
  const { codec, place } = exchange.call;
  const accepted = codec.accept(body.bytes, place, body.form);
  const reading = accepted.allowed ? codec.form?.reads?.(accepted.value) : null;
  if (reading === null || reading === undefined) return accepted;
  return await unlessStopped(exchange, readFile(bodyRoom, tenant.id, body, reading));
}

/** A provider that decodes it could read another request than the one that is checked here. */
function encoded(coding: string): Verdict<never> {
  const message = `The body must not be encoded (Content-Encoding: ${coding.slice(0, 32)}).`;
  return refuse("invalid_request", message, { param: "content-encoding" });
}

/** Every attempt sends it anew. */
function keepUntilConcluded(exchange: Exchange, { spool }: UploadedForm): void {
  if (spool === null) return;
  exchange.spool = spool;
  onRelease(exchange, spool.close);
}

/** Why the tenant may have no further exchange in flight; null: it has one more until this one ends. */
function refusalOfShare(
  { lifecycle, tenantShares }: Gateway,
  exchange: Exchange,
  { tenant: { id } }: Principal,
): Refusal | null {
  if (tenantShares.enter(id, lifecycle.inFlightCount())) {
    onRelease(exchange, () => tenantShares.leave(id));
    return null;
  }
  const message = "The gateway is overloaded, and this tenant has its share of what is in flight.";
  return refuse("gateway_overloaded", message, { retryAfterMs: 1_000 }).refusal;
}

/** As an end user's own budgets see it. */
export function forEndUser(principal: Principal, endUserId: string | null): Principal {
  if (endUserId === null) return principal;
  return { ...principal, scopes: { ...principal.scopes, endUserId } };
}

/** The client may shorten the total time of its exchange, never lengthen it. */
function clientDeadline(header: string | null, isStream: boolean): Verdict<number> {
  const longestMs = isStream ? LIMITS.streamTotalMs : LIMITS.exchangeTotalMs;
  if (header === null) return allow(longestMs);
  const ms = Number(header);
  if (!Number.isInteger(ms) || ms < 1) {
    return refuse("invalid_request", "x-tollgate-timeout-ms must be a positive integer.", {
      param: "x-tollgate-timeout-ms",
    });
  }
  return allow(Math.min(ms, longestMs));
}
