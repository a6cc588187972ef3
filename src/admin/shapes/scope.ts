/** Shapes of scopes: what a budget or a limit is attached to. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, oneOf, strict } from "./members.ts";

export const Scope = strict(
  {
    type: oneOf(["tenant", "project", "token"], {
      description: "What it counts: everything of a tenant, a project or one access token.",
      planned: ["global", "end_user", "provider"],
    }),
    id: Id("tenant, project or access token"),
  },
  { description: "What it is attached to." },
);
export type Scope = Static<typeof Scope>;

/** Query parameters of lists of scoped things. */
export const ScopeFilter = {
  tenant_id: Type.Optional(Id("tenant that the scope lies in")),
  scope_type: Type.Optional(
    oneOf(["tenant", "project", "token"], { description: "Type of the scope." }),
  ),
  scope_id: Type.Optional(Id("scope")),
};
