/**
 * Phase 1, admit: from a request that is understood to an exchange that may go on. Checks run in the
 * order of the error catalogue; the last one is a single question to the actors of all owners, who
 * take all or nothing.
 */
import { tenantRates } from "../../actors/tenant.ts";
import { assert } from "../base/assert.ts";
import { ERRORS } from "../base/error.ts";
import { allow, refuse, type Refusal, type Verdict } from "../base/verdict.ts";
import type { ClientRequest } from "../dialects/contract.ts";
import { accessOf, metersOf, SURFACES } from "../dialects/surfaces.ts";
import { type AcceptedRequest, forEndUser } from "./accept.ts";
import { noteResting } from "./attempt-notes.ts";
import type { TakenHold } from "./attempt-plan.ts";
import type { Ask } from "./choose/ask.ts";
import { choose, chooseFallbacks, chooseShadows } from "./choose/choose.ts";
import type { Resting } from "./choose/health.ts";
import type { Left } from "./choose/left.ts";
import { strategyFor } from "./choose/strategy.ts";
import { unlessStopped, type Exchange, type Principal } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { takeFirst, whenReady, type Taken, type Wanted } from "./hold.ts";
import { amongKeepers, findKept, type Kept, onlyOfModel, toKeeper } from "./objects/keeper.ts";
import { onlyTaker } from "./objects/taker.ts";
import type { AskedOwners } from "./owner-actors.ts";
import { unpricedText } from "./unpriced-text.ts";
import type { Candidate, Fallbacks, Resolved, RouteTerms } from "./resolve.ts";

/** An exchange that may go on: what it holds already, and who may serve it, best first. */
export type Admitted = {
  readonly principal: Principal;
  readonly request: ClientRequest;
  /** The route that the client named; null where it named a provider's model directly. */
  readonly routeId: string | null;
  readonly terms: RouteTerms;
  readonly candidates: readonly Candidate[];
  /** Who may serve it after a candidate refused it for its length or its content. */
  readonly fallbacks: Fallbacks;
  /** Who gets a copy of it, when it is dispatched. */
  readonly shadows: readonly Candidate[];
  /** The first attempt's id and hold, taken with the admission. */
  readonly firstHold: TakenHold;
};

export async function admit(
  gateway: Gateway,
  exchange: Exchange,
  accepted: AcceptedRequest,
): Promise<Verdict<Admitted>> {
  const { request } = accepted;
  const resolved =
    request.objects === undefined
      ? resolveAsked(gateway, exchange, accepted)
      : await resolveKept(gateway, exchange, accepted, request.objects);
  if (!resolved.allowed) return resolved;
  const health = gateway.store.health();
  if (!health.ok) {
    return refuse("ledger_unavailable", ERRORS.ledger_unavailable.text, { retryAfterMs: 5_000 });
  }
  const told = asFound(exchange, accepted);
  exchange.principal = told.principal;
  return await whenReady(gateway, exchange, told.principal.scopes, (owners) =>
    take(gateway, exchange, owners, told, resolved.value),
  );
}

/** By now it is known of which model an object is, and for whom the lines of a file ask. */
function asFound({ request }: Exchange, accepted: AcceptedRequest): AcceptedRequest {
  if (request === null || request === accepted.request) return accepted;
  const principal = forEndUser(accepted.principal, request.endUserId);
  return { ...accepted, request, principal };
}

/** For a request that names what providers keep: only who keeps it can serve. */
async function resolveKept(
  gateway: Gateway,
  exchange: Exchange,
  { principal, request }: AcceptedRequest,
  named: NonNullable<ClientRequest["objects"]>,
): Promise<Verdict<Resolved>> {
  const { ofFile } = exchange.call.codec;
  const isOwned = accessOf(request.surface) === "owned" || ofFile !== undefined;
  // An unknown model comes before an unknown object.
  const resolved = isOwned ? null : resolveAsked(gateway, exchange, { principal, request });
  if (resolved?.allowed === false) return resolved;
  const kept = await unlessStopped(exchange, findKept(gateway, principal.tenant.id, named));
  if (!kept.allowed) return kept;
  if (resolved !== null) return amongKeepers(gateway, resolved.value, kept.value);
  const [object] = kept.value;
  assert(object, "a request about an object names it");
  if (ofFile !== undefined) {
    const whole = ofFile(request, object.row.batch);
    return whole.allowed ? resolveOfFile(gateway, exchange, principal, whole.value, object) : whole;
  }
  const { route } = object.row;
  if (route !== null && !isModelAllowed(principal.token.allowedModels, route)) {
    return notAllowed(route);
  }
  exchange.request = { ...request, model: route ?? "" };
  const keeper = toKeeper(gateway, object);
  // What a body names beside it must be kept there as well.
  return kept.value.length > 1 ? amongKeepers(gateway, keeper, kept.value) : allow(keeper);
}

