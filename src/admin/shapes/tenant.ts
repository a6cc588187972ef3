/** Shapes of tenants: the isolation boundary that owns projects, access tokens and budgets. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, Metadata, Name, nullable, oneOf, Paging, strict, Versioned } from "./members.ts";
import { PriorityClass, Strategy } from "./service.ts";

const Status = oneOf(["active", "suspended"], {
  description: "A suspended tenant's requests are refused with 403.",
});

const service = {
  strategy: Type.Optional(nullable(Strategy)),
  priority_class: Type.Optional(PriorityClass),
};

export const TenantInput = strict(
  { name: Name, status: Type.Optional(Status), ...service, metadata: Type.Optional(Metadata) },
  { description: "A tenant to create; active unless said otherwise." },
);
export type TenantInput = Static<typeof TenantInput>;

export const TenantChange = strict(
  {
    name: Type.Optional(Name),
    status: Type.Optional(Status),
    ...service,
    metadata: Type.Optional(Metadata),
  },
  { description: "What to change of a tenant; `metadata` is replaced as a whole." },
);
export type TenantChange = Static<typeof TenantChange>;

export const TenantFilter = strict(
  { ...Paging, name: Type.Optional(Name), status: Type.Optional(Status) },
  { description: "Which tenants to list." },
);
export type TenantFilter = Static<typeof TenantFilter>;

export const Tenant = Type.Object(
  {
    id: Id("tenant"),
    name: Name,
    status: Status,
    strategy: nullable(Strategy),
    priority_class: PriorityClass,
    metadata: Metadata,
    ...Versioned,
  },
  { description: "A tenant." },
);
export type Tenant = Static<typeof Tenant>;
