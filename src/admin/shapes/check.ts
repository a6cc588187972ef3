/**
 * Checks a value against a shape and, when it does not fit, says in one sentence which member is
 * wrong and what it must be. Unknown members come first: a mistyped name is the likely cause of
 * everything else that is wrong with an object.
 */
import type { Static, TSchema } from "@sinclair/typebox";
import { Value, type ValueError, ValueErrorType } from "@sinclair/typebox/value";
import { nearest } from "../../base/nearest.ts";
import { type AdminRefused, type AdminVerdict, allow, refuse } from "../refusal.ts";
import { phrase } from "./phrase.ts";

/** Errors looked at before choosing which one to tell; hostile input may hold any number. */
const ERRORS_MAX = 100;

/** The value, typed, or a refusal with `param` as a JSON pointer. */
export function check<S extends TSchema>(schema: S, value: unknown): AdminVerdict<Static<S>> {
  return Value.Check(schema, value) ? allow(value) : refuseShape(schema, value);
}

function refuseShape(schema: TSchema, value: unknown): AdminRefused {
  const errors = someErrors(schema, value, "");
  const error = errors.find(isUnknownMember) ?? errors[0];
  if (error === undefined) return refuse("invalid_request", "The body is not valid.");
  const { path } = error;
  const name = path === "" ? "The body" : nameOf(path);
  if (isUnknownMember(error)) return refuseUnknown(schema, path);
  if (error.type === ValueErrorType.ObjectRequiredProperty) {
    return refuse("invalid_request", `${name} is required: it must ${phrase(error.schema)}.`, path);
  }
  const planned: unknown = error.schema["x-planned"];
  if (Array.isArray(planned) && planned.includes(error.value)) {
    const sentence = `${name} cannot be ${JSON.stringify(error.value)} in this version: it must ${phrase(error.schema)}.`;
    return refuse("unprocessable", sentence, path);
  }
  return refuse("invalid_request", `${name} must ${phrase(error.schema)}.`, pointerOrNull(path));
}

type Fault = Pick<ValueError, "type" | "path" | "schema" | "value">;

function someErrors(schema: TSchema, value: unknown, prefix: string): Fault[] {
  const found: Fault[] = [];
  for (const error of Value.Errors(schema, value)) {
    const { type, path, schema: inner, value: wrong } = error;
    found.push(...unionErrors({ type, path: prefix + path, schema: inner, value: wrong }));
    if (found.length >= ERRORS_MAX) break;
  }
  return found;
}

/** A union says only that nothing fits; when an object or list was meant, what is wrong inside. */
function unionErrors(error: Fault): Fault[] {
  if (error.type !== ValueErrorType.Union) return [error];
  const variants: unknown = error.schema["anyOf"];
  if (!Array.isArray(variants)) return [error];
  const meant: TSchema | undefined = variants.find(
    (variant: TSchema) => variant["type"] === typeName(error.value),
  );
  const isContainer = typeof error.value === "object" && error.value !== null;
  if (meant === undefined || !isContainer) return [error];
  return someErrors(meant, error.value, error.path);
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}

function isUnknownMember(error: Fault): boolean {
  return error.type === ValueErrorType.ObjectAdditionalProperties;
}

/** Says why a member is not taken: fixed, read-only, or mistyped and what was probably meant. */
function refuseUnknown(schema: TSchema, path: string): AdminRefused {
  const parent = schemaAt(schema, path.split("/").slice(1, -1));
  const name = decodePointer(path.split("/").at(-1) ?? "");
  const fixed: unknown = parent?.["x-fixed"];
  if (Array.isArray(fixed) && fixed.includes(name)) {
    const sentence = `${name} is set when it is created and cannot be changed.`;
    return refuse("invalid_request", sentence, path);
  }
  const readOnly: unknown = parent?.["x-read-only"];
  if (Array.isArray(readOnly) && readOnly.includes(name)) {
    return refuse("invalid_request", `${name} is read-only: Tollgate sets it.`, path);
  }
  const mustName: unknown = parent?.["x-must-name"];
  if (typeof mustName === "string") {
    const sentence = `The name ${JSON.stringify(name)} must ${mustName}.`;
    return refuse("invalid_request", sentence, path);
  }
  const known = Object.keys(parent?.["properties"] ?? {});
  const closest = nearest(name.slice(0, 100), known);
  const hint = closest === undefined ? "" : `; the nearest known one is ${closest}`;
  const sentence = `${JSON.stringify(name)} is not a member that can be set here${hint}.`;
  return refuse("invalid_request", sentence, path);
}

/** The schema of the object at a pointer; undefined when it is reached through a union of several. */
function schemaAt(schema: TSchema, segments: readonly string[]): TSchema | undefined {
  const variants: unknown = schema["anyOf"];
  const plain: TSchema = Array.isArray(variants)
    ? (variants.find((variant: TSchema) => variant["type"] !== "null") ?? schema)
    : schema;
  const [first, ...rest] = segments;
  if (first === undefined) return plain;
  const inner: TSchema | undefined =
    plain["type"] === "array" ? plain["items"] : plain["properties"]?.[decodePointer(first)];
  return inner === undefined ? undefined : schemaAt(inner, rest);
}

function nameOf(path: string): string {
  return path.slice(1).replaceAll("/", ".");
}

function pointerOrNull(path: string): string | null {
  return path === "" ? null : path;
}

function decodePointer(segment: string): string {
  return segment.replaceAll("~1", "/").replaceAll("~0", "~");
}
