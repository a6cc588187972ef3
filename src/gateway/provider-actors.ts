/**
 * The providers by id and by name, each beside its row and its lanes with their actors and
 * credentials in plain text (in memory only). They follow committed edits; what an edit leaves as it
 * was goes on.
 */
import { laneHealth, laneService, providerHealth } from "../../actors/provider.ts";
import type { ProviderHealth } from "../../actors/provider-contract.ts";
import type { ProviderCommons } from "../../actors/provider-commons.ts";
import type { ProviderRow } from "../store/contract.ts";
import type { Presenter } from "./credentials/presenter.ts";
import type { LaneState } from "./directory-contract.ts";
import { Gate, type GateDeps } from "./load/gate.ts";
import { Lanes, type Credential, type Lane, type LaneDeps } from "./lanes.ts";
import { type Surface } from "../dialects/surfaces.ts";
import { companyOf } from "../providers/companies.ts";
import { type Quirks, USUAL_QUIRKS } from "../providers/company.ts";
import { surfacesOf } from "../providers/surfaces.ts";
import type { Wire } from "./wire/wire.ts";
import { wireOf } from "./wire/wires.ts";

export type ProviderEntry = {
  readonly row: ProviderRow;
  /**
   * The lanes that an attempt with this upstream model may take: one for each credential, those that
   * rest last. Each call begins with another one.
   */
  readonly lanesFor: (model: string) => readonly Lane[];
  /** What the next one who asks will get; no turn is taken. */
  readonly lanesNow: (model: string) => readonly Lane[];
  /** All lanes that there are now. */
  readonly lanes: () => readonly Lane[];
  /** Its slots, and who waits for one. */
  readonly gate: Gate;
  /** What its lanes share. */
  readonly commons: ProviderCommons;
  /** In what it differs from others that speak its language. */
  readonly quirks: Quirks;
  /** What it may be asked. */
  readonly surfaces: ReadonlySet<Surface>;
  /** How requests are put to it where it is not its dialect's way; null: it is. */
  readonly wire: Wire | null;
};

export interface ProviderActors {
  readonly byId: (id: string) => ProviderEntry | null;
  readonly byName: (name: string) => ProviderEntry | null;
  readonly all: () => Iterable<ProviderEntry>;
  /** Follows a committed write: `row` null removes. */
  readonly apply: (id: string, row: ProviderRow | null) => void;
  readonly stop: () => void;
}

type Deps = LaneDeps &
  GateDeps & {
    /** A credential in plain text; throws for one that is damaged or of another provider. */
    readonly unseal: (sealed: string, providerId: string) => string;
    /** What presents a credential; throws for one of another kind than the provider's. */
    readonly present: (row: ProviderRow, credential: string) => Presenter;
  };

export function createProviderActors(deps: Deps): ProviderActors {
  const entries = new Map<string, ProviderEntry>();
  const names = new Map<string, ProviderEntry>();
  const lanesOf = new Map<string, Lanes>();
  const gates = new Map<string, Gate>();

  const entryFor = (given: ProviderRow): ProviderEntry => {
    const credentials = usableCredentials(deps, given);
    // Where every credential is damaged there is nothing to present.
    const row = credentials.length > 0 ? given : { ...given, enabled: false };
    const usable = credentials.length > 0 ? credentials : [NO_CREDENTIAL];
    const there = lanesOf.get(row.id);
    there?.update(row, usable);
    const lanes = there ?? new Lanes(deps, row, usable);
    lanesOf.set(row.id, lanes);
    const gateThere = gates.get(row.id);
    gateThere?.update(row);
    const gate = gateThere ?? new Gate(deps, row);
    gates.set(row.id, gate);
    return {
      row,
      lanesFor: (model) => lanes.lanesFor(model),
      lanesNow: (model) => lanes.lanesNow(model),
      lanes: () => lanes.all(),
      gate,
      commons: lanes.commons,
      quirks: quirksOf(row),
      wire: wireOf(row),
      surfaces: surfacesOf({ dialect: row.dialect, ...row.terms }),
    };
  };
  return {
    byId: (id) => entries.get(id) ?? null,
    byName: (name) => names.get(name) ?? null,
    all: () => entries.values(),
    apply: (id, row) => {
      const old = entries.get(id);
      if (old !== undefined) {
        entries.delete(id);
        names.delete(old.row.name);
      }
      if (row === null) {
        lanesOf.delete(id);
        gates.delete(id);
        return;
      }
      const entry = entryFor(row);
      entries.set(id, entry);
      names.set(row.name, entry);
    },
    stop: () => {
      for (const lanes of lanesOf.values()) lanes.stop();
      for (const gate of gates.values()) gate.stop();
    },
  };
}

function quirksOf({ dialect, baseUrl, terms: { company } }: ProviderRow): Quirks {
  return companyOf({ company, dialect, baseUrl })?.quirks ?? USUAL_QUIRKS;
}

/** For a provider that needs none. */
const NO_CREDENTIAL: Credential = {
  position: null,
  sealed: "",
  plain: null,
  presenter: null,
};

/** A damaged credential must not keep the others from serving. */
function usableCredentials(deps: Deps, row: ProviderRow): readonly Credential[] {
  const { unseal, log, present } = deps;
  const { credentialSealed, terms } = row;
  const first = credentialSealed === null ? [] : [credentialSealed];
  const all = [...first, ...(terms.moreCredentialsSealed ?? [])];
  if (all.length === 0) return [NO_CREDENTIAL];
  return all.flatMap((sealed, index) => {
    const position = index + 1;
    try {
      const plain = unseal(sealed, row.id);
      return [{ position, sealed, plain, presenter: present(row, plain) }];
    } catch (error) {
      log.error("provider.credential.unusable", { provider: row.name, position, error });
      return [];
    }
  });
}

export function entryHealth({ row, lanes, commons }: ProviderEntry, atMs: number): ProviderHealth {
  const handles = lanes().map(({ handle }) => handle);
  return providerHealth(commons, handles, row.terms.breakerForced ?? null, atMs);
}

export function laneStates({ lanes }: ProviderEntry, atMs: number): LaneState[] {
  return lanes().map(({ id, family, position, handle }) => {
    const health = laneHealth(handle, atMs);
    return { id, family, position, health, service: laneService(handle, atMs) };
  });
}
