/** Models in the shapes in which the clients of each dialect read them. */
import { allow, refuse, type Verdict } from "../../base/verdict.ts";
import type { CallableModel } from "../../gateway/models.ts";
import { MODEL_MOUNTS } from "./mounts.ts";

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

/** What nobody told us of a model is null (ModelInfo of @anthropic-ai/sdk 1.11, 2026-11). */
function anthropicModel(model: CallableModel): object {
  const { name, createdAtMs, contextTokensMax, outputTokensMax } = model;
  const createdAt = new Date(Math.floor(createdAtMs / 1_000) * 1_000).toISOString();
  return {
    type: "model",
    id: name,
    display_name: name,
    created_at: createdAt.replace(".000Z", "Z"),
    lifecycle: "active",
    deprecated_at: null,
    retires_at: null,
    line: null,
    max_input_tokens: contextTokensMax,
    max_tokens: outputTokensMax,
    capabilities: null,
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

/** In pages, as the API reference has them ("models.list", 2026-11). */
export const GOOGLE_MODELS: ModelShapes = { one: googleModel, list: googlePage };

const GOOGLE_PAGE_DEFAULT = 50;

/** By surface. */
const GOOGLE_METHODS = new Map(
  MODEL_MOUNTS.flatMap(({ methods }) =>
    methods.map(({ surface, ending }) => [surface, ending.slice(1)] as const),
  ),
);

/** Of what its providers may be asked: what the model itself can of that, they say. */
function googleModel({ name, surfaces }: CallableModel): object {
  const methods = [...GOOGLE_METHODS].flatMap(([surface, method]) =>
    surfaces.has(surface) ? [method] : [],
  );
  return {
    name: `models/${name}`,
    displayName: name,
    supportedGenerationMethods: methods,
  };
}

function googlePage(models: readonly CallableModel[], query: URLSearchParams): Verdict<object> {
  const size = Number(query.get("pageSize") ?? GOOGLE_PAGE_DEFAULT);
  if (!Number.isInteger(size) || size < 0) {
    return refuse("invalid_request", "pageSize must be a number of models.", { param: "pageSize" });
  }
  const after = query.get("pageToken") ?? "";
  const rest = models.filter(({ name }) => name > after);
  // Google takes 0 for its default, and no more than its maximum for more.
  const page = rest.slice(0, Math.min(size || GOOGLE_PAGE_DEFAULT, PAGE_MAX));
  const next = rest.length > page.length ? page.at(-1)?.name : undefined;
  return allow({
    models: page.map(googleModel),
    ...(next === undefined ? {} : { nextPageToken: next }),
  });
}
