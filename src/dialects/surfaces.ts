/**
 * Every way into the client API, as one table: which path is which surface, in which wire language its
 * bodies are, and how what it gives is paid. Routes are mounted from it and from nothing else, so a
 * path that is not here does not exist, and none can be without a meter.
 */

import type { DialectName } from "../base/dialect.ts";

/**
 * How a surface is paid. free: it costs nothing at any provider, so it needs no price and holds nothing;
 * whoever may spend nothing more is refused all the same.
 */
export type Meter = "tokens" | "free";

export type SurfaceSpec = {
  readonly dialect: DialectName;
  readonly method: "POST";
  /** `{model}` stands for the model's name, which may hold slashes. */
  readonly paths: readonly string[];
  readonly meter: Meter;
};

export const SURFACES = {
  chat: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/chat/completions"],
    meter: "tokens",
  },
  embeddings: {
    dialect: "openai",
    method: "POST",
    paths: ["/v1/embeddings"],
    meter: "tokens",
  },
} as const satisfies Readonly<Record<string, SurfaceSpec>>;

export type Surface = keyof typeof SURFACES;

export function meterOf(surface: Surface): Meter {
  return SURFACES[surface].meter;
}
