/**
 * The simplest JSON value that fits a JSON Schema, for structured output and tool arguments: the
 * required members only, the first choice of every alternative. The work is bounded, because the
 * schema comes from the client and may refer to itself.
 */

import { isObject, type JsonObject } from "./json.ts";

/** Values made for one schema, and how deep they nest. */
const nodesMax = 1_000;
const depthMax = 64;
/** No text is padded beyond this, whatever length it must have. */
const charactersMax = 256;

/** A value for `schema`; what the bound cuts off becomes null. */
export function sampleOf(schema: unknown): unknown {
  return new Sampler(schema).sample(schema, 0);
}

/** Counts its work over one whole schema. */
class Sampler {
  readonly #root: unknown;
  #nodes = 0;

  constructor(root: unknown) {
    this.#root = root;
  }

  sample(schema: unknown, depth: number): unknown {
    this.#nodes += 1;
    // A bound reached is no error: the sample just ends there.
    if (!isObject(schema) || this.#nodes > nodesMax || depth > depthMax) {
      return null;
    }
    if (Object.hasOwn(schema, "const")) {
      return schema["const"];
    }
    if (Array.isArray(schema["enum"])) {
      return schema["enum"][0] ?? null;
    }
    if (typeof schema["$ref"] === "string") {
      return this.sample(this.#resolve(schema["$ref"]), depth + 1);
    }
    const alternatives = schema["anyOf"] ?? schema["oneOf"] ?? schema["allOf"];
    if (Array.isArray(alternatives)) {
      return this.sample(alternatives[0], depth + 1);
    }
    return this.#sampleType(schema, depth);
  }

  #sampleType(schema: JsonObject, depth: number): unknown {
    const named: unknown = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
    const type = named ?? (isObject(schema["properties"]) ? "object" : "null");
    switch (type) {
      case "object":
        return this.#sampleObject(schema, depth);
      case "array":
        return this.#sampleArray(schema, depth);
      case "string":
        return sampleString(schema);
      case "integer":
        return sampleNumber(schema, 1);
      case "number":
        return sampleNumber(schema, 0.5);
      case "boolean":
        return true;
      default:
        return null;
    }
  }

  #sampleObject(schema: JsonObject, depth: number): unknown {
    const properties = isObject(schema["properties"]) ? schema["properties"] : {};
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const names = required.filter((name) => typeof name === "string");
    return Object.fromEntries(
      names.map((name) => [
        name,
        this.sample(Object.hasOwn(properties, name) ? properties[name] : undefined, depth + 1),
      ]),
    );
  }

  #sampleArray(schema: JsonObject, depth: number): unknown {
    const items: unknown[] = [];
    const least = typeof schema["minItems"] === "number" ? schema["minItems"] : 0;
    while (items.length < least && this.#nodes <= nodesMax) {
      items.push(this.sample(schema["items"], depth + 1));
    }
    return items;
  }

  /** Follows `#/$defs/name`; anything else, such as an address on the network, is nothing. */
  #resolve(reference: string): unknown {
    if (reference !== "#" && !reference.startsWith("#/")) {
      return undefined;
    }
    let target: unknown = this.#root;
    for (const step of reference.split("/").slice(1)) {
      const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
      target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
    }
    return target;
  }
}

/** An example of each format that strict schemas may name. */
const formats: Readonly<Record<string, string>> = {
  date: "2025-01-01",
  "date-time": "2025-01-01T00:00:00Z",
  time: "00:00:00Z",
  email: "lorem@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  ipv4: "192.0.2.1",
};

/** A text of the format and of a length that is allowed. */
function sampleString(schema: JsonObject): string {
  const format = typeof schema["format"] === "string" ? formats[schema["format"]] : undefined;
  const least = typeof schema["minLength"] === "number" ? schema["minLength"] : 0;
  const most = typeof schema["maxLength"] === "number" ? schema["maxLength"] : charactersMax;
  return (format ?? "lorem")
    .padEnd(Math.min(least, charactersMax), ".")
    .slice(0, Math.max(0, most));
}

/** 0, or the number nearest to it that the bounds allow. */
function sampleNumber(schema: JsonObject, step: number): number {
  const bound = (name: string): number | undefined =>
    typeof schema[name] === "number" ? schema[name] : undefined;
  const above = bound("exclusiveMinimum");
  const below = bound("exclusiveMaximum");
  const least = bound("minimum") ?? (above === undefined ? -Infinity : above + step);
  const most = bound("maximum") ?? (below === undefined ? Infinity : below - step);
  return Math.min(Math.max(0, least), most);
}
