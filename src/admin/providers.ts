/**
 * Providers: what is called, where, with which credential and under which clocks. A credential goes
 * in and never comes out; an address is checked together with the rule that allows it.
 */
import { formatTime } from "../base/clock.ts";
import { newId } from "../base/ids.ts";
import { LIMITS } from "../base/limits.ts";
import type { ProviderRow } from "../store/contract.ts";
import { authenticationOf } from "../providers/authentication.ts";
import { surfacesOf } from "../providers/surfaces.ts";
import { showAuthentication } from "./companies.ts";
import { configured, type Configured } from "./configured.ts";
import { sealCredential } from "./credential.ts";
import type { AdminDeps } from "./deps.ts";
import { type AdminVerdict, allow, refuse } from "./refusal.ts";
import type { Provider, ProviderChange, ProviderFilter, ProviderInput } from "./shapes/provider.ts";
import { identityOf } from "./provider-identity.ts";
import { showHealth } from "./provider-health.ts";
import { credentialCount, editedTerms, showTerms } from "./provider-terms.ts";
import { editRow, insertRow, named } from "./write.ts";

export interface Providers extends Configured<
  Provider,
  ProviderInput,
  ProviderChange,
  ProviderFilter
> {
  /**
   * Puts the built-in simulated provider where it listens in this run of the process: creates it
   * under `name` the first time, and moves it later.
   */
  readonly placeSimulated: (name: string, baseUrl: string) => Promise<AdminVerdict<Provider>>;
}

const DEFAULT_TIMEOUTS: ProviderRow["timeoutsMs"] = {
  connect: LIMITS.connectMs,
  first_byte: LIMITS.firstByteMs,
  first_token: LIMITS.firstTokenMs,
  idle: LIMITS.idleMs,
  total: LIMITS.streamTotalMs,
};

/** All that the simulated provider can do: a newcomer is told so, not met by its "unknown URL". */
const SIMULATED_SURFACES = ["chat", "embeddings"] as const;

export function createProviders(deps: AdminDeps): Providers {
  const show = (row: ProviderRow): Provider => showProvider(deps, row);
  const own = configured(deps, "providers", {
    rowOf: (input: ProviderInput) => providerRow(deps, input, false),
    editOf: (change: ProviderChange) => (current) => providerEdit(deps, change, current),
    whereOf: ({ name, enabled }: ProviderFilter) => named<ProviderRow>({ name, enabled }),
    show: (rows) => rows.map(show),
  });
  return {
    ...own,
    placeSimulated: async (name, baseUrl) => {
      const page = await deps.store.page(
        "providers",
        { simulated: true },
        { limit: 1, cursor: null },
      );
      const [there] = page.rows;
      const surfaces = [...SIMULATED_SURFACES];
      const input = { name, base_url: baseUrl, allow_private_network: true, surfaces };
      const row = providerRow(deps, input, true);
      if (!row.allowed) return row;
      const written =
        there === undefined
          ? await insertRow(deps, "providers", row.value)
          : await editRow(deps, "providers", there.id, null, () =>
              allow({ baseUrl: row.value.baseUrl }),
            );
      return written.allowed ? allow(show(written.value)) : written;
    },
  };
}

function providerRow(
  deps: AdminDeps,
  input: ProviderInput,
  simulated: boolean,
): AdminVerdict<ProviderRow> {
  const identity = identityOf(input, null);
  if (!identity.allowed) return identity;
  const { company, dialect, baseUrl, allowPrivateNetwork } = identity.value;
  const name = input.name ?? company?.id;
  if (name === undefined) {
    return refuse("invalid_request", "name is needed, or a company to be its name.", "/name");
  }
  const id = newId("provider", deps.random);
  const more = sealEach(deps, id, input.more_credentials);
  return allow({
    id,
    name,
    dialect,
    baseUrl,
    credentialSealed: sealed(deps, id, input.credential) ?? null,
    allowPrivateNetwork,
    timeoutsMs: { ...DEFAULT_TIMEOUTS, ...input.timeouts_ms },
    maxConcurrent: input.max_concurrent ?? null,
    onClientDisconnect: input.on_client_disconnect ?? "abort",
    terms: editedTerms({}, input, identity.value, more) ?? {},
    enabled: input.enabled ?? true,
    simulated,
    version: 1,
    createdAtMs: deps.clock.nowMs(),
  });
}

function providerEdit(
  deps: AdminDeps,
  change: ProviderChange,
  current: ProviderRow,
): AdminVerdict<Partial<ProviderRow>> {
  if (current.simulated && (change.base_url !== undefined || change.company)) {
    const sentence = "base_url of the simulated provider is set by Tollgate at each start.";
    return refuse("unprocessable", sentence, "/base_url");
  }
  const identity = identityOf(change, current);
  if (!identity.allowed) return identity;
  const { dialect, baseUrl } = identity.value;
  const more = sealEach(deps, current.id, change.more_credentials);
  const { timeouts_ms: timeouts } = change;
  return allow(
    named<ProviderRow>({
      name: change.name,
      dialect: dialect === current.dialect ? undefined : dialect,
      baseUrl: baseUrl === current.baseUrl ? undefined : baseUrl,
      credentialSealed: sealed(deps, current.id, change.credential),
      allowPrivateNetwork: change.allow_private_network,
      timeoutsMs: timeouts === undefined ? undefined : { ...current.timeoutsMs, ...timeouts },
      maxConcurrent: change.max_concurrent,
      onClientDisconnect: change.on_client_disconnect,
      terms: editedTerms(current.terms, change, identity.value, more),
      enabled: change.enabled,
    }),
  );
}

/** undefined: not named; null: cleared. */
function sealed(
  { credentialKey, random }: AdminDeps,
  id: string,
  credential: string | null | undefined,
): string | null | undefined {
  if (credential === undefined || credential === null) return credential;
  return sealCredential(credentialKey, id, credential, random);
}

/** Sealed like the first one, to the same row. */
function sealEach(
  { credentialKey, random }: AdminDeps,
  id: string,
  credentials: readonly string[] | null | undefined,
): readonly string[] | null | undefined {
  // null clears, like the first one.
  if (credentials === null) return null;
  return credentials?.map((plain) => sealCredential(credentialKey, id, plain, random));
}

function showProvider({ directory }: AdminDeps, row: ProviderRow): Provider {
  return {
    id: row.id,
    name: row.name,
    company: row.terms.company ?? null,
    dialect: row.dialect,
    base_url: row.baseUrl,
    parameters: row.terms.parameters ?? {},
    authentication: showAuthentication(authenticationOf({ dialect: row.dialect, ...row.terms })),
    surfaces: [...surfacesOf({ dialect: row.dialect, ...row.terms })],
    has_credential: row.credentialSealed !== null,
    credential_count: credentialCount(row),
    ...showTerms(row.terms),
    allow_private_network: row.allowPrivateNetwork,
    timeouts_ms: row.timeoutsMs,
    max_concurrent: row.maxConcurrent,
    on_client_disconnect: row.onClientDisconnect,
    enabled: row.enabled,
    simulated: row.simulated,
    health: showHealth(directory, row.id),
    created_at: formatTime(row.createdAtMs),
    version: row.version,
  };
}
