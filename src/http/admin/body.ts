/** What an operation takes as its body: a shape by name, read and checked, or nothing. */
import { type AdminVerdict, allow, refuse } from "../../admin/refusal.ts";
import { check } from "../../admin/shapes/check.ts";
import { readJson } from "./read-json.ts";
import { SCHEMAS, type SchemaName, type Shape } from "./schemas.ts";

export type Body<B> = {
  /** For the document; null when there is no body. */
  readonly documented: {
    readonly schema: SchemaName;
    readonly required: boolean;
    readonly example: B;
  } | null;
  readonly read: (request: Request) => Promise<AdminVerdict<B>>;
};

/** A body that is not read. */
export const noBody: Body<null> = { documented: null, read: () => Promise.resolve(allow(null)) };

export function jsonBody<N extends SchemaName>(schema: N, example: Shape<N>): Body<Shape<N>> {
  return {
    documented: { schema, required: true, example },
    read: async (request) => {
      const json = await readJson(request);
      if (!json.allowed) return json;
      if (json.value === undefined) return refuse("invalid_json", "The body is empty.");
      return check(SCHEMAS[schema], json.value);
    },
  };
}

/** A body of which every member is optional: leaving it out means `{}`. */
export function optionalBody<N extends SchemaName>(schema: N, example: Shape<N>): Body<Shape<N>> {
  return {
    documented: { schema, required: false, example },
    read: async (request) => {
      const json = await readJson(request);
      return json.allowed ? check(SCHEMAS[schema], json.value ?? {}) : json;
    },
  };
}
