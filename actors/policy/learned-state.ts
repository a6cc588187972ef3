/**
 * What was learned as it is kept between runs: rows of plain JSON. What comes back from a disk is not
 * trusted: a row that is not what was saved is left out with a reason, and the rest is used.
 */
import { LIMITS } from "../../src/base/limits.ts";

/** `ownerId` is an access token's for output sizes, a provider's for input factors. */
export type LearnedRow = {
  readonly ownerId: string;
  readonly model: string;
  readonly state: unknown;
};

export type Restored<T> = {
  readonly learned: T;
  /** One sentence for each row that was left out. */
  readonly ignored: readonly string[];
};

/** Calls `restore` for the rows that may be right; it says what is wrong with one, or null. */
export function restoreRows(
  rows: readonly LearnedRow[],
  rowsMax: number,
  restore: (row: LearnedRow) => string | null,
): string[] {
  const ignored: string[] = [];
  let restored = 0;
  for (const row of rows) {
    const wrong = nameProblem(row) ?? (restored < rowsMax ? restore(row) : `${rowsMax} are kept`);
    if (wrong === null) restored += 1;
    else ignored.push(`${named(row.ownerId)}, ${named(row.model)}: ${wrong}`);
  }
  return ignored;
}

function nameProblem({ ownerId, model }: LearnedRow): string | null {
  for (const name of [ownerId, model] as readonly unknown[]) {
    if (typeof name !== "string" || name === "") return "it is of nobody or of no model";
    if (name.length > LIMITS.modelNameBytesMax) return "its name is too long";
  }
  if (ownerId.includes(" ")) return "its owner is no id";
  return null;
}

/** A name as a log line may show it, whatever it is. */
function named(name: unknown): string {
  return JSON.stringify(typeof name === "string" ? name.slice(0, 64) : typeof name);
}

/** A member of what may not even be an object. */
export function memberOf(state: unknown, name: string): unknown {
  if (typeof state !== "object" || state === null) return undefined;
  return new Map<string, unknown>(Object.entries(state)).get(name);
}
