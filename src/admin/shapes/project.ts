/** Shapes of projects: optional groups of access tokens inside a tenant. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, Metadata, Name, Paging, strict, Versioned } from "./members.ts";

export const ProjectInput = strict(
  { tenant_id: Id("tenant it belongs to"), name: Name, metadata: Type.Optional(Metadata) },
  { description: "A project to create." },
);
export type ProjectInput = Static<typeof ProjectInput>;

export const ProjectChange = strict(
  { name: Type.Optional(Name), metadata: Type.Optional(Metadata) },
  {
    description: "What to change of a project; `metadata` is replaced as a whole.",
    "x-fixed": ["tenant_id"],
  },
);
export type ProjectChange = Static<typeof ProjectChange>;

export const ProjectFilter = strict(
  { ...Paging, tenant_id: Type.Optional(Id("tenant")), name: Type.Optional(Name) },
  { description: "Which projects to list." },
);
export type ProjectFilter = Static<typeof ProjectFilter>;

export const Project = Type.Object(
  {
    id: Id("project"),
    tenant_id: Id("tenant it belongs to"),
    name: Name,
    metadata: Metadata,
    ...Versioned,
  },
  { description: "A project." },
);
export type Project = Static<typeof Project>;
