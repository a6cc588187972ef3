/** `/api/v1/prices`. */
import type { Admin } from "../../admin/admin.ts";
import { PriceFilter } from "../../admin/shapes/price.ts";
import { pageExample, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Price"> = {
  id: "prc_019ab3f112a57be3b254f60718293041",
  provider: "local-vllm",
  model: "qwen3-32b",
  input_usd_per_million: "0.10",
  output_usd_per_million: "0.30",
  cached_input_usd_per_million: null,
  context_tokens_max: 131_072,
  output_tokens_max: null,
  source: "operator",
  effective_at: VERSIONED.created_at,
  ...VERSIONED,
};

export function priceRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "prices",
      one: "price",
      many: "prices",
      idExample: example.id,
      about: {
        create:
          "Wins over the built-in catalogue. A model that neither prices is refused, and 0 is a price.",
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
        input: {
          provider: "local-vllm",
          model: "qwen3-32b",
          input_usd_per_million: "0.10",
          output_usd_per_million: "0.30",
        },
        change: { output_usd_per_million: "0.25" },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.prices,
  );
}
