/**
 * Real candidates for tests of the selection: a gateway's own directory resolves the routes, the dialect
 * reads the bodies; only chance is the test's, a seeded one.
 */
import { afterAll } from "bun:test";
import type { TenantHandle } from "../../../actors/tenant.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import type { Ask } from "../../../src/gateway/choose/ask.ts";
import { groupsOf, type Group } from "../../../src/gateway/choose/target-group.ts";
import type { Candidate, Resolved, RouteTarget } from "../../../src/gateway/resolve.ts";
import type { ProviderRow, RouteRow } from "../../../src/store/contract.ts";
import { HELLO } from "../../support/chat.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";

export type AskOptions = {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly strategy?: Ask["strategy"];
  readonly draw?: Ask["draw"];
  readonly tenantId?: string;
};

export type ChooseWorld = {
  readonly tollgate: TestGateway;
  readonly providers: readonly ProviderRow[];
  readonly tenantId: string;
  readonly tokenId: string;
  readonly target: (place: number, more?: Partial<RouteTarget>) => RouteTarget;
  /** A new route over the targets, resolved. */
  readonly resolve: (targets: readonly RouteTarget[], row?: Partial<RouteRow>) => Promise<Resolved>;
  readonly ask: (options?: AskOptions) => Ask;
  readonly groups: (resolved: Resolved) => Group[];
};

const NAMES = ["a", "b", "c", "d"] as const;

export async function chooseWorldForFile(): Promise<ChooseWorld> {
  const tollgate = await startTestGateway();
  afterAll(() => tollgate.stop());
  const { directory, clock } = tollgate.gateway;
  const tenantId = (await tollgate.addTenant()).id;
  const { row: token } = await tollgate.addToken(tenantId);
  const providers: ProviderRow[] = [];
  for (const name of NAMES) {
    const row = await tollgate.addProvider({ name });
    providers.push(row);
    await tollgate.addPrice(row.id, "m");
  }
  const tenant: TenantHandle = await directory.owners.ready({ type: "tenant", tenantId });
  let routes = 0;
  return {
    tollgate,
    providers,
    tenantId,
    tokenId: token.id,
    target: (place, more = {}) => {
      const providerId = providers[place]?.id ?? "";
      return { providerId, model: "m", weight: 1, priority: 0, ...more };
    },
    resolve: async (targets, row = {}) => {
      routes += 1;
      const { model } = await tollgate.addRoute(`route-${routes}`, targets, row);
      const resolved = directory.resolve(tenantId, model);
      if (resolved === null) throw new Error("the route is not there");
      return resolved;
    },
    ask: ({ body, headers, strategy, draw = null, tenantId: of = tenantId } = {}) => {
      const text = JSON.stringify({ model: "any", messages: HELLO, ...body });
      const accepted = chatCodec.accept(new TextEncoder().encode(text), { model: null });
      if (!accepted.allowed) throw new Error(accepted.refusal.message);
      return {
        request: accepted.value,
        headers: new Headers(headers),
        tenantId: of,
        tokenId: token.id,
        priorityClass: "default",
        tenant,
        strategy: strategy ?? { name: "priority", from: "route" },
        draw,
        atMs: clock.nowMs(),
      };
    },
    groups: ({ candidates }) => groupsOf(candidates, clock.nowMs()),
  };
}

/** Chance that is the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function namesOf(candidates: readonly Candidate[]): string[] {
  return candidates.map(({ provider }) => provider.row.name);
}

/** How often each of the values is there. */
export function tally(values: readonly unknown[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(values, String)].map(([value, all]) => [value, all.length]),
  );
}
