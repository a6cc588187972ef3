/**
 * A TypeBox schema as plain JSON Schema (2020-12, the dialect of OpenAPI 3.1), worded as people
 * write it: a union of constants is an `enum`, a union with null a nullable type, a record has
 * `additionalProperties`.
 */
import type { TSchema } from "@sinclair/typebox";

type Json = Readonly<Record<string, unknown>>;

/** Annotations that say how a refusal is worded, which the description says better. */
const WORDING = new Set(["x-must", "x-must-name", "x-read-only"]);

export function plainSchema(schema: TSchema): Json {
  // Symbols, by which TypeBox marks its schemas, do not survive JSON.
  const json = JSON.stringify(schema, (name, value: unknown) =>
    WORDING.has(name) ? undefined : value,
  );
  return plain(JSON.parse(json));
}

function plain(schema: Json): Json {
  const { anyOf, properties, items, patternProperties, ...rest } = schema;
  if (Array.isArray(anyOf)) return { ...rest, ...plainUnion(anyOf.map(plain)) };
  return {
    ...rest,
    ...(isObject(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, isObject(inner) && plain(inner)]),
      ),
    }),
    ...(isObject(items) && { items: plain(items) }),
    ...(isObject(patternProperties) && plainRecord(patternProperties)),
  };
}

function plainUnion(variants: readonly Json[]): Json {
  const others = variants.filter((variant) => variant["type"] !== "null");
  const isNullable = others.length < variants.length;
  const [only, ...more] = others;
  const constants = others.flatMap((variant) => ("const" in variant ? [variant["const"]] : []));
  if (constants.length === others.length) {
    return isNullable
      ? { type: ["string", "null"], enum: [...constants, null] }
      : { type: "string", enum: constants };
  }
  if (only === undefined || more.length > 0 || !isNullable) return { anyOf: variants };
  const type = only["type"];
  return typeof type === "string" ? { ...only, type: [type, "null"] } : { anyOf: variants };
}

function plainRecord(patternProperties: Json): Json {
  const [entry] = Object.entries(patternProperties);
  if (entry === undefined || !isObject(entry[1])) return {};
  return { propertyNames: { pattern: entry[0] }, additionalProperties: plain(entry[1]) };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
