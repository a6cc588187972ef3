/** Usage by every grouping, read while exchanges go on. */
import { expect, test } from "bun:test";
import type { Store } from "../../src/store/contract.ts";
import type { UsageRow } from "../../src/store/history-contract.ts";
import { attemptScopes, holdRecord, NOW_MS, postingRecord } from "./support/records.ts";
import { tempStore } from "./support/temp-store.ts";

const DAY_MS = 24 * 60 * 60_000;
const DAY_START_MS = Math.floor(NOW_MS / DAY_MS) * DAY_MS;
const ALL = { fromMs: 0, toMs: NOW_MS + 100 * DAY_MS };

/** Three exchanges: two of one token on two days, one of another tenant with another model. */
async function threeExchanges(store: Store): Promise<void> {
  const scopes = attemptScopes({ tokenId: "tok_1", projectId: "prj_1", tenantId: "ten_1" });
  const others = attemptScopes({
    tokenId: "tok_2",
    tenantId: "ten_2",
    providerId: "prv_2",
  });
  const holds = [
    holdRecord({ scopes }),
    holdRecord({ scopes, heldAtMs: NOW_MS + DAY_MS }),
    holdRecord({ scopes: others, model: "llama 3" }),
  ];
  await Promise.all(holds.map((hold) => store.ledger.hold(hold)));
  for (const hold of holds) store.ledger.post(postingRecord(hold.attemptId));
}

function times(count: number): Omit<UsageRow, "group"> {
  return {
    requests: count,
    attempts: count,
    inputTokens: 100 * count,
    outputTokens: 20 * count,
    cachedInputTokens: 10 * count,
    reasoningTokens: 5 * count,
    costNanoUsd: 3_000 * count,
  };
}

test("usage is summed by one grouping, by several, and over all", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  await threeExchanges(store);
  expect([
    await store.usage({ ...ALL, groupBy: ["tenant"] }),
    await store.usage({ ...ALL, groupBy: ["project"] }),
    await store.usage({ ...ALL, groupBy: ["day", "model"] }),
    await store.usage({ ...ALL, groupBy: ["provider", "token"] }),
    await store.usage({ ...ALL, groupBy: [] }),
  ]).toEqual([
    [
      { group: { tenant: "ten_1" }, ...times(2) },
      { group: { tenant: "ten_2" }, ...times(1) },
    ],
    [
      { group: { project: "" }, ...times(1) },
      { group: { project: "prj_1" }, ...times(2) },
    ],
    [
      { group: { day: "2026-05-20", model: "gpt-4o-mini" }, ...times(1) },
      { group: { day: "2026-05-20", model: "llama 3" }, ...times(1) },
      { group: { day: "2026-05-21", model: "gpt-4o-mini" }, ...times(1) },
    ],
    [
      { group: { provider: "prv_1", token: "tok_1" }, ...times(2) },
      { group: { provider: "prv_2", token: "tok_2" }, ...times(1) },
    ],
    [{ group: {}, ...times(3) }],
  ]);
});

test("usage is of the days that the span touches, and of the asked scope", async () => {
  await using temp = await tempStore();
  const { store } = temp;
  await threeExchanges(store);
  const groupBy = ["day"] as const;
  expect([
    await store.usage({ groupBy, fromMs: NOW_MS + 1, toMs: DAY_START_MS + DAY_MS }),
    await store.usage({ groupBy, fromMs: DAY_START_MS + DAY_MS, toMs: DAY_START_MS + DAY_MS + 1 }),
    await store.usage({ ...ALL, groupBy, tenantId: "ten_1", projectId: "prj_1" }),
    await store.usage({ ...ALL, groupBy, tokenId: "tok_2" }),
    await store.usage({ ...ALL, groupBy, tenantId: "ten_9" }),
    await store.usage({ ...ALL, groupBy: [], tenantId: "ten_9" }),
  ]).toEqual([
    [{ group: { day: "2026-05-20" }, ...times(2) }],
    [{ group: { day: "2026-05-21" }, ...times(1) }],
    [
      { group: { day: "2026-05-20" }, ...times(1) },
      { group: { day: "2026-05-21" }, ...times(1) },
    ],
    [{ group: { day: "2026-05-20" }, ...times(1) }],
    [],
    [{ group: {}, ...times(0) }],
  ]);
});
