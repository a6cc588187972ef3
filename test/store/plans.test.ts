/**
 * What is asked of a ledger of ten million rows walks indexes: the statements that the store runs are
 * caught as they are run and explained. No statement may walk a table that grows for ever.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { Owner } from "../../src/base/scope.ts";
import { Differences } from "../../src/store/differences.ts";
import { jobCalls } from "../../src/store/job-calls.ts";
import { moneyCalls } from "../../src/store/money-calls.ts";
import { ownerState } from "../../src/store/owner-state.ts";
import { positionOf } from "../../src/store/position.ts";
import { recover } from "../../src/store/recovery.ts";
import { requestDetail, requestPage } from "../../src/store/request-queries.ts";
import { usage } from "../../src/store/usage.ts";
import { RecomputedSums } from "../../src/store/verify-sums.ts";
import { holdRecord, NOW_MS, postingRecord, requestRecord } from "./support/records.ts";
import { tempStore } from "./support/temp-store.ts";

const GROWING = ["attempts", "postings", "requests", "spend", "usage_days"];
const WINDOW = { budgetId: "b", startMs: 0, endMs: null } as const;
const OWNERS: readonly Owner[] = [
  { type: "tenant", tenantId: "ten_1" },
  { type: "end_user", tenantId: "ten_1", endUserId: "u" },
  { type: "everyone" },
];

/** Steps of a plan that walk a growing table from end to end; in the order of its rows is a page. */
function walks(database: Database, query: string, parameters: readonly unknown[]): string[] {
  const steps = database
    .query<{ detail: string }, never[]>(`explain query plan ${query}`)
    .all(...(parameters as never[]));
  const isPage = query.includes("limit ?");
  return steps
    .map(({ detail }) => detail)
    .filter((detail) => GROWING.some((table) => detail.startsWith(`SCAN ${table}`)) && !isPage);
}

test("no read of the ledger, and no start, walks a table that grows", async () => {
  await using temp = await tempStore();
  const hold = holdRecord();
  await temp.store.ledger.hold(hold);
  temp.store.ledger.post(postingRecord(hold.attemptId));
  await temp.store.ledger.hold(holdRecord());
  temp.store.requestLog.record(requestRecord({ id: hold.requestId }));
  await temp.store.close();

  using sqlite = new Database(temp.file);
  const caught: { query: string; parameters: unknown[] }[] = [];
  const logQuery = (query: string, parameters: unknown[]): void =>
    void caught.push({ query, parameters });
  const orm = drizzle({ client: sqlite, logger: { logQuery } });
  const connection = { file: temp.file, sqlite, orm };
  const page = { limit: 10, beyondId: null };

  for (const owner of OWNERS) {
    ownerState(orm, owner, [{ ...WINDOW, scope: { type: "global", id: "*" } }]);
  }
  for (const filter of [{}, { tenantId: "ten_1" }, { tokenId: "tok_1" }, { status: 200 }]) {
    expect([...requestPage(orm, filter, page)]).toEqual([]);
  }
  requestDetail(orm, hold.requestId);
  expect([...usage(orm, { fromMs: 0, toMs: 2 * NOW_MS, groupBy: ["day"] })]).toEqual([undefined]);
  expect([
    ...usage(orm, { fromMs: 0, toMs: 2 * NOW_MS, groupBy: ["token"], tenantId: "ten_1" }),
  ]).toEqual([undefined]);
  const calls = moneyCalls(connection);
  calls.windowSums([{ ...WINDOW, scope: { type: "end_user", id: "ten_1/u" } }]);
  calls.alertPage({ budgetId: "bud_1" }, page);
  const jobs = jobCalls(connection);
  expect(jobs.knownJobs()).toEqual([]);
  jobs.endJob(hold.attemptId);
  expect(recover(connection, NOW_MS).expired).toBe(1);
  expect(caught.length).toBeGreaterThan(15);
  expect(
    caught.flatMap(({ query, parameters }) =>
      walks(sqlite, query, parameters).map((step) => `${step}: ${query}`),
    ),
  ).toEqual([]);
});

test("a walk over a growing table is noticed", async () => {
  await using temp = await tempStore();
  using sqlite = new Database(temp.file);
  expect(walks(sqlite, "select * from attempts where model = ?", ["m"])).toEqual(["SCAN attempts"]);
  // How far the ledger has come is told at every start.
  expect(positionOf(sqlite).attempts.seq).toBe(0);
});

test("a verification finds each sum by its key", async () => {
  await using temp = await tempStore();
  using sqlite = new Database(temp.file, { readonly: true });
  const prepare = sqlite.prepare.bind(sqlite);
  const asked: string[] = [];
  Object.assign(sqlite, {
    prepare: (query: string) => {
      asked.push(query);
      return prepare(query);
    },
  });
  new RecomputedSums(sqlite).compare(new Differences());
  const joins = asked.filter((query) => query.includes("left join"));
  const inner = joins.map((query) =>
    sqlite
      .query<{ detail: string }, []>(`explain query plan ${query}`)
      .all()
      .at(-1)
      ?.detail.replace(/ USING.*\(/, " by (")
      .replace(" LEFT-JOIN", ""),
  );
  const spend = "(slot_start_ms=? AND scope_type=? AND scope_id=?)";
  const usageKey =
    "(day_start_ms=? AND tenant_id=? AND project_id=? AND token_id=? AND provider_id=? AND model=?)";
  expect(inner).toEqual([
    `SEARCH r by ${spend}`,
    "SEARCH s by (scope_type=? AND scope_id=? AND slot_start_ms=?)",
    `SEARCH r by ${usageKey}`,
    `SEARCH s by ${usageKey}`,
    "SEARCH r by (id=?)",
    "SEARCH s by (id=?)",
  ]);
});
