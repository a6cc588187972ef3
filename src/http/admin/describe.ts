/** An operation as the OpenAPI document describes it, from the same shapes that check requests. */
import type { TObject, TSchema } from "@sinclair/typebox";
import type { DocumentDecoration } from "elysia";
import type { Body } from "./body.ts";
import { plainSchema } from "./plain-schema.ts";
import { type SchemaName, type Shape } from "./schemas.ts";

export type Answer<R> = {
  readonly status: 200 | 201 | 204;
  readonly description: string;
  readonly content: { readonly schema: SchemaName; readonly example: R } | null;
};

export function answerOf<N extends SchemaName>(
  status: 200 | 201,
  schema: N,
  description: string,
  example: Shape<N>,
): Answer<Shape<N>> {
  return { status, description, content: { schema, example } };
}

export const nothing: Answer<null> = { status: 204, description: "Done.", content: null };

export type RefusalStatus = 400 | 404 | 409 | 422;

export type PartOf = {
  /** In the path, such as `credit_id`. */
  readonly name: string;
  readonly one: string;
  readonly example: string;
};

/** One operation: what it takes, what it answers, and how people call it. */
export type Operation<B, Q extends TObject, R> = {
  /** Unique in the document; clients are generated from it. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** What the `{id}` of the path names; null where the path has none. */
  readonly idOf: { readonly one: string; readonly example: string } | null;
  /** A second id in the path, of a thing within the first. */
  readonly partOf?: PartOf;
  readonly query: Q;
  readonly body: Body<B>;
  readonly takesIfMatch?: boolean;
  readonly answer: Answer<R>;
  /** Beside 401, which every operation has. */
  readonly refusals: readonly RefusalStatus[];
};

/** Names under `#/components/responses`. */
export const REFUSAL_RESPONSES = {
  400: "Invalid",
  401: "Unauthorized",
  404: "NotFound",
  409: "Conflict",
  413: "TooLarge",
  415: "NotJson",
  422: "Impossible",
  500: "Broken",
  503: "Unavailable",
} as const;

export function describe<B, Q extends TObject, R>(spec: Operation<B, Q, R>): DocumentDecoration {
  const { documented } = spec.body;
  return {
    operationId: spec.id,
    tags: [spec.tag],
    summary: spec.summary,
    ...(spec.description !== undefined && { description: spec.description }),
    security: [{ adminToken: [] }],
    parameters: [...pathParameters(spec), ...headerParameters(spec), ...queryOf(spec.query)],
    ...(documented !== null && {
      requestBody: {
        required: documented.required,
        content: jsonContent(documented.schema, documented.example),
      },
    }),
    responses: responsesOf(spec),
  };
}

function responsesOf<B, Q extends TObject, R>(spec: Operation<B, Q, R>) {
  const { status, description, content } = spec.answer;
  const ofBody = spec.body.documented === null ? [] : ([413, 415] as const);
  const refused = [...spec.refusals, 401 as const, ...ofBody, 500 as const, 503 as const];
  const refusals = refused.map((code) => [
    code,
    { $ref: `#/components/responses/${REFUSAL_RESPONSES[code]}` },
  ]);
  const answer = {
    description,
    headers: { "x-request-id": { $ref: "#/components/headers/RequestId" } },
    ...(content !== null && { content: jsonContent(content.schema, content.example) }),
  };
  return { [status]: answer, ...Object.fromEntries(refusals) };
}

function jsonContent(schema: SchemaName, example: unknown) {
  return {
    "application/json": { schema: { $ref: `#/components/schemas/${schema}` }, example },
  };
}

function pathParameters<B, Q extends TObject, R>({ idOf, partOf }: Operation<B, Q, R>) {
  const ids = [...(idOf === null ? [] : [{ name: "id", ...idOf }]), ...(partOf ? [partOf] : [])];
  const schema = { type: "string" as const };
  return ids.map(({ name, one, example }) => ({
    name,
    in: "path",
    required: true,
    description: `Id of the ${one}.`,
    example,
    schema,
  }));
}

function headerParameters(spec: { readonly takesIfMatch?: boolean }) {
  if (spec.takesIfMatch !== true) return [];
  const description = "Version to edit; 409 when it is another one by now.";
  const schema = { type: "string" as const };
  return [{ name: "if-match", in: "header", required: false, description, schema }];
}

function queryOf(query: TObject) {
  const required: readonly string[] = query.required ?? [];
  return Object.entries<TSchema>(query.properties).map(([name, shape]) => {
    const { description, ...schema } = plainSchema(shape);
    return {
      name,
      in: "query",
      required: required.includes(name),
      ...(typeof description === "string" && { description }),
      schema,
    };
  });
}