/** For what the lines of a file ask: the model that the file is for, as it is named in those lines. */
function resolveOfFile(
  gateway: Gateway,
  exchange: Exchange,
  principal: Principal,
  request: ClientRequest,
  file: Kept,
): Verdict<Resolved> {
  const { route, model } = file.row;
  exchange.request = { ...request, model: route ?? "" };
  const resolved = resolveAllowed(gateway, principal, exchange.request);
  if (!resolved.allowed) return resolved;
  return amongKeepers(gateway, onlyOfModel(resolved.value, model), [file]);
}

function resolveAsked(
  gateway: Gateway,
  { call }: Exchange,
  { principal, request }: Pick<AcceptedRequest, "principal" | "request">,
): Verdict<Resolved> {
  return request.model === "" && call.codec.modelInHeader === true
    ? onlyTaker(gateway, principal, request)
    : resolveAllowed(gateway, principal, request);
}

function resolveAllowed(
  gateway: Gateway,
  principal: Principal,
  { batch, beyondPrice, model, objects, ...request }: ClientRequest,
): Verdict<Resolved> {
  const { id: tenantId } = principal.tenant;
  const isPinned = objects !== undefined;
  const surface = batch?.surface ?? request.surface;
  const resolved = gateway.directory.resolve(tenantId, model, metersOf(surface), isPinned);
  const quoted = JSON.stringify(model);
  if (resolved === null) {
    return refuse("model_not_found", `The model ${quoted} does not exist.`, { param: "model" });
  }
  if (!isModelAllowed(principal.token.allowedModels, model)) {
    return notAllowed(model);
  }
  if (beyondPrice?.isOtherModel === true && principal.token.allowedModels !== null) {
    const { member: param } = beyondPrice;
    const message = `This access token is for certain models, and '${param}' may name others.`;
    return refuse("model_not_allowed", message, { param });
  }
  if (resolved.unpriced.length > 0) gateway.directory.countUnpriced(resolved.unpriced, surface);
  if (resolved.candidates.length === 0 && resolved.unpriced.length > 0) {
    return refuse("model_unpriced", unpricedText(model, surface), { param: "model" });
  }
  return allow(resolved);
}

function notAllowed(model: string): Verdict<never> {
  const message = `This access token may not use the model ${JSON.stringify(model)}.`;
  return refuse("model_not_allowed", message, { param: "model" });
}

/** An entry allows its exact name, or with a final `*` every name that begins like it. */
export function isModelAllowed(allowed: readonly string[] | null, model: string): boolean {
  if (allowed === null) return true;
  return allowed.some((entry) =>
    entry.endsWith("*") ? model.startsWith(entry.slice(0, -1)) : entry === model,
  );
}

/**
 * One question to all owners for rates, slots and the first hold; then the providers. When no
 * provider can take it, everything is given back: a refusal consumes nothing.
 */
