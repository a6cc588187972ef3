/** Which owners' actors an edit builds anew, and what the new ones know of exchanges under way. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { newId } from "../../src/base/ids.ts";
import { systemRandom } from "../../src/base/random.ts";
import { ownerKey, type Owner } from "../../src/base/scope.ts";
import type { BudgetRow } from "../../src/store/contract.ts";
import { askOwners } from "../../src/gateway/ask-owners.ts";
import { chat } from "../support/chat.ts";
import { startTestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());
const { clock, directory, lifecycle } = tollgate.gateway;
const provider = await tollgate.addProvider();
await tollgate.addPrice(provider.id, "sim-small");
const route = await tollgate.addRoute("small", [
  { providerId: provider.id, model: "sim-small", weight: 1, priority: 0 },
]);
const shared = await tollgate.addBudget({ scopeType: "global", scopeId: "*", tenantId: null });
const amountNanoUsd = 1_000_000_000;

let first: string;
let second: string;
let token: string;
let own: BudgetRow;
let each: BudgetRow;

beforeEach(async () => {
  [first, second] = [await addTenant(), await addTenant()];
  ({ token } = await tollgate.addToken(first));
  const place = { scopeType: "tenant", scopeId: first, tenantId: first } as const;
  own = await tollgate.addBudget({ ...place, amountNanoUsd });
  const users = { scopeType: "end_user", scopeId: "*", tenantId: first } as const;
  each = await tollgate.addBudget({ ...users, amountNanoUsd });
});

async function addTenant(): Promise<string> {
  return (await tollgate.addTenant()).id;
}

/** So many requests of end users a and b that take their time, so that nobody is at rest. */
async function busy(): Promise<() => Promise<void>> {
  tollgate.upstream.reset();
  const script = "tokens=1&headers_delay_ms=300";
  const asked = ["a", "b"].map((user) => chat(tollgate.url, { token, body: { user }, script }));
  await tollgate.upstream.until(({ inFlight }) => inFlight === 2);
  await directory.limitStates(second);
  return async () => {
    await Promise.all(asked);
    await until(() => lifecycle.inFlightCount() === 0);
  };
}

/** Keys of the owners whose actor is another one after `edit`. */
async function rebuiltBy(edit: () => Promise<unknown>): Promise<string[]> {
  const rest = await busy();
  const before = new Map([...directory.owners.loaded()].map(([owner, handle]) => [handle, owner]));
  await edit();
  const after = [...directory.owners.loaded()].filter(([, handle]) => !before.has(handle));
  await rest();
  return after.map(([owner]) => nameOf(owner)).toSorted();
}

function nameOf(owner: Owner): string {
  return ownerKey(owner).replace(first, "first").replace(second, "second");
}

const rewritten = (budget: BudgetRow) => directory.changed("budgets", budget.id, { ...budget });

/** A top-up of a budget, or of one end user's account of it. */
function credit(budget: BudgetRow, endUserId: string | null) {
  return tollgate.put("credits", {
    id: newId("credit", systemRandom),
    budgetId: budget.id,
    kind: "top_up",
    amountNanoUsd: 1,
    endUserId,
    startsAtMs: clock.nowMs(),
    expiresAtMs: null,
    note: null,
    version: 1,
    createdAtMs: clock.nowMs(),
  });
}

test("an edit builds the actors anew that it bears on, and no others", async () => {
  const place = { scopeType: "tenant", scopeId: second, tenantId: second } as const;
  const edits: readonly (readonly [() => Promise<unknown>, string[]])[] = [
    [() => rewritten(own), ["first"]],
    [() => tollgate.addLimit({ ...place, maxConcurrent: 5 }), ["second"]],
    [() => rewritten(each), ["first/a", "first/b"]],
    [() => rewritten(shared), ["*"]],
    [() => credit(own, null), ["first"]],
    [() => credit(each, "a"), ["first/a"]],
    [() => credit(shared, null), ["*"]],
    [() => directory.changed("routes", route.id, { ...route }), []],
    [() => directory.changed("providers", provider.id, { ...provider }), []],
  ];
  for (const [edit, expected] of edits) expect(await rebuiltBy(edit)).toEqual(expected);
});

test("an exchange that is undone after its owners were built anew holds nothing in any of them", async () => {
  const scopes = {
    tokenId: "tok_1",
    projectId: null,
    tenantId: first,
    endUserId: "u",
    routeId: null,
    providerId: provider.id,
  };
  const [attemptId, exchangeId] = [newId("attempt", systemRandom), newId("request", systemRandom)];
  const { owners } = directory;
  await owners.allReady(scopes);
  const ready = owners.allReady(scopes);
  const asked = ready instanceof Promise ? expect.unreachable() : ready;
  const atMs = clock.nowMs();
  const option = { nanoUsd: 1_000, outputTokensCap: null };
  const ask = { exchangeId, attemptId, scopes, tokens: 1, options: [option], atMs };
  expect(askOwners(asked, ask).allowed).toBe(true);
  const hold = { attemptId, exchangeId, scopes, heldNanoUsd: 1_000, heldAtMs: atMs };
  owners.noteAdmitted({ exchangeId, scopes, tokens: 1 }, hold);

  await Promise.all([own, each, shared].map((budget) => rewritten(budget)));
  const held = async () => {
    const states = [own, each, shared].map((budget) => directory.budgetState(budget, "u"));
    return (await Promise.all(states)).map((state) => state?.heldNanoUsd);
  };
  expect(await held()).toEqual([1_000, 1_000, 1_000]);
  owners.tell(scopes, { type: "exchange.undo", exchangeId, atMs });
  expect(await held()).toEqual([0, 0, 0]);
});
