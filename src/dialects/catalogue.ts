/** Every wire language by its name: the only place where a name becomes a dialect. */
import type { Dialect } from "./contract.ts";
import { openaiDialect } from "./openai/dialect.ts";

export const DIALECTS: Readonly<Record<"openai", Dialect>> = { openai: openaiDialect };

export type DialectName = keyof typeof DIALECTS;

/** The dialect of that name; undefined when there is none. */
export function dialectNamed(name: string): Dialect | undefined {
  return Object.hasOwn(DIALECTS, name) ? DIALECTS[name as DialectName] : undefined;
}