function take(
  gateway: Gateway,
  exchange: Exchange,
  owners: AskedOwners,
  accepted: AcceptedRequest,
  resolved: Resolved,
): Verdict<Admitted> {
  const { principal, request } = accepted;
  const { routeId, terms } = resolved;
  const ask = askOf(gateway, exchange, owners, accepted, resolved);
  const { atMs } = ask;
  const { available, resting, left, conversation, refusal } = choose(resolved, ask);
  // Where nobody can serve, the limits are asked all the same: they come first in the catalogue.
  const able = resting.length === 0 ? available : [...available, ...resting.map(candidateOf)];
  const asked = able.length > 0 ? able : resolved.disabled;
  if (asked.length === 0 && left.length > 0) return meantForNobody(request, left);
  const wanted = { scopes: principal.scopes, routeId, request };
  const taken = takeFromFirst(gateway, exchange, owners, wanted, asked);
  if (taken === null) return unavailable(null);
  const place = taken.allowed ? available.indexOf(taken.value.candidate) : -1;
  if (taken.allowed && place < 0) {
    const undo = { type: "exchange.undo", exchangeId: exchange.id, atMs } as const;
    gateway.directory.owners.tell(principal.scopes, undo);
  }
  const isServed = taken.allowed && place >= 0;
  const rates = isServed ? taken.value.agreed : tenantRates(owners[0], principal.scopes, atMs);
  exchange.requestRate = rates.requests;
  exchange.tokenRate = rates.tokens;
  exchange.ratesAtMs = atMs;
  if (!taken.allowed) return taken;
  if (!isServed) {
    noteResting(gateway, exchange, resting);
    return unavailable(refusal);
  }
  exchange.isAdmitted = true;
  const candidates = available.slice(place);
  const firstHold = taken.value.hold;
  const fallbacks = chooseFallbacks(resolved, conversation, ask);
  const shadows = chooseShadows(resolved, ask);
  const target = { routeId, terms, candidates, fallbacks, shadows };
  return allow({ principal, request, ...target, firstHold });
}

function askOf(
  { clock, random }: Gateway,
  { call, priorityClass }: Exchange,
  [tenant]: AskedOwners,
  { principal, request, strategy }: AcceptedRequest,
  resolved: Resolved,
): Ask {
  return {
    request,
    headers: call.headers,
    tenantId: principal.tenant.id,
    tokenId: principal.token.id,
    priorityClass,
    tenant,
    strategy: strategyFor(strategy, principal.tenant.terms.strategy, resolved.strategy),
    draw: random.unit,
    atMs: clock.nowMs(),
  };
}

function candidateOf({ candidate }: Resting): Candidate {
  return candidate;
}

/** The same request would always be refused, so this is no matter of time. */
function meantForNobody({ model, surface }: ClientRequest, left: readonly Left[]): Verdict<never> {
  if (left.every(({ reason }) => reason === "surface")) {
    const { dialect } = SURFACES[surface];
    const speaks = [...new Set(left.map(({ candidate }) => candidate.provider.row.dialect))];
    const why = speaks.includes(dialect)
      ? `: its providers are not asked for ${surface}.`
      : `, which is in the dialect ${dialect}: its providers speak ${speaks.join(", ")}.`;
    const message = `The model ${JSON.stringify(model)} is not served on this path${why}`;
    return refuse("model_not_found", message, { param: "model" });
  }
  return refuse(
    "invalid_request",
    `No target of the model ${JSON.stringify(model)} is for such a request: their conditions ask ` +
      "for other tags, headers, tools, or another size or kind of input.",
    { param: "model" },
  );
}

/** A provider whose own budget refuses is passed over in favour of the next; null: there is none. */
function takeFromFirst(
  gateway: Gateway,
  exchange: Exchange,
  owners: AskedOwners,
  wanted: Wanted,
  candidates: readonly Candidate[],
): Verdict<Taken & { readonly candidate: Candidate }> | null {
  let soonest: Refusal | null = null;
  for (const candidate of candidates) {
    const taken = takeFirst(gateway, exchange, owners, wanted, candidate);
    if (taken.allowed) return allow({ ...taken.value, candidate });
    if (taken.refusal.reason?.scope.type !== "provider") return taken;
    soonest = soonest === null ? taken.refusal : sooner(soonest, taken.refusal);
  }
  return soonest === null ? null : { allowed: false, refusal: soonest };
}

/** The one that tells to come back first; one that tells no time never lets anything pass. */
function sooner(one: Refusal, other: Refusal): Refusal {
  return (other.retryAfterMs ?? Infinity) < (one.retryAfterMs ?? Infinity) ? other : one;
}

function unavailable(refusal: Refusal | null): Verdict<never> {
  return refusal === null
    ? refuse("provider_unavailable", "No enabled provider serves this model.", {
        retryAfterMs: 60_000,
      })
    : { allowed: false, refusal };
}
