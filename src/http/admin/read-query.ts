/**
 * Query parameters as values of their shape: numbers and flags are read, a parameter that is not
 * known or comes twice is refused, because ignoring a mistyped filter would list everything.
 */
import type { Static, TObject } from "@sinclair/typebox";
import { type AdminVerdict, refuse } from "../../admin/refusal.ts";
import { check } from "../../admin/shapes/check.ts";
import { unknownName } from "../../base/nearest.ts";

export function readQuery<Q extends TObject>(
  shape: Q,
  parameters: URLSearchParams,
): AdminVerdict<Static<Q>> {
  const value: Record<string, unknown> = {};
  for (const [name, text] of parameters) {
    const schema = Object.hasOwn(shape.properties, name) ? shape.properties[name] : undefined;
    if (schema === undefined) {
      const known = Object.keys(shape.properties);
      const sentence = unknownName("query parameter", JSON.stringify(name.slice(0, 100)), known);
      return refuse("invalid_request", `There is an ${sentence}.`, name);
    }
    if (Object.hasOwn(value, name)) {
      return refuse("invalid_request", `The query parameter ${name} comes twice.`, name);
    }
    value[name] = readParameter(schema["type"], text);
  }
  const checked = check(shape, value);
  if (checked.allowed) return checked;
  const { code, message, param } = checked.refusal;
  // Parameters have names, not places in a document.
  return refuse(code, message, param?.slice(1) ?? null);
}

/** The text itself when it is not what the type says, so that the check can complain about it. */
function readParameter(type: unknown, text: string): unknown {
  if (type === "integer" && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}
