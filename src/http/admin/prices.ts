/** `/api/v1/prices`. */
import type { Admin } from "../../admin/admin.ts";
import { PriceFilter } from "../../admin/shapes/price.ts";
import { pageExample, VERSIONED } from "./examples.ts";
import { catalogueOperations } from "./price-catalogue.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Price"> = {
  id: "prc_019ab3f112a57be3b254f60718293041",
  provider: "local-vllm",
  model: "qwen3-32b",
  input_usd_per_million: "0.10",
  output_usd_per_million: "0.30",
  cached_input_usd_per_million: "0.05",
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
  request_usd: null,
  tool_call_usd: { web_search: "0.01" },
  tiers: [],
  batch_multiplier: 0.5,
  context_tokens_max: 131_072,
  output_tokens_max: null,
  source: "operator",
  effective_at: VERSIONED.created_at,
  ...VERSIONED,
};

const input: Shape<"PriceInput"> = {
  provider: "local-vllm",
  model: "qwen3-32b",
  input_usd_per_million: "0.10",
  output_usd_per_million: "0.30",
  cached_input_usd_per_million: "0.05",
  tool_call_usd: { web_search: "0.01" },
  batch_multiplier: 0.5,
};

export function priceRoutes(http: AdminHttp, admin: Admin) {
  const { preview, catalogue, unpriced } = catalogueOperations(http, admin, input);
  return resource(
    http,
    {
      path: "prices",
      one: "price",
      many: "prices",
      idExample: example.id,
      about: {
        create:
          "Wins over the built-in catalogue. A model that neither prices is refused, and 0 is a price. One that is far from what such models cost, or looks like another unit, is refused with a preview of costs unless `confirm_unusual` is true.",
        remove: "The built-in catalogue counts again; without an entry there the model is refused.",
      },
      shapes: {
        input: "PriceInput",
        change: "PriceChange",
        one: "Price",
        made: "Price",
        many: "PricePage",
        filter: PriceFilter,
      },
      examples: {
        input,
        change: { output_usd_per_million: "0.25" },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.prices,
  )
    .post("/preview", preview.handle, preview.hooks)
    .get("/catalogue", catalogue.handle, catalogue.hooks)
    .get("/unpriced", unpriced.handle, unpriced.hooks);
}
