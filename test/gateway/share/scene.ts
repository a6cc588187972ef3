/** A gateway with a tenant under every kind of rule, for tests of answers that more than one client gets. */
import { expect } from "bun:test";
import type { RequestDetail } from "../../../src/store/history-contract.ts";
import type { ProviderRow, RouteRow, TokenRow } from "../../../src/store/contract.ts";
import { chat, type ChatOptions, type ChatReply } from "../../support/chat.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { until } from "../../support/until.ts";

/** Every token costs this, read or written. */
const TOKEN_NANO_USD = 1_000;

export type Person = {
  readonly tenantId: string;
  readonly row: TokenRow;
  readonly token: string;
};

export type Scene = {
  readonly tollgate: TestGateway;
  readonly ann: Person;
  /** Of the same tenant, with an access token of her own. */
  readonly eve: Person;
  /** Of another tenant. */
  readonly bob: Person;
  readonly provider: ProviderRow;
  readonly ask: (options: Partial<ChatOptions> & { readonly from?: Person }) => Promise<ChatReply>;
  readonly rowOf: (reply: { readonly headers: Headers }) => Promise<RequestDetail>;
  /** Nothing runs, nothing is held, no slot is taken, nothing is recorded but for what is kept. */
  readonly expectRest: (kept?: number) => Promise<void>;
};

export async function startScene(
  terms: RouteRow["terms"] = {},
  tollgate?: TestGateway,
): Promise<Scene> {
  const here = tollgate ?? (await startTestGateway());
  const provider = await here.addProvider();
  const { id: providerId } = provider;
  const inputPicoUsd = TOKEN_NANO_USD * 1_000;
  for (const [route, model] of [
    ["small", "sim-small"],
    ["embed", "sim-embed"],
  ] as const) {
    await here.addPrice(providerId, model, { inputPicoUsd });
    await here.addRoute(route, [{ providerId, model, weight: 1, priority: 0 }], { terms });
  }
  const first = (await here.addTenant()).id;
  const second = (await here.addTenant({ name: "other" })).id;
  for (const tenantId of [first, second]) {
    const scope = { scopeType: "tenant", scopeId: tenantId, tenantId } as const;
    await here.addBudget({ ...scope, amountNanoUsd: 100_000_000_000_000 });
    await here.addLimit({ ...scope, maxConcurrent: 1_000, requestsPerMinute: 100_000 });
  }
  const person = async (tenantId: string): Promise<Person> => ({
    tenantId,
    ...(await here.addToken(tenantId)),
  });
  const ann = await person(first);
  const expectRest = async (kept = 0): Promise<void> => {
    const { directory, lifecycle, sharing, watchdog } = here.gateway;
    await until(() => lifecycle.inFlightCount() === 0);
    await until(() => sharing.recordings.count === kept);
    for (const tenantId of [first, second]) {
      const [budget] = await directory.budgetStates(tenantId);
      const [limit] = await directory.limitStates(tenantId);
      expect([budget?.heldNanoUsd, limit?.inFlight]).toEqual([0, 0]);
    }
    expect([watchdog.armedCount(), sharing.keys.running.size]).toEqual([0, 0]);
    if (kept === 0) expect(sharing.recordings.bytes).toBe(0);
  };
  return {
    tollgate: here,
    ann,
    eve: await person(first),
    bob: await person(second),
    provider,
    ask: ({ from = ann, ...options }) => chat(here.url, { token: from.token, ...options }),
    rowOf: async ({ headers }) => {
      const id = headers.get("x-request-id") ?? "";
      let detail: RequestDetail | null = null;
      await until(async () => {
        detail = await here.store.requestDetail(id);
        return detail?.request !== null && detail !== null;
      });
      if (detail === null) throw new Error(`there is no row of ${id}`);
      return detail;
    },
    expectRest,
  };
}

export function idOf({ headers }: { readonly headers: Headers }): string {
  return headers.get("x-request-id") ?? "";
}
