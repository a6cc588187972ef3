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
const TIERS_MAX = 20;
const TOOLS_MAX = 50;

export const ProviderReference = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "Name or id of the provider; answers show the name.",
});

/** Rates beside input and output, by member, and what null means. */
const RATE_TEXTS = {
  cached_input_usd_per_million: "Input read from the provider's cache; null: as other input.",
  cache_write_usd_per_million:
    "Input written to the provider's cache, for five minutes where there are two kinds; null: as other input.",
  cache_write_1h_usd_per_million:
    "Input written to the provider's cache for an hour; null: as the shorter kind.",
  reasoning_usd_per_million: "Reasoning; null: as other output.",
  audio_input_usd_per_million: "Audio in the input; null: as other input.",
  audio_output_usd_per_million: "Audio in the output; null: as other output.",
  image_input_usd_per_million: "Pictures in the input; null: as other input.",
  image_output_usd_per_million: "Pictures in the output; null: as other output.",
} as const;
type RateMember = keyof typeof RATE_TEXTS;

/** The same members, each of a shape that is made from its text. */
function rates<S>(shapeOf: (text: string) => S): Readonly<Record<RateMember, S>> {
  return {
    cached_input_usd_per_million: shapeOf(RATE_TEXTS.cached_input_usd_per_million),
    cache_write_usd_per_million: shapeOf(RATE_TEXTS.cache_write_usd_per_million),
    cache_write_1h_usd_per_million: shapeOf(RATE_TEXTS.cache_write_1h_usd_per_million),
    reasoning_usd_per_million: shapeOf(RATE_TEXTS.reasoning_usd_per_million),
    audio_input_usd_per_million: shapeOf(RATE_TEXTS.audio_input_usd_per_million),
    audio_output_usd_per_million: shapeOf(RATE_TEXTS.audio_output_usd_per_million),
    image_input_usd_per_million: shapeOf(RATE_TEXTS.image_input_usd_per_million),
    image_output_usd_per_million: shapeOf(RATE_TEXTS.image_output_usd_per_million),
  };
}

const Fee = (description: string) =>
  Type.Union([Type.String({ maxLength: 40 }), Type.Number()], {
    "x-must": 'be US dollars with at most 12 decimals, such as "0.01"',
    description,
  });

/** What is no token, by member. */
const UNIT_TEXTS = {
  image_usd: "Of a picture that is made; null: not paid by the picture.",
  audio_second_usd: "Of a second of sound that is read; null: not paid by the second.",
  character_usd_per_million: "Of characters read aloud; null: not paid by the character.",
  search_unit_usd: "Of a search among documents; null: not paid by the search.",
} as const;

const unitsIn = {
  image_usd: Type.Optional(nullable(Fee(UNIT_TEXTS.image_usd))),
  audio_second_usd: Type.Optional(nullable(Fee(UNIT_TEXTS.audio_second_usd))),
  character_usd_per_million: Type.Optional(nullable(PriceIn(UNIT_TEXTS.character_usd_per_million))),
  search_unit_usd: Type.Optional(nullable(Fee(UNIT_TEXTS.search_unit_usd))),
};

const TierInput = strict(
  {
    above_input_tokens: Whole(1, TOKENS_MAX, "Of requests with more input than this."),
    input_usd_per_million: PriceIn("Input tokens."),
    output_usd_per_million: PriceIn("Output tokens."),
    cached_input_usd_per_million: Type.Optional(
      nullable(PriceIn(RATE_TEXTS.cached_input_usd_per_million)),
    ),
    cache_write_usd_per_million: Type.Optional(
      nullable(PriceIn(RATE_TEXTS.cache_write_usd_per_million)),
    ),
  },
  { description: "Rates of a whole request whose input is longer than a bound." },
);

const ToolName = Type.String({ pattern: "^(?!__proto__$)[A-Za-z0-9_.:-]{1,64}$" });

