/**
 * Who keeps what a request names: the one provider and credential that can serve it. An object of
 * another tenant answers like one that never was.
 */
import type { ObjectKind } from "../../base/object-kind.ts";
import { LIMITS } from "../../base/limits.ts";
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { NamedObject } from "../../base/object-kind.ts";

import type { ObjectRow } from "../../store/objects-contract.ts";
import type { Gateway } from "../gateway.ts";
import type { Lane } from "../lanes.ts";
import { FREE_PRICE } from "../prices/price.ts";
import type { ProviderEntry } from "../provider-actors.ts";
import type { Candidate, Resolved } from "../resolve.ts";

/** An object of the tenant's, and where its provider is configured. */
export type Kept = {
  readonly named: NamedObject;
  readonly row: ObjectRow;
  readonly provider: ProviderEntry;
};

/** Each once, in the order in which they are named; refuses with the first one that there is not. */
export async function findKept(
  { directory, objects }: Pick<Gateway, "directory" | "objects">,
  tenantId: string,
  named: readonly NamedObject[],
): Promise<Verdict<readonly Kept[]>> {
  const byId = new Map(named.map((one) => [one.id, one]));
  if (byId.size > LIMITS.objectsNamedMax) {
    return refuse(
      "invalid_request",
      `A request may name ${LIMITS.objectsNamedMax} objects at most.`,
    );
  }
  const rows = await objects.find(tenantId, [...byId.keys()]);
  const found = new Map(rows.map((row) => [row.id, row]));
  const kept: Kept[] = [];
  for (const one of byId.values()) {
    const row = found.get(one.id);
    if (row === undefined || row.kind !== one.kind) return unknown(one);
    const provider = directory.provider(row.providerId);
    if (provider === null) return orphaned(one);
    kept.push({ named: one, row, provider });
  }
  return allow(kept);
}

const NO_MODEL = "";

/** Where a provider keeps something: the credential that made it, and for which model. */
type KeptPlace = Pick<ObjectRow, "credentialHash" | "credentialPosition" | "model">;

/**
 * Who can be asked about what is kept there, for nothing; null: the provider has no credential. In a lane of its
 * own, whatever the model: providers limit such questions apart, and where one says so its models go on.
 */
export function keeperOf(
  { credentialHashSecret }: Pick<Gateway, "credentialHashSecret">,
  place: KeptPlace,
  provider: ProviderEntry,
): Candidate | null {
  const lane = keeperLane(credentialHashSecret, place, provider.lanesNow(NO_MODEL));
  const model = place.model ?? NO_MODEL;
  return lane === null ? null : { provider, lane, target: null, model, price: FREE_PRICE };
}

/** For a request about one object and no model, which is free: its keeper is the only candidate. */
export function toKeeper(
  gateway: Pick<Gateway, "credentialHashSecret">,
  { row, provider }: Kept,
): Resolved {
  const keeper = keeperOf(gateway, row, provider);
  const candidates = keeper === null ? [] : [keeper];
  return {
    route: row.route ?? "",
    routeId: null,
    strategy: "priority",
    terms: {},
    candidates: provider.row.enabled ? candidates : [],
    fallbacks: { context_window: [], content_filter: [] },
    shadows: [],
    disabled: provider.row.enabled ? [] : candidates,
    unpriced: [],
  };
}

/** Leaves only those candidates of a model who keep everything that the request names. */
export function amongKeepers(
  { credentialHashSecret }: Pick<Gateway, "credentialHashSecret">,
  resolved: Resolved,
  kept: readonly Kept[],
): Verdict<Resolved> {
  const [first] = kept;
  if (first === undefined) return allow(resolved);
  const isKeeper = ({ provider, lane, model }: Candidate): boolean =>
    kept.every(({ row }) => {
      if (row.providerId !== provider.row.id) return false;
      const own = keeperLane(credentialHashSecret, row, provider.lanesNow(model));
      return own !== null && own.position === lane.position;
    });
  const { fallbacks } = resolved;
  const narrowed: Resolved = {
    ...resolved,
    candidates: resolved.candidates.filter(isKeeper),
    fallbacks: {
      context_window: fallbacks.context_window.filter(isKeeper),
      content_filter: fallbacks.content_filter.filter(isKeeper),
    },
    // Nobody else can read what the request is about.
    shadows: [],
    disabled: resolved.disabled.filter(isKeeper),
  };
  return narrowed.candidates.length > 0 || narrowed.disabled.length > 0
    ? allow(narrowed)
    : keptElsewhere(resolved, first, kept);
}

/** Leaves only those candidates that serve it with this very model of the provider's. */
export function onlyOfModel(resolved: Resolved, model: string | null): Resolved {
  const isOfModel = (candidate: Candidate): boolean => candidate.model === model;
  return {
    ...resolved,
    candidates: resolved.candidates.filter(isOfModel),
    fallbacks: { context_window: [], content_filter: [] },
    disabled: resolved.disabled.filter(isOfModel),
  };
}

/** By which a credential is known again, whatever its place is then. */
export function credentialHash(secret: Uint8Array, { credential }: Lane): string | null {
  if (credential === null) return null;
  return new Bun.CryptoHasher("sha256", secret).update(credential).digest("hex");
}

/**
 * The credential that made the object; where it is not there any more, the one in its place, which is
 * what a rotation leaves there. Whether that one may see it is the provider's to say.
 */
function keeperLane(secret: Uint8Array, place: KeptPlace, lanes: readonly Lane[]): Lane | null {
  return (
    lanes.find((lane) => credentialHash(secret, lane) === place.credentialHash) ??
    lanes.find(({ position }) => position === place.credentialPosition) ??
    lanes[0] ??
    null
  );
}

const NOUNS: Readonly<Record<ObjectKind, string>> = {
  response: "Response",
  item: "Item",
  conversation: "Conversation",
  file: "File",
  container: "Container",
  batch: "Batch",
};

/** As OpenAI words it (2026-11). */
function unknown({ kind, id, param }: NamedObject): Verdict<never> {
  return notFound(`${NOUNS[kind]} with id '${id}' not found.`, param);
}

function orphaned({ kind, id, param }: NamedObject): Verdict<never> {
  const what = NOUNS[kind].toLowerCase();
  return notFound(`The provider that keeps the ${what} '${id}' was removed.`, param);
}

function notFound(message: string, param: string | null): Verdict<never> {
  return refuse("not_found", message, param === null ? {} : { param });
}

function keptElsewhere(
  { route }: Resolved,
  { named, row }: Kept,
  kept: readonly Kept[],
): Verdict<never> {
  const isOnePlace = kept.every(
    (one) => one.row.providerId === row.providerId && one.row.credentialHash === row.credentialHash,
  );
  const message = isOnePlace
    ? `The model ${JSON.stringify(route)} is not served by the provider that keeps ` +
      `the ${NOUNS[named.kind].toLowerCase()} '${named.id}'.`
    : "What the request names is kept by different providers, so that none can serve it.";
  return refuse("invalid_request", message, named.param === null ? {} : { param: named.param });
}
