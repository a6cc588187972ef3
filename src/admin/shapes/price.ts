/** Shapes of prices that the operator sets; one that is set wins over the built-in catalogue. */
import { type Static, Type } from "@sinclair/typebox";
import {
  Id,
  ModelName,
  nullable,
  oneOf,
  Paging,
  Price as PriceIn,
  strict,
  Time,
  Usd,
  Versioned,
  Whole,
} from "./members.ts";

const READ_ONLY = ["source", "effective_at"] as const;

const TOKENS_MAX = 100_000_000;

const ProviderReference = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "Name or id of the provider; answers show the name.",
});

const optional = {
  cached_input_usd_per_million: Type.Optional(
    nullable(PriceIn("Input tokens read from the provider's cache; null: as other input.")),
  ),
  context_tokens_max: Type.Optional(
    nullable(Whole(1, TOKENS_MAX, "Tokens that the model takes; null: not known.")),
  ),
  output_tokens_max: Type.Optional(
    nullable(Whole(1, TOKENS_MAX, "Tokens that the model generates at most; null: not known.")),
  ),
};

export const PriceInput = strict(
  {
    provider: ProviderReference,
    model: ModelName,
    input_usd_per_million: PriceIn("Input tokens. 0 is a price."),
    output_usd_per_million: PriceIn("Output tokens. 0 is a price."),
    ...optional,
  },
  { description: "A price to set.", "x-read-only": READ_ONLY },
);
export type PriceInput = Static<typeof PriceInput>;

export const PriceChange = strict(
  {
    input_usd_per_million: Type.Optional(PriceIn("Input tokens.")),
    output_usd_per_million: Type.Optional(PriceIn("Output tokens.")),
    ...optional,
  },
  {
    description: "What to change of a price; attempts made before keep the price they had.",
    "x-read-only": READ_ONLY,
    "x-fixed": ["provider", "model"],
  },
);
export type PriceChange = Static<typeof PriceChange>;

export const PriceFilter = strict(
  {
    ...Paging,
    provider: Type.Optional(ProviderReference),
    model: Type.Optional(ModelName),
  },
  { description: "Which prices to list." },
);
export type PriceFilter = Static<typeof PriceFilter>;

export const Price = Type.Object(
  {
    id: Id("price"),
    provider: Type.String({ description: "Name of the provider." }),
    model: ModelName,
    input_usd_per_million: Usd("Input tokens."),
    output_usd_per_million: Usd("Output tokens."),
    cached_input_usd_per_million: nullable(Usd("Cached input tokens; null: as other input.")),
    context_tokens_max: nullable(Type.Integer({ description: "null: not known." })),
    output_tokens_max: nullable(Type.Integer({ description: "null: not known." })),
    source: oneOf(["operator"], { description: "Who set it." }),
    effective_at: Time("Since when it counts."),
    ...Versioned,
  },
  { description: "A price." },
);
export type Price = Static<typeof Price>;
