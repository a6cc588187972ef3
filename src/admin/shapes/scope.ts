/** Shapes of scopes: what a budget or a limit is attached to. */
import { type Static, Type } from "@sinclair/typebox";
import { LIMITS } from "../../base/limits.ts";
import { Id, oneOf, strict } from "./members.ts";

const BUDGET_SCOPES = [
  "global",
  "tenant",
  "project",
  "token",
  "end_user",
  "provider",
  "route",
] as const;
const LIMIT_SCOPES = ["tenant", "project", "token"] as const;

const BudgetScopeType = oneOf(BUDGET_SCOPES, {
  description:
    "What it counts: everything (global), everything of a tenant, a project, an access token or an end user, or everything that goes to a provider or through a route.",
});

/** An end user as clients name one, in `user` or `safety_identifier`. */
export const EndUserId = Type.String({
  minLength: 1,
  maxLength: LIMITS.endUserCharactersMax,
  description: `The client's own word for the end user; one of more than ${LIMITS.endUserCharactersMax} characters is known as \`sha256:\` and its hash.`,
});

const ScopeTenant = Type.Optional(Id("tenant of an end user; of no other scope"));

export const BudgetScopeInput = strict(
  {
    type: BudgetScopeType,
    id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: LIMITS.modelNameBytesMax,
        description:
          "Id of the tenant, project or access token; name or id of the provider; id or model name of the route; the client's own word for an end user, or `*` for a budget that each end user of the tenant has; for global leave it out.",
      }),
    ),
    tenant_id: ScopeTenant,
  },
  { description: "What it is attached to." },
);
export type BudgetScopeInput = Static<typeof BudgetScopeInput>;

/** A budget's scope as it is shown; a copy of it can be sent back. */
export const BudgetScope = Type.Object(
  {
    type: BudgetScopeType,
    id: Type.String({ description: "Id, an end user's word, or `*` for all of them." }),
    tenant_id: ScopeTenant,
  },
  { description: "What it is attached to." },
);
export type BudgetScope = Static<typeof BudgetScope>;

/** A limit's. */
export const Scope = strict(
  {
    type: oneOf(LIMIT_SCOPES, {
      description: "What it counts: everything of a tenant, a project or one access token.",
      planned: BUDGET_SCOPES.filter((type) => !LIMIT_SCOPES.some((known) => known === type)),
    }),
    id: Id("tenant, project or access token"),
  },
  { description: "What it is attached to." },
);
export type Scope = Static<typeof Scope>;

const inTenant = Type.Optional(Id("tenant that the scope lies in"));

/** Query parameters of the list of limits. */
export const ScopeFilter = {
  tenant_id: inTenant,
  scope_type: Type.Optional(oneOf(LIMIT_SCOPES, { description: "Type of the scope." })),
  scope_id: Type.Optional(Id("scope")),
};

/** Query parameters of the list of budgets. */
export const BudgetScopeFilter = {
  tenant_id: inTenant,
  scope_type: Type.Optional(oneOf(BUDGET_SCOPES, { description: "Type of the scope." })),
  scope_id: Type.Optional(Type.String({ maxLength: 256, description: "Id of the scope." })),
};
