/**
 * The pieces that request and answer shapes are made of. Shapes are TypeBox schemas: one source for
 * the types of the use-cases, the validation of what comes in, and the OpenAPI document.
 *
 * Annotations of our own ride along: `x-must` finishes the sentence "NAME must …" when a value is
 * wrong, `x-planned` lists values of the contract that this version does not have yet, `x-fixed` the
 * members that only creation may set, and `x-read-only` those that only Tollgate sets.
 */
import { FormatRegistry, Kind, type TProperties, type TSchema, Type } from "@sinclair/typebox";
import { LIMITS } from "../../base/limits.ts";
import { parseTime } from "../time.ts";

FormatRegistry.Set("date-time", (text) => parseTime(text) !== undefined);

export type Described = { readonly description: string };

/** What only Tollgate sets, of every noun. */
const READ_ONLY = ["id", "created_at", "version"] as const;

/** An object that refuses members it does not know. */
export function strict<P extends TProperties>(
  members: P,
  options: Described & {
    readonly "x-fixed"?: readonly string[];
    readonly "x-read-only"?: readonly string[];
  },
) {
  const readOnly = [...READ_ONLY, ...(options["x-read-only"] ?? [])];
  return Type.Object(members, {
    additionalProperties: false,
    ...options,
    "x-read-only": readOnly.filter((name) => !Object.hasOwn(members, name)),
  });
}

/** A member that null clears. */
export function nullable<S extends TSchema>(schema: S) {
  const { description } = schema;
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
}

/** One of some words; `planned` ones are refused as not available yet. */
export function oneOf<const W extends string>(
  words: readonly W[],
  options: Described & { readonly planned?: readonly string[] },
) {
  const { description, planned } = options;
  return Type.Unsafe<W>({
    [Kind]: "Union",
    anyOf: words.map((word) => Type.Literal(word)),
    description,
    ...(planned === undefined ? {} : { "x-planned": planned }),
  });
}

export const Id = (of: string) => Type.String({ description: `Id of the ${of}.` });

/** Text for people. Control characters would let it forge lines in logs and terminals. */
export const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: String.raw`^(?=.*\S)[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$`,
  "x-must": "be 1 to 200 characters without line breaks or other control characters",
  description: "Name for people; need not be unique.",
});

/** Why an operator does something; it stands in the log. */
export const Note = Type.String({
  maxLength: 500,
  pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$`,
  "x-must": "be at most 500 characters without line breaks or other control characters",
  description: "Why, for people who read the log.",
});

/** A public or upstream model name, as clients send it. */
export const ModelName = Type.String({
  minLength: 1,
  maxLength: LIMITS.modelNameBytesMax,
  pattern: String.raw`^(?!\s)(?!.*\s$)[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$`,
  "x-must": `be 1 to ${LIMITS.modelNameBytesMax} characters without control characters or surrounding spaces`,
  description: "Name of a model.",
});

export const Metadata = Type.Record(
  Type.String({ pattern: "^(?!__proto__$)[A-Za-z0-9_.:/-]{1,64}$" }),
  Type.String({ maxLength: 512, "x-must": "be a text of at most 512 characters" }),
  {
    additionalProperties: false,
    maxProperties: 50,
    "x-must": "be an object of at most 50 texts",
    "x-must-name": "be 1 to 64 letters, digits or the characters _ . : / -",
    description: "Texts of your own under names of your own; Tollgate does not read them.",
  },
);

/** Money as it comes in; the use-case reads it exactly. */
export const UsdInput = (description: string) =>
  Type.Union([Type.String({ maxLength: 40 }), Type.Number()], {
    "x-must": 'be an amount in US dollars with at most 9 decimals, such as "5.00"',
    description,
  });

/** Money as it goes out. */
export const Usd = (description: string) => Type.String({ description });

export const Price = (description: string) =>
  Type.Union([Type.String({ maxLength: 40 }), Type.Number()], {
    "x-must": 'be US dollars per million tokens with at most 6 decimals, such as "2.50"',
    description,
  });

export const Time = (description: string) => Type.String({ format: "date-time", description });

export const TimeInput = (description: string) =>
  Type.String({
    maxLength: 64,
    format: "date-time",
    "x-must": "be a time such as 2026-12-31T23:59:59Z",
    description,
  });

/** A whole number; `must` is derived from the bounds. */
export const Whole = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });

/** Read-only members that every configured thing has. */
export const Versioned = {
  created_at: Time("When it was created."),
  version: Type.Integer({ description: "Counts edits; send it as `if-match` to edit safely." }),
};

/** Query parameters of every list. */
export const Paging = {
  limit: Type.Optional(
    Whole(1, LIMITS.pageRowsMax, `Rows of one page, ${LIMITS.pageRowsDefault} by default.`),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 512, description: "`next_cursor` of the page before." }),
  ),
};

export const pageOf = <S extends TSchema>(row: S, description: string) =>
  Type.Object(
    {
      data: Type.Array(row),
      next_cursor: nullable(
        Type.String({ description: "Pass as `cursor` for the next page; null on the last." }),
      ),
    },
    { description },
  );
