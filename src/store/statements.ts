/**
 * Prepared inserts for the tables that are written all the time. The text comes from the schema,
 * so it cannot drift from it; the query builder itself would take a third of the time of a write.
 */
import type { Changes, Database } from "bun:sqlite";
import { getTableColumns, getTableName, type InferInsertModel } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

/** What bun:sqlite binds. */
type Bound = string | number | boolean | null | Uint8Array;

/**
 * Compiles `insert into table` once. Members that a row lacks become null. With `conflict`
 * "ignore" a row that exists already is left as it is.
 */
export function prepareInsert<T extends SQLiteTable>(
  sqlite: Database,
  table: T,
  conflict: "fail" | "ignore" = "fail",
): (row: InferInsertModel<T>) => Changes {
  const columns = Object.entries(getTableColumns(table));
  const names = columns.map(([, column]) => `"${column.name}"`).join(", ");
  const marks = columns.map(() => "?").join(", ");
  const verb = conflict === "ignore" ? "insert or ignore into" : "insert into";
  const statement = sqlite.prepare<unknown, Bound[]>(
    `${verb} "${getTableName(table)}" (${names}) values (${marks})`,
  );
  const members = columns.map(([member, column]) => ({
    member,
    isJson: column.dataType === "json",
  }));
  return (row) => {
    const record = row as Readonly<Record<string, Bound>>;
    const values: Bound[] = [];
    for (const { member, isJson } of members) {
      const value = record[member] ?? null;
      values.push(isJson && value !== null ? JSON.stringify(value) : value);
    }
    return statement.run(...values);
  };
}
