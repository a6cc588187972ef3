/** Shapes of routes: public model names and the targets that may serve them. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, ModelName, nullable, oneOf, Paging, strict, Versioned, Whole } from "./members.ts";

const Strategy = oneOf(["priority"], {
  description: "How the next target is chosen: priority tries them from the lowest number up.",
  planned: ["weighted", "fastest", "cheapest", "reliable", "least_busy"],
});

const ProviderReference = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "Name or id of a provider; answers show the name.",
});

const TargetInput = strict(
  {
    provider: ProviderReference,
    model: ModelName,
    weight: Type.Optional(Whole(0, 1_000_000, "Share of the weighted strategy; 1 by default.")),
    priority: Type.Optional(Whole(0, 1_000_000, "Tried from the lowest up; 0 by default.")),
  },
  { description: "A provider and the upstream's name of the model." },
);

const TargetsInput = Type.Array(TargetInput, {
  minItems: 1,
  maxItems: 50,
  description: "Of one priority, in the order listed.",
});

export const RouteInput = strict(
  {
    model: ModelName,
    tenant_id: Type.Optional(nullable(Id("tenant whose own route this is; null: all tenants"))),
    strategy: Type.Optional(Strategy),
    targets: TargetsInput,
  },
  { description: "A route to create; a tenant's own wins over the one for all tenants." },
);
export type RouteInput = Static<typeof RouteInput>;

export const RouteChange = strict(
  {
    model: Type.Optional(ModelName),
    strategy: Type.Optional(Strategy),
    targets: Type.Optional(TargetsInput),
  },
  {
    description: "What to change of a route; `targets` is replaced as a whole.",
    "x-fixed": ["tenant_id"],
  },
);
export type RouteChange = Static<typeof RouteChange>;

export const RouteFilter = strict(
  { ...Paging, model: Type.Optional(ModelName), tenant_id: Type.Optional(Id("tenant")) },
  { description: "Which routes to list." },
);
export type RouteFilter = Static<typeof RouteFilter>;

export const Route = Type.Object(
  {
    id: Id("route"),
    model: ModelName,
    tenant_id: nullable(Id("tenant whose own route this is; null: all tenants")),
    strategy: Strategy,
    targets: Type.Array(
      Type.Object({
        provider: Type.String({ description: "Name of the provider." }),
        model: ModelName,
        weight: Type.Integer(),
        priority: Type.Integer(),
      }),
    ),
    ...Versioned,
  },
  { description: "A route." },
);
export type Route = Static<typeof Route>;
