/** Models in the shapes in which the clients of each dialect read them. */
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { CallableModel } from "../../gateway/models.ts";

export type ModelShapes = {
  readonly one: (model: CallableModel) => object;
  /** `query`: what the client asks of the list. */
  readonly list: (models: readonly CallableModel[], query: URLSearchParams) => Verdict<object>;
};

export const OPENAI_MODELS: ModelShapes = {
  one: openaiModel,
  list: (models) => allow({ object: "list", data: models.map(openaiModel) }),
};

function openaiModel({ name, createdAtMs, ownedBy }: CallableModel): object {
  return {
    id: name,
    object: "model",
    created: Math.floor(createdAtMs / 1_000),
    owned_by: ownedBy,
  };
}

/** In pages, as the API reference has them ("List models", 2026-11). */
export const ANTHROPIC_MODELS: ModelShapes = { one: anthropicModel, list: anthropicPage };

const PAGE_DEFAULT = 20;
const PAGE_MAX = 1_000;

function anthropicModel({ name, createdAtMs }: CallableModel): object {
  const createdAt = new Date(Math.floor(createdAtMs / 1_000) * 1_000).toISOString();
  return {
    type: "model",
    id: name,
    display_name: name,
    created_at: createdAt.replace(".000Z", "Z"),
  };
}

function anthropicPage(models: readonly CallableModel[], query: URLSearchParams): Verdict<object> {
  const limit = Number(query.get("limit") ?? PAGE_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    const message = `limit: Input should be an integer from 1 to ${PAGE_MAX}`;
    return refuse("invalid_request", message, { param: "limit" });
  }
  const [after, before] = [query.get("after_id"), query.get("before_id")];
  // By name, so that a page goes on where its neighbour ended although a model has gone since.
  const rest = models.filter(
    ({ name }) => (after === null || name > after) && (before === null || name < before),
  );
  const page = before === null ? rest.slice(0, limit) : rest.slice(-limit);
  return allow({
    data: page.map(anthropicModel),
    has_more: rest.length > page.length,
    first_id: page.at(0)?.name ?? null,
    last_id: page.at(-1)?.name ?? null,
  });
}
