/**
 * What configured rows say about each other: what a row refers to must exist and lie in the same
 * tenant, and what is referred to cannot be deleted. Scopes and route targets are references that
 * no foreign key can hold, so all of them are checked here, in the transaction of the write.
 */
import { and, eq, getTableColumns, sql, type Column, type SQL } from "drizzle-orm";
import { budgets, limits, prices, projects, routes, tokens } from "../../drizzle/schema.ts";
import type { LimitScopeType, ScopeType } from "../base/scope.ts";
import type { Noun, Rows, WriteRefusal } from "./contract.ts";
import type { Connection } from "./database.ts";
import { NOUN_TABLES } from "./nouns.ts";

type Orm = Connection["orm"];

/** Member of a row and what it names; `inTenant` when that has to lie in the row's tenant. */
type Reference = {
  readonly member: string;
  readonly noun: "tenants" | "projects" | "tokens" | "providers" | "routes" | "budgets";
  readonly id: string;
  readonly inTenant: string | null;
};

/** The rows that scopes name; a global scope and an end user have none. */
const SCOPE_NOUNS = {
  tenant: "tenants",
  project: "projects",
  token: "tokens",
  provider: "providers",
  route: "routes",
  end_user: null,
  global: null,
} as const satisfies Record<ScopeType, Reference["noun"] | null>;

/** Refuses a row that names something that is not there; `detail` is the row's member. */
export function checkReferences<N extends Noun>(
  orm: Orm,
  noun: N,
  row: Rows[N],
): WriteRefusal | null {
  const missing = REFERENCES[noun](row).find((reference) => !exists(orm, reference));
  return missing === undefined ? null : { ok: false, why: "reference", detail: missing.member };
}

const inTenant = (row: { readonly tenantId: string }): Reference => ({
  member: "tenantId",
  noun: "tenants",
  id: row.tenantId,
  inTenant: null,
});

const inScope = ({
  scopeType,
  scopeId: id,
  tenantId,
}: Rows["budgets"] | Rows["limits"]): readonly Reference[] => {
  const noun = SCOPE_NOUNS[scopeType];
  return [
    ...(tenantId === null ? [] : [inTenant({ tenantId })]),
    ...(noun === null ? [] : [{ member: "scopeId", noun, id, inTenant: tenantId }]),
  ];
};

/** What a row names, by noun. */
const REFERENCES: { readonly [N in Noun]: (row: Rows[N]) => readonly Reference[] } = {
  tenants: () => [],
  providers: () => [],
  projects: (row) => [inTenant(row)],
  tokens: (row) => {
    const tenant = inTenant(row);
    const { projectId, tenantId } = row;
    if (projectId === null) return [tenant];
    return [tenant, { member: "projectId", noun: "projects", id: projectId, inTenant: tenantId }];
  },
  prices: (row) => [
    { member: "providerId", noun: "providers", id: row.providerId, inTenant: null },
  ],
  routes: (row) => [
    ...(row.tenantId === null ? [] : [inTenant({ tenantId: row.tenantId })]),
    ...row.targets.map((target, place): Reference => ({
      member: `targets/${place}/providerId`,
      noun: "providers",
      id: target.providerId,
      inTenant: null,
    })),
  ],
  budgets: inScope,
  limits: inScope,
  credits: (row) => [{ member: "budgetId", noun: "budgets", id: row.budgetId, inTenant: null }],
};

function exists(orm: Orm, { noun, id, inTenant: tenantId }: Reference): boolean {
  const table = NOUN_TABLES[noun];
  const columns: Record<string, Column> = getTableColumns(table);
  // A tenant lies in itself, and providers lie in none; a route for all tenants is in each.
  const tenantColumn = noun === "tenants" ? columns["id"] : columns["tenantId"];
  const isInTenant =
    tenantId === null || tenantColumn === undefined ? undefined : eq(tenantColumn, tenantId);
  const where = and(eq(table.id, id), isInTenant);
  return orm.select({ id: table.id }).from(table).where(where).get() !== undefined;
}

/** Named in a refusal before "and more" takes over. */
const NAMED_USERS_MAX = 3;

/** Refuses when other rows need this one; `detail` lists them, such as `projects prj_1, prj_2`. */
export function checkUnused(orm: Orm, noun: Noun, id: string): WriteRefusal | null {
  const users = USERS[noun](id).flatMap(([user, condition]) => {
    const table = NOUN_TABLES[user];
    const ids = orm
      .select({ id: table.id })
      .from(table)
      .where(condition)
      .orderBy(table.id)
      .limit(NAMED_USERS_MAX + 1)
      .all()
      .map((row) => row.id);
    if (ids.length === 0) return [];
    const more = ids.length > NAMED_USERS_MAX ? " and more" : "";
    return [`${user} ${ids.slice(0, NAMED_USERS_MAX).join(", ")}${more}`];
  });
  return users.length === 0 ? null : { ok: false, why: "in_use", detail: users.join("; ") };
}

type Users = readonly (readonly [Noun, SQL | undefined])[];

const scopedBy = (type: ScopeType, id: string): Users => [
  ["budgets", and(eq(budgets.scopeType, type), eq(budgets.scopeId, id))],
];

const limitedBy = (type: LimitScopeType, id: string): Users => [
  ["limits", and(eq(limits.scopeType, type), eq(limits.scopeId, id))],
];

/** Who may need a row, by noun, in the order in which they are named. */
const USERS: { readonly [N in Noun]: (id: string) => Users } = {
  tenants: (id) => [
    ["projects", eq(projects.tenantId, id)],
    ["tokens", eq(tokens.tenantId, id)],
    ["routes", eq(routes.tenantId, id)],
    ["budgets", eq(budgets.tenantId, id)],
    ["limits", eq(limits.tenantId, id)],
  ],
  projects: (id) => [
    ["tokens", eq(tokens.projectId, id)],
    ...scopedBy("project", id),
    ...limitedBy("project", id),
  ],
  tokens: (id) => [...scopedBy("token", id), ...limitedBy("token", id)],
  providers: (id) => [
    ["prices", eq(prices.providerId, id)],
    [
      "routes",
      sql`exists (select 1 from json_each(${routes.targets}) where value ->> 'providerId' = ${id})`,
    ],
    ...scopedBy("provider", id),
  ],
  routes: (id) => scopedBy("route", id),
  prices: () => [],
  // Credits are nothing without their budget and go with it.
  budgets: () => [],
  limits: () => [],
  credits: () => [],
};