const optional = {
  ...rates((text) => Type.Optional(nullable(PriceIn(text)))),
  ...unitsIn,
  request_usd: Type.Optional(
    nullable(Fee("Of a request, whatever its size; null: what the catalogue says.")),
  ),
  tool_call_usd: Type.Optional(
    nullable(
      Type.Record(ToolName, Fee("Of a call."), {
        additionalProperties: false,
        maxProperties: TOOLS_MAX,
        "x-must": `be an object of at most ${TOOLS_MAX} fees by tool`,
        "x-must-name": "be 1 to 64 letters, digits or the characters _ . : -",
        description:
          "Of each call of a tool that the provider runs itself, by its name; null: what the catalogue says.",
      }),
    ),
  ),
  tiers: Type.Optional(
    nullable(
      Type.Array(TierInput, {
        maxItems: TIERS_MAX,
        description: "Rates of long requests; replaced as a whole. The last that applies counts.",
      }),
    ),
  ),
  batch_multiplier: Type.Optional(
    nullable(
      Type.Number({
        minimum: 0,
        maximum: 1,
        "x-must": "be a number from 0 to 1 with at most 3 decimals, such as 0.5",
        description: "What batch requests cost of the whole; null: the whole.",
      }),
    ),
  ),
  context_tokens_max: Type.Optional(
    nullable(Whole(1, TOKENS_MAX, "Tokens that the model takes; null: not known.")),
  ),
  output_tokens_max: Type.Optional(
    nullable(Whole(1, TOKENS_MAX, "Tokens that the model generates at most; null: not known.")),
  ),
};

const ConfirmUnusual = Type.Optional(
  Type.Boolean({
    description: "true: take the price although it is far from what such models cost.",
  }),
);

export const PriceInput = strict(
  {
    provider: ProviderReference,
    model: ModelName,
    input_usd_per_million: Type.Optional(
      PriceIn("Input tokens. 0 is a price. May be left out where a unit has a price."),
    ),
    output_usd_per_million: Type.Optional(
      PriceIn("Output tokens. 0 is a price. May be left out where a unit has a price."),
    ),
    ...optional,
    confirm_unusual: ConfirmUnusual,
  },
  { description: "A price to set.", "x-read-only": READ_ONLY },
);
export type PriceInput = Static<typeof PriceInput>;

export const PriceChange = strict(
  {
    input_usd_per_million: Type.Optional(PriceIn("Input tokens.")),
    output_usd_per_million: Type.Optional(PriceIn("Output tokens.")),
    ...optional,
    confirm_unusual: ConfirmUnusual,
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

const Tier = Type.Object({
  above_input_tokens: Type.Integer(),
  input_usd_per_million: Usd("Input tokens."),
  output_usd_per_million: Usd("Output tokens."),
  cached_input_usd_per_million: nullable(Usd(RATE_TEXTS.cached_input_usd_per_million)),
  cache_write_usd_per_million: nullable(Usd(RATE_TEXTS.cache_write_usd_per_million)),
});

/** What a price asks, whoever set it. */
export const amounts = {
  input_usd_per_million: Usd("Input tokens."),
  output_usd_per_million: Usd("Output tokens."),
  ...rates((text) => nullable(Usd(text))),
  image_usd: nullable(Usd(UNIT_TEXTS.image_usd)),
  audio_second_usd: nullable(Usd(UNIT_TEXTS.audio_second_usd)),
  character_usd_per_million: nullable(Usd(UNIT_TEXTS.character_usd_per_million)),
  search_unit_usd: nullable(Usd(UNIT_TEXTS.search_unit_usd)),
  request_usd: nullable(Usd("Of a request, whatever its size; null: what the catalogue says.")),
  tool_call_usd: nullable(
    Type.Record(Type.String(), Type.String(), {
      description:
        "Of each call of a tool that the provider runs itself, by its name; null: what the catalogue says.",
    }),
  ),
  tiers: Type.Array(Tier, { description: "Rates of long requests; the last that applies counts." }),
  batch_multiplier: nullable(
    Type.Number({ description: "What batch requests cost of the whole; null: the whole." }),
  ),
  context_tokens_max: nullable(Type.Integer({ description: "null: not known." })),
  output_tokens_max: nullable(Type.Integer({ description: "null: not known." })),
};

export const PriceAmounts = Type.Object(amounts, { description: "What a price asks." });
export type PriceAmounts = Static<typeof PriceAmounts>;

export const Price = Type.Object(
  {
    id: Id("price"),
    provider: Type.String({ description: "Name of the provider." }),
    model: ModelName,
    ...amounts,
    source: oneOf(["operator"], { description: "Who set it." }),
    effective_at: Time("Since when it counts."),
    ...Versioned,
  },
  { description: "A price." },
);
export type Price = Static<typeof Price>;
