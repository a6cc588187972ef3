/** The five operations that every configured noun has, as one Elysia plugin. */
import { type Static, type TObject, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { AdminVerdict } from "../../admin/refusal.ts";
import { jsonBody, noBody } from "./body.ts";
import { answerOf, nothing } from "./describe.ts";
import { type AdminHttp, operation } from "./operation.ts";
import type { SchemaName, Shape } from "./schemas.ts";

export const NO_QUERY = Type.Object({}, { additionalProperties: false });

type Words = {
  /** Path below /api/v1, and tag in the document. */
  readonly path: string;
  /** In sentences: `tenant`, `access token`. */
  readonly one: string;
  readonly many: string;
  readonly about: { readonly create: string; readonly remove: string };
  readonly idExample: string;
  /** Shows one in the noun's own way, with a query; without it by id alone. */
  readonly get?: ReturnType<typeof operation>;
};

/** How a noun is called and shaped. `Made` is what creating answers: the thing itself, or more. */
export type Resource<
  Input extends SchemaName,
  Change extends SchemaName,
  One extends SchemaName,
  Made extends SchemaName,
  Many extends SchemaName,
  Filter extends TObject,
> = Words & {
  readonly shapes: {
    readonly input: Input;
    readonly change: Change;
    readonly one: One;
    readonly made: Made;
    readonly many: Many;
    readonly filter: Filter;
  };
  readonly examples: {
    readonly input: Shape<Input>;
    readonly change: Shape<Change>;
    readonly one: Shape<One>;
    readonly made: Shape<Made>;
    readonly many: Shape<Many>;
  };
};

type Cases<Input, Change, One, Made, Many, Filter> = {
  readonly create: (input: Input) => Promise<AdminVerdict<Made>>;
  readonly list: (filter: Filter) => Promise<AdminVerdict<Many>>;
  readonly get: (id: string) => Promise<AdminVerdict<One>>;
  readonly change: (
    id: string,
    change: Change,
    ifVersion: number | null,
  ) => Promise<AdminVerdict<One>>;
  readonly remove: (id: string) => Promise<AdminVerdict<null>>;
};

export function resource<
  Input extends SchemaName,
  Change extends SchemaName,
  One extends SchemaName,
  Made extends SchemaName,
  Many extends SchemaName,
  Filter extends TObject,
>(
  http: AdminHttp,
  spec: Resource<Input, Change, One, Made, Many, Filter>,
  cases: Cases<Shape<Input>, Shape<Change>, Shape<One>, Shape<Made>, Shape<Many>, Static<Filter>>,
) {
  const { path, one, many, shapes, examples } = spec;
  const words = wordsOf(spec);
  const create = operation(
    http,
    {
      ...words.create,
      body: jsonBody(shapes.input, examples.input),
      answer: answerOf(201, shapes.made, `The ${one}.`, examples.made),
      refusals: [400, 409, 422],
    },
    ({ body }) => cases.create(body),
  );
  const page = answerOf(200, shapes.many, `A page of ${many}, oldest first.`, examples.many);
  const list = operation(
    http,
    { ...words.list, query: shapes.filter, answer: page, refusals: [400] },
    ({ query }) => cases.list(query),
  );
  const answer = answerOf(200, shapes.one, `The ${one} as it is now.`, examples.one);
  const get =
    spec.get ??
    operation(http, { ...words.get, answer, refusals: [400, 404] }, ({ id }) => cases.get(id));
  const change = operation(
    http,
    {
      ...words.change,
      body: jsonBody(shapes.change, examples.change),
      takesIfMatch: true,
      answer,
      refusals: [400, 404, 409, 422],
    },
    ({ id, body, ifVersion }) => cases.change(id, body, ifVersion),
  );
  const remove = operation(
    http,
    { ...words.remove, answer: nothing, refusals: [400, 404, 409] },
    ({ id }) => cases.remove(id),
  );
  return new Elysia({ prefix: `/${path}` })
    .post("", create.handle, create.hooks)
    .get("", list.handle, list.hooks)
    .get("/:id", get.handle, get.hooks)
    .patch("/:id", change.handle, change.hooks)
    .delete("/:id", remove.handle, remove.hooks);
}

/** What the five operations are called, and what they have in common. */
function wordsOf({ path, one, many, about, idExample }: Words) {
  const common = { tag: path, query: NO_QUERY, body: noBody };
  const ofAll = { ...common, idOf: null };
  const ofOne = { ...common, idOf: { one, example: idExample } };
  const description = "Changes only what is named; null clears a member that may be null.";
  const it = /^[aeiou]/.test(one) ? `an ${one}` : `a ${one}`;
  return {
    create: {
      ...ofAll,
      id: `create_${name(one)}`,
      summary: `Create ${it}`,
      description: about.create,
    },
    list: { ...ofAll, id: `list_${name(many)}`, summary: `List ${many}` },
    get: { ...ofOne, id: `get_${name(one)}`, summary: `Show ${it}` },
    change: { ...ofOne, id: `change_${name(one)}`, summary: `Change ${it}`, description },
    remove: {
      ...ofOne,
      id: `remove_${name(one)}`,
      summary: `Remove ${it}`,
      description: about.remove,
    },
  };
}

/** `access token` → `access_token`, as in an operation's id. */
function name(words: string): string {
  return words.replaceAll(" ", "_");
}
