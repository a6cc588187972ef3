/**
 * The results of a run, as they are kept in its file. In the file members are `snake_case` like in
 * every JSON of ours; what could not be measured is null there and undefined here.
 */
import type { Goal } from "./goals.ts";
import type { Machine } from "./machine.ts";
import type { Measurements } from "./measurements.ts";

/** A whole run: the measurements, and what they were made with. */
export type SuiteResults = Measurements & {
  readonly kind: "suite";
  readonly profile: "full" | "quick";
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  readonly tollgateStartMs: number;
  /** The upstream's time between two frames. */
  readonly framePaceMs: number;
  readonly streamRounds: number;
  readonly streamRampMs: number;
  readonly goals: readonly Goal[];
};

/** Results as text for a file: indented JSON with `snake_case` members. */
export function resultsJson(results: object): string {
  return `${JSON.stringify(snakeCase(results), undefined, 2)}\n`;
}

function snakeCase(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "number") return Number.isInteger(value) ? value : round(value);
  if (Array.isArray(value)) return value.map((item) => snakeCase(item));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    snakeCase(member),
  ]);
  return Object.fromEntries(members);
}

/** Six decimals are more than any measurement here is good for, and readable. */
function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
