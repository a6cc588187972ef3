/**
 * Reads and writes the rows that operators configure, the same way for every noun. A write checks
 * and changes in one transaction, and what stands against it is an answer, not an exception.
 */
import { and, asc, eq, getTableColumns, gt, isNull, sql, type Column } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { credits, settings } from "../../drizzle/schema.ts";
import { assert } from "../base/assert.ts";
import type { Configuration, Noun, Page, WriteRefusal, Written } from "./contract.ts";
import { pageOf } from "./cursor.ts";
import type { Connection } from "./database.ts";
import { sqliteError } from "./failure.ts";
import { NOUN_TABLES } from "./nouns.ts";
import type { AnyRow, Calls, PageFrom, RowMembers } from "./protocol.ts";
import { checkReferences, checkUnused } from "./references.ts";

type ConfiguredCalls = Pick<
  Calls,
  "configuration" | "insert" | "get" | "page" | "update" | "remove" | "setting" | "setSetting"
>;

/** The calls about configured rows and settings; each write is a commit of its own. */
export function configuredCalls(connection: Connection): ConfiguredCalls {
  const { orm, sqlite } = connection;
  const get = (noun: Noun, id: string): AnyRow | null => {
    const found = orm
      .select()
      .from(tableOf(noun))
      .where(eq(column(noun, "id"), id))
      .get();
    return (found as AnyRow | undefined) ?? null;
  };
  const inTransaction = (write: () => Written<AnyRow>): Written<AnyRow> =>
    sqlite.transaction(write).immediate();

  return {
    configuration: () => configuration(connection),
    ...settingCalls(connection),
    get,
    page: (noun, where, query) => page(connection, noun, where, query),
    insert: (noun, row) =>
      inTransaction(() => {
        const refusal = checkReferences(orm, noun, row);
        if (refusal !== null) return refusal;
        return unlessConflict(() => {
          orm.insert(tableOf(noun)).values(row).run();
          return written(get(noun, row.id));
        });
      }),
    update: (noun, id, change, ifVersion) =>
      inTransaction(() => {
        const current = get(noun, id);
        if (current === null) return notFound(id);
        if (ifVersion !== null && ifVersion !== current.version) {
          return { ok: false, why: "stale", detail: `version is ${current.version}` };
        }
        // What is checked is the row as it would be: an edit may break a reference it does not name.
        const changed = { ...current, ...change };
        const refusal =
          checkReferences(orm, noun, changed) ?? checkStays(connection, noun, current, changed);
        if (refusal !== null) return refusal;
        return unlessConflict(() => {
          const version = sql`${column(noun, "version")} + 1`;
          const where = eq(column(noun, "id"), id);
          orm
            .update(tableOf(noun))
            .set({ ...change, version })
            .where(where)
            .run();
          return written(get(noun, id));
        });
      }),
    remove: (noun, id) =>
      inTransaction(() => {
        const current = get(noun, id);
        if (current === null) return notFound(id);
        const refusal = checkUnused(orm, noun, id);
        if (refusal !== null) return refusal;
        if (noun === "budgets") orm.delete(credits).where(eq(credits.budgetId, id)).run();
        orm
          .delete(tableOf(noun))
          .where(eq(column(noun, "id"), id))
          .run();
        return written(current);
      }),
  };
}

function settingCalls({ orm }: Connection): Pick<Calls, "setting" | "setSetting"> {
  return {
    setting: (name) =>
      orm.select().from(settings).where(eq(settings.name, name)).get()?.value ?? null,
    setSetting: (name, value) => {
      orm
        .insert(settings)
        .values({ name, value })
        .onConflictDoUpdate({ target: settings.name, set: { value } })
        .run();
      return null;
    },
  };
}

/** As any table, because the members of a noun are only known to those who call. */
function tableOf(noun: Noun): SQLiteTable {
  return NOUN_TABLES[noun];
}

function column(noun: Noun, member: string): Column {
  const found: Column | undefined = getTableColumns(tableOf(noun))[member];
  assert(found !== undefined, `${noun} have no member ${member}`);
  return found;
}

/** Everything at once, for the directory that is built at start. */
function configuration({ orm }: Connection): Configuration {
  const tables = NOUN_TABLES;
  return {
    tenants: orm.select().from(tables.tenants).orderBy(tables.tenants.id).all(),
    projects: orm.select().from(tables.projects).orderBy(tables.projects.id).all(),
    tokens: orm.select().from(tables.tokens).orderBy(tables.tokens.id).all(),
    providers: orm.select().from(tables.providers).orderBy(tables.providers.id).all(),
    routes: orm.select().from(tables.routes).orderBy(tables.routes.id).all(),
    prices: orm.select().from(tables.prices).orderBy(tables.prices.id).all(),
    budgets: orm.select().from(tables.budgets).orderBy(tables.budgets.id).all(),
    limits: orm.select().from(tables.limits).orderBy(tables.limits.id).all(),
    credits: orm.select().from(tables.credits).orderBy(tables.credits.id).all(),
  };
}

/** One row more than asked tells whether there is another page. */
function page({ orm }: Connection, noun: Noun, where: RowMembers, query: PageFrom): Page<AnyRow> {
  const conditions = Object.entries(where).map(([member, value]) =>
    value === null ? isNull(column(noun, member)) : eq(column(noun, member), value),
  );
  if (query.beyondId !== null) conditions.push(gt(column(noun, "id"), query.beyondId));
  const found = orm
    .select()
    .from(tableOf(noun))
    .where(and(...conditions))
    .orderBy(asc(column(noun, "id")))
    .limit(query.limit + 1)
    .all();
  return pageOf(found as AnyRow[], query.limit);
}

function tenantOf(row: AnyRow): string | null {
  return "tenantId" in row ? row.tenantId : null;
}

/** A row cannot move to another tenant while rows of its old one hang on it. */
function checkStays(
  { orm }: Connection,
  noun: Noun,
  current: AnyRow,
  changed: AnyRow,
): WriteRefusal | null {
  return tenantOf(current) === tenantOf(changed) ? null : checkUnused(orm, noun, current.id);
}

function notFound(id: string): WriteRefusal {
  return { ok: false, why: "not_found", detail: id };
}

function written(row: AnyRow | null): Written<AnyRow> {
  assert(row !== null, "a row that was just written is there");
  return { ok: true, row };
}

/** Turns a broken uniqueness into a refusal that names the members which have to be unique. */
function unlessConflict(write: () => Written<AnyRow>): Written<AnyRow> {
  try {
    return write();
  } catch (error) {
    const { code, message } = sqliteError(error) ?? { code: "", message: "" };
    if (code !== "SQLITE_CONSTRAINT_UNIQUE" && code !== "SQLITE_CONSTRAINT_PRIMARYKEY") throw error;
    return { ok: false, why: "conflict", detail: conflictingMembers(message) };
  }
}

/** `UNIQUE constraint failed: prices.provider_id, prices.model` → `providerId, model`. */
function conflictingMembers(message: string): string {
  const named = [...message.matchAll(/\b(\w+)\.(\w+)\b/g)];
  return named
    .map(([, table, name]) => {
      const columns = Object.entries(NOUN_TABLES).find(([noun]) => noun === table)?.[1];
      const members = columns === undefined ? [] : Object.entries(getTableColumns(columns));
      return members.find(([, found]) => found.name === name)?.[0] ?? name;
    })
    .join(", ");
}
