/** Shapes of what is known about prices beside the ones that were set: the catalogue, and doubts. */
import { type Static, Type } from "@sinclair/typebox";
import { ModelName, nullable, Paging, strict, Time, Usd } from "./members.ts";
import { amounts, PriceAmounts, ProviderReference } from "./price.ts";

export const CatalogueFilter = strict(
  {
    ...Paging,
    provider: Type.Optional(ProviderReference),
    overridden: Type.Optional(
      Type.Boolean({ description: "true: only models of which the operator set a price." }),
    ),
  },
  { description: "Whose catalogue prices to list." },
);
export type CatalogueFilter = Static<typeof CatalogueFilter>;

const Listed = Type.Object(
  { source: Type.String({ description: "Such as catalogue:0.1.8, or simulated." }), ...amounts },
  { description: "What the built-in catalogue asks; null: it does not know the model." },
);

export const CataloguePrice = Type.Object(
  {
    provider: Type.String({ description: "Name of the provider." }),
    model: ModelName,
    source: Type.String({ description: "Whose price is in force: operator, or the list's." }),
    operator: nullable(
      Type.Object(PriceAmounts.properties, {
        description: "What the operator set; null: nothing.",
      }),
    ),
    listed: nullable(Listed),
  },
  { description: "A model's prices: the catalogue's, and the operator's beside it." },
);
export type CataloguePrice = Static<typeof CataloguePrice>;

export const UnpricedFilter = strict({ ...Paging }, { description: "Which page of models." });
export type UnpricedFilter = Static<typeof UnpricedFilter>;

export const UnpricedModel = Type.Object(
  {
    provider: Type.String({ description: "Name of the provider, or its id when it is removed." }),
    model: ModelName,
    surfaces: Type.Array(Type.String(), {
      description: "Where it was asked for and has no price of what is given there.",
    }),
    requests: Type.Integer({ description: "Requests that were refused for want of a price." }),
    first_seen_at: Time("When it was asked for first."),
    last_seen_at: Time("When it was asked for last."),
  },
  { description: "A model that clients asked for where nobody has a price of it." },
);
export type UnpricedModel = Static<typeof UnpricedModel>;

const Doubt = Type.Object(
  {
    member: Type.String({ description: "JSON pointer to the amount." }),
    entered_usd: Usd("As entered, in the member's unit."),
    usual_usd: nullable(Usd("What its neighbours ask; null: it is more than anything may cost.")),
    suggested_usd: nullable(Usd("What was meant if the unit was mistaken; null: not known.")),
    explanation: Type.String({ description: "A sentence for people." }),
  },
  { description: "An amount that can hardly be meant." },
);

export const PricePreview = Type.Object(
  {
    plausible: Type.Boolean({ description: "Whether it would be taken without confirmation." }),
    doubts: Type.Array(Doubt),
    costs: nullable(
      Type.Object(
        {
          small_request_usd: Usd("A request of 1,000 input and 1,000 output tokens."),
          million_input_usd: Usd("A million input tokens, in requests of 1,000."),
          million_output_usd: Usd("A million output tokens, in requests of 1,000."),
          sentence: Type.String({ description: "The same for people." }),
        },
        { description: "What typical requests would cost; null: more than can be counted." },
      ),
    ),
    listed: nullable(Listed),
  },
  { description: "What a price would mean. Nothing is set." },
);
export type PricePreview = Static<typeof PricePreview>;
