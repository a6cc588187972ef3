/**
 * Phase 1, admit: from bytes to an exchange that may go on. Checks run in the order of the error
 * catalogue; the last one is a single question to the tenant actor, which takes all or nothing.
 */
import { tenantRates, type TenantHandle } from "../../actors/tenant.ts";
import { ERRORS } from "../base/error.ts";
import { newId } from "../base/ids.ts";
import { LIMITS } from "../base/limits.ts";
import { allow, refuse, type Refusal, type Verdict } from "../base/verdict.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import type { TakenHold } from "./attempt-plan.ts";
import { authenticate } from "./authenticate.ts";
import { choose } from "./choose.ts";
import { holdOptions, rateTokens } from "./estimate.ts";
import { unlessStopped, type Exchange, type Principal } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import type { Candidate, Resolved } from "./resolve.ts";

/** An exchange that may go on: what it holds already, and who may serve it, best first. */
export type Admitted = {
  readonly principal: Principal;
  readonly request: ClientRequest;
  readonly candidates: readonly Candidate[];
  /** The first attempt's id and hold, taken with the admission. */
  readonly firstHold: TakenHold;
};

export async function admit(gateway: Gateway, exchange: Exchange): Promise<Verdict<Admitted>> {
  if (gateway.lifecycle.isDraining()) {
    return refuse("gateway_draining", ERRORS.gateway_draining.text, { retryAfterMs: 5_000 });
  }
  if (gateway.lifecycle.inFlightCount() > LIMITS.exchangesInFlightMax) {
    return refuse("gateway_overloaded", ERRORS.gateway_overloaded.text, { retryAfterMs: 1_000 });
  }
  const accepted = await accept(gateway, exchange);
  if (!accepted.allowed) return accepted;
  const { principal, request } = accepted.value;
  const resolved = resolveAllowed(gateway, principal, request.model);
  if (!resolved.allowed) return resolved;
  const health = gateway.store.health();
  if (!health.ok) {
    return refuse("ledger_unavailable", ERRORS.ledger_unavailable.text, { retryAfterMs: 5_000 });
  }
  const { tenants } = gateway.directory;
  let tenant = tenants.ready(principal.tenant.id);
  while (tenant instanceof Promise) {
    await unlessStopped(exchange, tenant);
    // Asked again: before it was our turn, the next edit may have retired what was built.
    tenant = tenants.ready(principal.tenant.id);
  }
  return take(gateway, exchange, tenant, principal, request, resolved.value);
}

/** Size, credentials, tenant, JSON: what can be told without looking at the model. */
async function accept(
  gateway: Gateway,
  exchange: Exchange,
): Promise<Verdict<{ principal: Principal; request: ClientRequest }>> {
  const { call } = exchange;
  if (call.declaredBytes !== null && call.declaredBytes > LIMITS.bodyBytesMax) {
    return refuse("body_too_large", `The body is larger than ${LIMITS.bodyBytesMax} bytes.`);
  }
  const identified = authenticate(gateway, call.headers);
  if (!identified.allowed) return identified;
  exchange.principal = identified.value;
  const body = await call.readBody();
  if (!(body instanceof Uint8Array)) return { allowed: false, refusal: body };
  // A slow body takes time in which the access token may have been revoked or edited.
  const still = authenticate(gateway, call.headers);
  if (!still.allowed) return still;
  exchange.principal = still.value;
  const accepted = call.dialect.accept(call.surface, body);
  if (!accepted.allowed) return accepted;
  exchange.request = accepted.value;
  const deadline = clientDeadline(call.headers.get("x-tollgate-timeout-ms"), accepted.value.stream);
  if (!deadline.allowed) return deadline;
  exchange.setDeadline(deadline.value);
  return allow({ principal: still.value, request: accepted.value });
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

function resolveAllowed(gateway: Gateway, principal: Principal, model: string): Verdict<Resolved> {
  const resolved = gateway.directory.resolve(principal.tenant.id, model);
  const quoted = JSON.stringify(model);
  if (resolved === null) {
    return refuse("model_not_found", `The model ${quoted} does not exist.`, { param: "model" });
  }
  if (!isModelAllowed(principal.token.allowedModels, model)) {
    return refuse("model_not_allowed", `This access token may not use the model ${quoted}.`, {
      param: "model",
    });
  }
  if (resolved.candidates.length === 0 && resolved.unpriced > 0) {
    return refuse(
      "model_unpriced",
      `The model ${quoted} has no known price; an operator can set one under /api/v1/prices.`,
      { param: "model" },
    );
  }
  return allow(resolved);
}

/** An entry allows its exact name, or with a final `*` every name that begins like it. */
export function isModelAllowed(allowed: readonly string[] | null, model: string): boolean {
  if (allowed === null) return true;
  return allowed.some((entry) =>
    entry.endsWith("*") ? model.startsWith(entry.slice(0, -1)) : entry === model,
  );
}

/**
 * One question to the tenant actor for rates, slots and the first hold; then the providers. When no
 * provider can take it, everything is given back: a refusal consumes nothing.
 */
function take(
  gateway: Gateway,
  exchange: Exchange,
  tenant: TenantHandle,
  principal: Principal,
  request: ClientRequest,
  resolved: Resolved,
): Verdict<Admitted> {
  const atMs = gateway.clock.nowMs();
  const chosen = choose(resolved.candidates, atMs);
  // Where nobody can serve, the limits are asked all the same: they come first in the catalogue.
  const first = chosen.available[0] ?? resolved.candidates[0] ?? resolved.disabled[0];
  if (first === undefined) return unavailable(null);
  const attemptId = newId("attempt", gateway.random);
  const verdict = gateway.directory.tenants.admit(tenant, {
    type: "exchange.admit",
    exchangeId: exchange.id,
    attemptId,
    scopes: principal.scopes,
    tokens: rateTokens(tenant, principal.token.id, request, first),
    options: holdOptions(tenant, principal.token.id, request, first),
    atMs,
  });
  const isServed = verdict.allowed && chosen.available.length > 0;
  if (verdict.allowed && !isServed) {
    const undo = { type: "exchange.undo", exchangeId: exchange.id, atMs } as const;
    gateway.directory.tenants.tell(principal.tenant.id, undo);
  }
  const rates = isServed ? verdict.value : tenantRates(tenant, principal.scopes, atMs);
  exchange.requestRate = rates.requests;
  exchange.tokenRate = rates.tokens;
  if (!verdict.allowed) return verdict;
  if (!isServed) return unavailable(chosen.refusal);
  exchange.isAdmitted = true;
  const { heldNanoUsd, outputTokensCap } = verdict.value;
  const firstHold = { attemptId, heldNanoUsd, outputTokensCap, heldAtMs: atMs };
  return allow({ principal, request, candidates: chosen.available, firstHold });
}

function unavailable(refusal: Refusal | null): Verdict<never> {
  return refusal === null
    ? refuse("provider_unavailable", "No enabled provider serves this model.", {
        retryAfterMs: 60_000,
      })
    : { allowed: false, refusal };
}
