/** What an answer says that its provider keeps from now on, or keeps no longer, is remembered. */
import { assert } from "../../base/assert.ts";
import { HOUSE_SCOPES } from "../../base/scope.ts";
import { isObjectId } from "../../base/object-kind.ts";
import { LIMITS } from "../../base/limits.ts";
import type { MadeObject } from "../../base/object-kind.ts";
import { forgetsObject } from "../../dialects/surfaces.ts";
import type { NewObject } from "../../store/objects-contract.ts";
import type { Admitted } from "../admit.ts";
import type { AttemptPlan } from "../attempt-plan.ts";
import type { Exchange } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { credentialHash } from "./keeper.ts";

/** As many are taken from one answer; a response has an item for each step of its model. */
const MADE_MAX = 1_000;

/** Of a plain answer. Resolves when it is durable; never rejects; null: there is nothing of it. */
export function noteAnswer(
  gateway: Gateway,
  { call }: Exchange,
  admitted: Admitted,
  plan: AttemptPlan,
  answer: Uint8Array,
): Promise<void> | null {
  const { codec } = call;
  const { request, principal } = admitted;
  if (forgetsObject(codec.surface)) {
    const [about] = request.objects ?? [];
    assert(about, "a request about an object names it");
    return gateway.objects.forget({ tenantId: principal.tenant.id, id: about.id });
  }
  // Most surfaces make nothing that is kept.
  return codec.made === undefined
    ? null
    : noteMade(gateway, admitted, plan, codec.made(answer, request));
}

/** Likewise, of a stream that has told so much. What is made for the house is nobody's. */
export function noteMade(
  gateway: Gateway,
  { principal, request }: Admitted,
  { candidate: { lane, model, provider } }: AttemptPlan,
  made: readonly MadeObject[],
): Promise<void> | null {
  if (principal.tenant.id === HOUSE_SCOPES.tenantId) return null;
  const place = {
    tenantId: principal.tenant.id,
    tokenId: principal.token.id,
    providerId: provider.row.id,
    credentialPosition: lane.position,
    credentialHash: credentialHash(gateway.credentialHashSecret, lane),
    route: request.model === "" ? null : request.model,
    model: model === "" ? null : model,
  };
  return noteMadeAt(gateway, place, made);
}

/** Whose things are, and where they are kept. */
type MadePlace = Omit<
  NewObject,
  "id" | "kind" | "detail" | "batch" | "createdAtMs" | "expiresAtMs"
>;

/** null: there is nothing to be noted. */
export function noteMadeAt(
  { clock, objects }: Pick<Gateway, "clock" | "objects">,
  place: MadePlace,
  made: readonly MadeObject[],
): Promise<void> | null {
  const named = made.filter(({ id }) => isObjectId(id)).slice(0, MADE_MAX);
  if (named.length === 0) return null;
  const createdAtMs = clock.nowMs();
  return objects.note(
    named.map(({ id, kind, detail = null, batch = null, keptMs = LIMITS.objectsKeptMs }) => {
      const expiresAtMs = createdAtMs + keptMs;
      return { ...place, id, kind, detail, batch, createdAtMs, expiresAtMs };
    }),
  );
}
