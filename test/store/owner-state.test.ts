/** What owners are built from is exact as of its place among holds and postings, for every kind of owner. */
import { expect, test } from "bun:test";
import { scopesOf, type AttemptScopes, type Owner } from "../../src/base/scope.ts";
import type { HoldRecord, OwnerLedgerState, Store, WindowSum } from "../../src/store/contract.ts";
import { attemptScopes, holdRecord, NOW_MS, postingRecord } from "./support/records.ts";
import { seededDraw, type Draw } from "./support/tamper.ts";
import { tempStore } from "./support/temp-store.ts";

const SLOT_MS = 15 * 60_000;
const FIRST_SLOT_MS = Math.floor(NOW_MS / SLOT_MS) * SLOT_MS;

const OWNERS: readonly Owner[] = [
  { type: "tenant", tenantId: "ten_1" },
  { type: "tenant", tenantId: "ten_2" },
  { type: "end_user", tenantId: "ten_1", endUserId: "ann" },
  { type: "end_user", tenantId: "ten_2", endUserId: "ann" },
  { type: "end_user", tenantId: "ten_1", endUserId: "nobody" },
  { type: "everyone" },
];

const WINDOWS: readonly WindowSum[] = [
  { type: "tenant", id: "ten_1" } as const,
  { type: "tenant", id: "ten_2" } as const,
  { type: "end_user", id: "ten_1/ann" } as const,
  { type: "end_user", id: "ten_2/ann" } as const,
  { type: "end_user", id: "ten_1/nobody" } as const,
  { type: "token", id: "tok_1" } as const,
  { type: "project", id: "prj_1" } as const,
  { type: "route", id: "rte_1" } as const,
  { type: "provider", id: "prv_1" } as const,
  { type: "global", id: "*" } as const,
].flatMap((scope) => [
  { budgetId: `${scope.id} ever`, scope, startMs: 0, endMs: null },
  {
    budgetId: `${scope.id} two slots`,
    scope,
    startMs: FIRST_SLOT_MS + SLOT_MS,
    endMs: FIRST_SLOT_MS + 3 * SLOT_MS,
  },
]);

/** The ledger as a plain list, summed by looking at all of it. */
class Plain {
  readonly held: HoldRecord[] = [];
  readonly posted = new Map<string, number>();

  in({ scope, startMs, endMs }: WindowSum): number {
    return this.#of(scope).reduce((sum, hold) => {
      const slotMs = Math.floor(hold.heldAtMs / SLOT_MS) * SLOT_MS;
      const isIn = slotMs >= startMs && (endMs === null || slotMs < endMs);
      return sum + (isIn ? (this.posted.get(hold.attemptId) ?? 0) : 0);
    }, 0);
  }

  open(owner: Owner): string[] {
    const isOwners = ({ tenantId, endUserId }: AttemptScopes): boolean => {
      if (owner.type === "everyone") return true;
      if (owner.type === "tenant") return tenantId === owner.tenantId;
      return tenantId === owner.tenantId && endUserId === owner.endUserId;
    };
    return this.held
      .filter(({ attemptId, scopes }) => !this.posted.has(attemptId) && isOwners(scopes))
      .map(({ attemptId }) => attemptId);
  }

  reachesMs(): number | null {
    const slots = this.held
      .filter(({ attemptId }) => (this.posted.get(attemptId) ?? 0) > 0)
      .map(({ heldAtMs }) => Math.floor(heldAtMs / SLOT_MS) * SLOT_MS);
    return slots.length === 0 ? null : Math.max(...slots);
  }

  #of(scope: WindowSum["scope"]): HoldRecord[] {
    return this.held.filter(({ scopes }) =>
      scopesOf(scopes).some(({ type, id }) => type === scope.type && id === scope.id),
    );
  }
}

