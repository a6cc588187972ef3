/** What is known about prices beside the ones that were set: previews, the catalogue, and gaps. */
import type { Admin } from "../../admin/admin.ts";
import { CatalogueFilter, UnpricedFilter } from "../../admin/shapes/price-catalogue.ts";
import { jsonBody, noBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { pageExample, VERSIONED } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const listed: NonNullable<Shape<"CataloguePage">["data"][number]["listed"]> = {
  source: "catalogue:0.1.8",
  input_usd_per_million: "0.25",
  output_usd_per_million: "2.00",
  cached_input_usd_per_million: "0.025",
  cache_write_usd_per_million: null,
  cache_write_1h_usd_per_million: null,
  reasoning_usd_per_million: null,
  audio_input_usd_per_million: null,
  audio_output_usd_per_million: null,
  image_input_usd_per_million: null,
  image_output_usd_per_million: null,
  image_usd: null,
  audio_second_usd: null,
  character_usd_per_million: null,
  search_unit_usd: null,
  request_usd: "0.00",
  tool_call_usd: { web_search: "0.01" },
  tiers: [],
  batch_multiplier: null,
  context_tokens_max: 400_000,
  output_tokens_max: null,
};

const preview: Shape<"PricePreview"> = {
  plausible: true,
  doubts: [],
  costs: {
    small_request_usd: "0.0004",
    million_input_usd: "0.10",
    million_output_usd: "0.30",
    sentence:
      "Under this price a request with 1,000 input and 1,000 output tokens costs 0.0004 USD, a million input tokens 0.10 USD and a million output tokens 0.30 USD.",
  },
  listed: null,
};

const unpricedModel: Shape<"UnpricedPage">["data"][number] = {
  provider: "local-vllm",
  model: "qwen3-235b",
  surfaces: ["chat", "responses"],
  requests: 12,
  first_seen_at: VERSIONED.created_at,
  last_seen_at: "2026-11-20T11:02:47.310Z",
};

const row: Shape<"CataloguePage">["data"][number] = {
  provider: "openai",
  model: "gpt-5-mini",
  source: "catalogue:0.1.8",
  operator: null,
  listed,
};

export function catalogueOperations(
  http: AdminHttp,
  { prices }: Admin,
  input: Shape<"PriceInput">,
) {
  const common = { tag: "prices", idOf: null };
  return {
    preview: operation(
      http,
      {
        ...common,
        id: "preview_price",
        summary: "Show what a price would mean",
        description:
          "What typical requests would cost, the catalogue's price, and every amount that can hardly be meant. Sets nothing.",
        query: NO_QUERY,
        body: jsonBody("PriceInput", input),
        answer: answerOf(200, "PricePreview", "The preview.", preview),
        refusals: [400, 422],
      },
      ({ body }) => prices.preview(body),
    ),
    catalogue: operation(
      http,
      {
        ...common,
        id: "list_catalogue",
        summary: "List catalogue prices beside the operator's",
        query: CatalogueFilter,
        body: noBody,
        answer: answerOf(200, "CataloguePage", "A page of the catalogue.", pageExample(row)),
        refusals: [400],
      },
      ({ query }) => prices.catalogue(query),
    ),
    unpriced: operation(
      http,
      {
        ...common,
        id: "list_unpriced_models",
        summary: "List models that were asked for and have no price",
        query: UnpricedFilter,
        body: noBody,
        answer: answerOf(200, "UnpricedPage", "A page of models.", pageExample(unpricedModel)),
        refusals: [400],
      },
      ({ query }) => prices.unpriced(query),
    ),
  };
}
