/**
 * A route over two providers, each with a scripted upstream of its own, so that one can be made to
 * fail while the other answers, and what each of them saw can be told apart.
 */
import { afterAll, beforeEach, expect } from "bun:test";
import { startUpstream, type Upstream } from "../../bench/upstream/server.ts";
import type { ProviderRow } from "../../src/store/contract.ts";
import { freshProvider } from "../support/fresh-provider.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** What the ledger says of one attempt. */
export type AttemptTold = {
  readonly model: string;
  readonly kind: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly estimated: boolean;
  readonly isFree: boolean;
};

export type TwoProviders = {
  readonly tollgate: TestGateway;
  readonly tenantId: string;
  readonly token: string;
  /** Named `first` and `second`; routes: `small` over both, `alone` over the first. */
  readonly first: { readonly row: ProviderRow; readonly upstream: Upstream };
  readonly second: { readonly row: ProviderRow; readonly upstream: Upstream };
  /** Replaces a provider's row for the test that asks; the next test has the old one again. */
  readonly change: (row: ProviderRow) => Promise<void>;
  /** Attempts of a request, in order; waits until it is over. */
  readonly attemptsOf: (requestId: string | null) => Promise<AttemptTold[]>;
};

/** Clocks that tests wait for; the idle one must outlast the pauses of a busy machine. */
export const SHORT_MS = 250;

export async function twoProvidersForFile(): Promise<TwoProviders> {
  const tollgate = await startTestGateway();
  const spare = await startUpstream({ keepBodies: true });
  const tenantId = (await tollgate.addTenant()).id;
  const { token } = await tollgate.addToken(tenantId);
  const timeoutsMs = {
    connect: 1_000,
    first_byte: SHORT_MS,
    first_token: 60_000,
    idle: SHORT_MS,
    total: 60_000,
  };
  const rows = [
    await tollgate.addProvider({ name: "first", timeoutsMs }),
    await tollgate.addProvider({ name: "second", baseUrl: `${spare.url}/v1` }),
  ] as const;
  const targets = rows.map(({ id }, priority) => ({
    providerId: id,
    model: priority === 0 ? "sim-small" : "sim-large",
    weight: 1,
    priority,
  }));
  await tollgate.addRoute("small", targets);
  await tollgate.addRoute("alone", targets.slice(0, 1));
  const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
  await tollgate.addBudget({ ...scope, amountNanoUsd: 1_000_000_000_000 });
  await tollgate.addLimit({ ...scope, requestsPerMinute: 100_000, maxConcurrent: 1_000 });
  const { directory, lifecycle } = tollgate.gateway;
  const change = (row: ProviderRow): Promise<void> => directory.changed("providers", row.id, row);

  beforeEach(async () => {
    for (const upstream of [tollgate.upstream, spare]) {
      upstream.reset();
      upstream.script("");
    }
    // Fresh actors: the failures of one test say nothing about the next.
    for (const row of rows) await freshProvider(tollgate, row);
  });
  afterAll(async () => {
    await until(() => lifecycle.inFlightCount() === 0);
    const [budget] = await directory.budgetStates(tenantId);
    const [limit] = await directory.limitStates(tenantId);
    expect([budget?.heldNanoUsd, limit?.inFlight]).toEqual([0, 0]);
    await tollgate.stop();
    await spare.stop();
  });
  return {
    tollgate,
    tenantId,
    token,
    first: { row: rows[0], upstream: tollgate.upstream },
    second: { row: rows[1], upstream: spare },
    change,
    attemptsOf: async (requestId) => {
      await until(() => lifecycle.inFlightCount() === 0);
      await tollgate.store.flush();
      const detail = await tollgate.store.requestDetail(requestId ?? "");
      return (detail?.attempts ?? []).flatMap(({ attempt: { model }, postings }) =>
        postings.map(({ kind, outcome, status, estimated, amountNanoUsd }) => {
          return { model, kind, outcome, status, estimated, isFree: amountNanoUsd === 0 };
        }),
      );
    },
  };
}