function anyHold(draw: Draw): HoldRecord {
  return holdRecord({
    heldAtMs: FIRST_SLOT_MS + draw(4 * SLOT_MS),
    heldNanoUsd: draw(9_000),
    scopes: attemptScopes({
      tenantId: `ten_${1 + draw(2)}`,
      tokenId: `tok_${draw(3)}`,
      projectId: draw(2) === 0 ? null : "prj_1",
      endUserId: [null, "ann", "bob"][draw(3)] ?? null,
      routeId: draw(2) === 0 ? null : "rte_1",
      providerId: `prv_${draw(2)}`,
    }),
  });
}

/** What an answer says, brought to the form in which it can be expected. */
function said(state: OwnerLedgerState): readonly unknown[] {
  const { postedNanoUsd, openHolds, reachesMs } = state;
  return [postedNanoUsd, openHolds.map(({ attemptId }) => attemptId), reachesMs];
}

/** Takes holds and postings without waiting, and asks in the middle of them; gives what differed. */
async function askWhileTrading(store: Store, draw: Draw): Promise<readonly unknown[]> {
  const plain = new Plain();
  const wrong: unknown[] = [];
  const answers: Promise<void>[] = [];
  const compare = async (answer: Promise<unknown>, expected: unknown): Promise<void> => {
    const value = await answer;
    if (!Bun.deepEquals(value, expected)) wrong.push({ value, expected });
  };
  const ask = (answer: Promise<unknown>, expected: unknown): void => {
    answers.push(compare(answer, expected));
  };
  for (let step = 0; step < 400; step += 1) {
    const kind = draw(8);
    if (kind < 3) {
      const hold = anyHold(draw);
      plain.held.push(hold);
      answers.push(store.ledger.hold(hold));
    } else if (kind < 6) {
      const open = plain.open({ type: "everyone" });
      const attemptId = open[draw(Math.max(1, open.length))];
      if (attemptId === undefined) continue;
      const amountNanoUsd = draw(4) === 0 ? 0 : draw(9_000);
      plain.posted.set(attemptId, amountNanoUsd);
      store.ledger.post(postingRecord(attemptId, { amountNanoUsd }));
    } else if (kind === 6) {
      const owner = OWNERS[draw(OWNERS.length)] ?? { type: "everyone" };
      const sums = Object.fromEntries(WINDOWS.map((one) => [one.budgetId, plain.in(one)]));
      const expected = [sums, plain.open(owner), plain.reachesMs()];
      ask(store.ownerState(owner, WINDOWS).then(said), expected);
    } else {
      ask(
        store.windowSums(WINDOWS),
        WINDOWS.map((one) => plain.in(one)),
      );
    }
    // Now and then batches leave, so that questions meet some that are under way.
    if (draw(20) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(answers);
  expect(answers.length).toBeGreaterThan(150);
  return wrong;
}

test.each([1, 2, 3])(
  "every answer is as of the moment it was asked for (%i)",
  async (seed) => {
    await using temp = await tempStore();
    expect(await askWhileTrading(temp.store, seededDraw(seed))).toEqual([]);
  },
  30_000,
);

test("open holds come with all their scopes", async () => {
  await using temp = await tempStore();
  const scopes = { tenantId: "ten_1", tokenId: "tok_1", projectId: "prj_1", endUserId: "ann" };
  const hold = holdRecord({ scopes: { ...scopes, routeId: "rte_1", providerId: "prv_1" } });
  await temp.store.ledger.hold(hold);
  const { attemptId, requestId, heldNanoUsd, heldAtMs } = hold;
  for (const owner of [OWNERS[0], OWNERS[2], OWNERS[5]]) {
    const state = await temp.store.ownerState(owner ?? { type: "everyone" }, []);
    expect(state).toEqual({
      postedNanoUsd: {},
      openHolds: [{ attemptId, requestId, scopes: hold.scopes, heldNanoUsd, heldAtMs }],
      reachesMs: null,
      requestCounts: {},
    });
  }
});
