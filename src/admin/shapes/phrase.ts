/**
 * What a value must be, as the end of a sentence that begins with "it must": derived from the shape,
 * or taken from its own `x-must`.
 */
import type { TSchema } from "@sinclair/typebox";

export function phrase(schema: TSchema): string {
  const own: unknown = schema["x-must"];
  if (typeof own === "string") return own;
  const variants: unknown = schema["anyOf"];
  if (Array.isArray(variants)) return unionPhrase(variants);
  switch (schema["type"]) {
    case "string":
      return `be a text${stringBounds(schema)}`;
    case "integer":
      return `be a whole number${numberBounds(schema)}`;
    case "number":
      return `be a number${numberBounds(schema)}`;
    case "boolean":
      return "be true or false";
    case "array":
      return `be a list${listBounds(schema)}`;
    case "object":
      return `be an object with ${Object.keys(schema["properties"] ?? {}).join(", ")}`;
    default:
      return "have another value";
  }
}

function unionPhrase(variants: readonly TSchema[]): string {
  const isNullable = variants.some((variant) => variant["type"] === "null");
  const others = variants.filter((variant) => variant["type"] !== "null");
  const constants = others.map((variant): unknown => variant["const"]);
  const [only] = others;
  const said = constants.every((constant) => constant !== undefined)
    ? `be ${constants.length > 1 ? "one of " : ""}${constants.map((value) => JSON.stringify(value)).join(", ")}`
    : only === undefined
      ? "be null"
      : phrase(only);
  return isNullable ? `${said}, or null` : said;
}

function stringBounds(schema: TSchema): string {
  const min: unknown = schema["minLength"];
  const max: unknown = schema["maxLength"];
  if (typeof max !== "number") return "";
  return typeof min === "number"
    ? ` of ${min} to ${max} characters`
    : ` of at most ${max} characters`;
}

function numberBounds(schema: TSchema): string {
  const min: unknown = schema["minimum"];
  const max: unknown = schema["maximum"];
  if (typeof min === "number" && typeof max === "number") return ` from ${min} to ${max}`;
  return typeof min === "number" ? ` of at least ${min}` : "";
}

function listBounds(schema: TSchema): string {
  const min: unknown = schema["minItems"];
  const max: unknown = schema["maxItems"];
  if (typeof max !== "number") return "";
  return typeof min === "number" ? ` of ${min} to ${max} items` : ` of at most ${max} items`;
}
