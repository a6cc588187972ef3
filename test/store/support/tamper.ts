/**
 * Changes a ledger's file as somebody would who has a database program and no scruples: any column,
 * rows taken out, put in, exchanged, each by chance. What the schema refuses is drawn again.
 */
import { Database } from "bun:sqlite";
import type { SQLQueryBindings } from "bun:sqlite";

export type Draw = (below: number) => number;
type Row = Record<string, SQLQueryBindings>;

/** The same numbers for the same seed. */
export function seededDraw(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Tables with the columns whose values money depends on. */
const TABLES: readonly (readonly [table: string, columns: readonly string[] | "all"])[] = [
  ["attempts", "all"],
  ["postings", "all"],
  ["open_attempts", "all"],
  ["spend", "all"],
  ["usage_days", "all"],
  ["price_versions", "all"],
  ["tokens", ["request_count"]],
];

/** Changes the file once; says what it did. */
export function tamper(file: string, draw: Draw): string {
  const database = new Database(file);
  database.exec("pragma foreign_keys = off");
  try {
    for (;;) {
      const kind = pick(KINDS, draw);
      try {
        const done = database.transaction(() => kind(database, draw)).immediate();
        if (done !== null) return done;
      } catch (error) {
        // The schema itself refuses some of them: a second terminal posting, a word as a row's number.
        if (!/constraint failed|datatype mismatch/.test(String(error))) throw error;
      }
    }
  } finally {
    database.close();
  }
}

type Tampering = (database: Database, draw: Draw) => string | null;

const changeColumn: Tampering = (database, draw) => {
  const [table, columns] = pick(TABLES, draw);
  const row = anyRow(database, table, draw);
  if (row === null) return null;
  const names = columns === "all" ? Object.keys(row) : columns;
  const column = pick(names, draw);
  const value = otherValue(row[column] ?? null, draw);
  database
    .prepare<unknown, SQLQueryBindings[]>(`update ${table} set ${column} = ? where ${same(row)}`)
    .run(value, ...Object.values(row));
  return `${table}.${column}: ${shown(row[column])} → ${shown(value)}`;
};

const takeFromAnotherRow: Tampering = (database, draw) => {
  const [table, columns] = pick(TABLES, draw);
  const [row, other] = [anyRow(database, table, draw), anyRow(database, table, draw)];
  if (row === null || other === null) return null;
  const names = columns === "all" ? Object.keys(row) : columns;
  const column = pick(names, draw);
  const [mine, theirs] = [row[column] ?? null, other[column] ?? null];
  if (shown(mine) === shown(theirs)) return null;
  database
    .prepare<unknown, SQLQueryBindings[]>(`update ${table} set ${column} = ? where ${same(row)}`)
    .run(theirs, ...Object.values(row));
  return `${table}.${column}: ${shown(mine)} → ${shown(theirs)} of another row`;
};

const takeOut: Tampering = (database, draw) => {
  const [table] = pick(TABLES.slice(0, -1), draw);
  const row = anyRow(database, table, draw);
  if (row === null) return null;
  database
    .prepare<unknown, SQLQueryBindings[]>(`delete from ${table} where ${same(row)}`)
    .run(...Object.values(row));
  return `deleted from ${table}: ${JSON.stringify(row)}`;
};

const putIn: Tampering = (database, draw) => {
  // A price that nothing names changes nothing.
  const [table] = pick(TABLES.slice(0, -2), draw);
  const row = anyRow(database, table, draw);
  if (row === null) return null;
  const copy = { ...row };
  for (const name of Object.keys(copy)) {
    if (isKey(name)) copy[name] = otherValue(copy[name] ?? null, draw);
  }
  const names = Object.keys(copy);
  database
    .prepare<unknown, SQLQueryBindings[]>(
      `insert into ${table} (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`,
    )
    .run(...Object.values(copy));
  return `inserted into ${table}: ${JSON.stringify(copy)}`;
};

const exchange: Tampering = (database, draw) => {
  const table = pick(["attempts", "postings"] as const, draw);
  const [first, second] = [anyRow(database, table, draw), anyRow(database, table, draw)];
  const [one, two] = [first?.["seq"], second?.["seq"]];
  if (one === undefined || two === undefined || one === two) return null;
  const move = database.prepare<unknown, SQLQueryBindings[]>(
    `update ${table} set seq = ? where seq = ?`,
  );
  move.run(-1, one);
  move.run(one, two);
  move.run(two, -1);
  return `exchanged rows ${shown(one)} and ${shown(two)} of ${table}`;
};

const KINDS: readonly Tampering[] = [
  changeColumn,
  changeColumn,
  changeColumn,
  takeFromAnotherRow,
  takeOut,
  putIn,
  exchange,
];

/** Columns that a row which was put in needs values of its own for. */
function isKey(name: string): boolean {
  return ["id", "seq", "attempt_id", "attempt_seq", "scope_id", "token_id"].includes(name);
}

/** The condition that a row is this one: not every table numbers its rows. */
function same(row: Row): string {
  return Object.keys(row)
    .map((name) => `${name} is ?`)
    .join(" and ");
}

function anyRow(database: Database, table: string, draw: Draw): Row | null {
  const rows = database.query<Row, []>(`select * from ${table}`).all();
  return rows.length === 0 ? null : pick(rows, draw);
}

/** Another value, now and then one of another type. */
function otherValue(value: SQLQueryBindings, draw: Draw): SQLQueryBindings {
  if (value === null) return draw(2) === 0 ? 1 + draw(1_000) : "something";
  if (draw(8) === 0) return null;
  if (typeof value === "number") {
    return pick([value + 1 + draw(1_000), value - 1, -value - 1, value * 2 + 1, "many"], draw);
  }
  if (value instanceof Uint8Array) {
    const bytes = Uint8Array.from(value);
    const place = draw(bytes.length);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << draw(8));
    return bytes;
  }
  return pick([`${shown(value)}x`, `${shown(value)} `, shown(value).slice(1), "", 7], draw);
}

function pick<T>(values: readonly T[], draw: Draw): T {
  const value = values[draw(values.length)];
  if (value === undefined) throw new Error("nothing to draw from");
  return value;
}

function shown(value: SQLQueryBindings | undefined): string {
  return typeof value === "string" ? value : Bun.inspect(value);
}
