/** Shapes of routes: public model names and the targets that may serve them. */
import { type Static, Type } from "@sinclair/typebox";
import { Id, ModelName, nullable, oneOf, Paging, strict, Versioned, Whole } from "./members.ts";
import { HeaderName, termsInput, termsShown } from "./route-terms.ts";
import { Strategy } from "./service.ts";

const ProviderReference = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "Name or id of a provider; answers show the name.",
});

const Use = oneOf(["serve", "context_window", "content_filter", "shadow"], {
  description:
    "serve: as the strategy says; context_window, content_filter: only for a request that another target refused for that reason; shadow: gets copies of requests, whose answers nobody sees and no tenant pays for.",
});

const Continues = oneOf(["prefix", "continue_final_message"], {
  description:
    "How its model goes on with an answer that has begun: `prefix` on the last message (DeepSeek, Mistral), or `continue_final_message` (vLLM, SGLang).",
});

const Tag = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: "^[^,\\s]+$",
  "x-must": "be a tag of 1 to 64 characters without spaces and commas",
});

const Modality = oneOf(["text", "image", "audio", "file"], { description: "A kind of input." });

const Condition = strict(
  {
    tags: Type.Optional(
      Type.Array(Tag, {
        minItems: 1,
        maxItems: 20,
        description: "Any of these is among the tags of `x-tollgate-tags`.",
      }),
    ),
    header: Type.Optional(
      strict(
        { name: HeaderName, value: Type.String({ maxLength: 512 }) },
        { description: "A request header and the value that it must have." },
      ),
    ),
    input_tokens_min: Type.Optional(Whole(0, 1_000_000_000, "Estimated input of at least this.")),
    input_tokens_max: Type.Optional(Whole(0, 1_000_000_000, "Estimated input of at most this.")),
    modalities: Type.Optional(
      Type.Array(Modality, {
        minItems: 1,
        maxItems: 4,
        description: "The request has input of one of these kinds.",
      }),
    ),
    tools: Type.Optional(Type.Boolean({ description: "Whether the request offers tools." })),
  },
  { description: "Which requests the target is for; all that is named must hold." },
);

const Percent = Whole(
  1,
  100,
  "Of a serving target: the share of conversations that it comes first for, and no others (a canary); canaries without conditions share 100. Of a shadow: the share of requests that it gets.",
);

const TargetInput = strict(
  {
    provider: ProviderReference,
    model: ModelName,
    weight: Type.Optional(Whole(0, 1_000_000, "Share of the weighted strategy; 1 by default.")),
    priority: Type.Optional(Whole(0, 1_000_000, "Tried from the lowest up; 0 by default.")),
    use: Type.Optional(Use),
    percent: Type.Optional(nullable(Percent)),
    when: Type.Optional(nullable(Condition)),
    continues: Type.Optional(nullable(Continues)),
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
    ...termsInput,
  },
  { description: "A route to create; a tenant's own wins over the one for all tenants." },
);
export type RouteInput = Static<typeof RouteInput>;

export const RouteChange = strict(
  {
    model: Type.Optional(ModelName),
    strategy: Type.Optional(Strategy),
    targets: Type.Optional(TargetsInput),
    ...termsInput,
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
        use: Use,
        percent: nullable(Type.Integer()),
        when: nullable(Condition),
        continues: nullable(Continues),
      }),
    ),
    ...termsShown,
    ...Versioned,
  },
  { description: "A route." },
);
export type Route = Static<typeof Route>;
