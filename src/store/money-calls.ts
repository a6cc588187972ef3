/**
 * What is kept beside the ledger: alerts that fired, models without a price, sizes that were learned.
 * Each write is a commit of its own and none of it is money.
 */
import { type AnyColumn, and, asc, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import { alerts, learned, unpricedModels } from "../../drizzle/schema.ts";
import type { AlertRow } from "./money-contract.ts";
import { pageOf } from "./cursor.ts";
import type { Connection } from "./database.ts";
import { postedIn } from "./owner-state.ts";
import type { Calls, PageFrom } from "./protocol.ts";

type MoneyCalls = Pick<
  Calls,
  | "windowSums"
  | "recordAlert"
  | "alertPage"
  | "countUnpriced"
  | "unpricedModels"
  | "saveLearned"
  | "learned"
>;

/** Models that a page of an operator's can show; clients may ask for any number of names. */
const UNPRICED_SHOWN_MAX = 1_000;

export function moneyCalls(connection: Connection): MoneyCalls {
  const { orm, sqlite } = connection;
  return {
    windowSums: (windows) => windows.map((window) => postedIn(orm, window)),
    recordAlert: (alert) =>
      orm.insert(alerts).values(alert).onConflictDoNothing().returning({ seq: alerts.seq }).all()
        .length > 0,
    alertPage: ({ budgetId }, query) => alertPage(connection, budgetId ?? null, query),
    countUnpriced: (count) => {
      const { requests, surfaces, lastSeenAtMs } = count;
      orm
        .insert(unpricedModels)
        .values({ ...count, firstSeenAtMs: lastSeenAtMs })
        .onConflictDoUpdate({
          target: [unpricedModels.providerId, unpricedModels.model],
          set: {
            requests: sql`${unpricedModels.requests} + ${requests}`,
            surfaces: bothLists(unpricedModels.surfaces, surfaces),
            lastSeenAtMs: sql`max(${unpricedModels.lastSeenAtMs}, ${lastSeenAtMs})`,
          },
        })
        .run();
      return null;
    },
    unpricedModels: () =>
      orm
        .select()
        .from(unpricedModels)
        .orderBy(desc(unpricedModels.lastSeenAtMs), asc(unpricedModels.model))
        .limit(UNPRICED_SHOWN_MAX)
        .all(),
    saveLearned: (rows) => {
      const save = (): void => {
        for (const row of rows) {
          const { state, updatedAtMs } = row;
          orm
            .insert(learned)
            .values(row)
            .onConflictDoUpdate({
              target: [learned.kind, learned.ownerId, learned.model],
              set: { state, updatedAtMs },
            })
            .run();
        }
      };
      sqlite.transaction(save).immediate();
      return null;
    },
    learned: () => orm.select().from(learned).all(),
  };
}

/** What is in a column's list, and in `more`, each once. */
function bothLists(column: AnyColumn, more: readonly string[]): SQL {
  const added = sql`select value from json_each(${JSON.stringify(more)})`;
  const all = sql`select value from json_each(${column}) union ${added} order by value`;
  return sql`(select json_group_array(value) from (${all}))`;
}

function alertPage({ orm }: Connection, budgetId: string | null, query: PageFrom) {
  const found: AlertRow[] = orm
    .select()
    .from(alerts)
    .where(
      and(
        budgetId === null ? undefined : eq(alerts.budgetId, budgetId),
        query.beyondId === null ? undefined : lt(alerts.seq, Number(query.beyondId)),
      ),
    )
    .orderBy(desc(alerts.seq))
    .limit(query.limit + 1)
    .all();
  const { rows, nextCursor } = pageOf(
    found.map((row) => ({ id: String(row.seq), row })),
    query.limit,
  );
  return { rows: rows.map(({ row }) => row), nextCursor };
}
