/** Names for the ids that rows hold, many at a time and in steps, so that no hold waits for all. */
import { inArray } from "drizzle-orm";
import type { NamedNoun } from "./contract.ts";
import type { Connection } from "./database.ts";
import { NOUN_TABLES } from "./nouns.ts";
import type { Steps } from "./walks.ts";

/** Ids looked up by one query: about a millisecond, and far below what SQLite can bind. */
const STEP_IDS = 500;

/** Ids with their names, without those that do not exist; `stepIds` is a parameter for tests. */
export function* names(
  orm: Connection["orm"],
  noun: NamedNoun,
  ids: readonly string[],
  stepIds: number = STEP_IDS,
): Steps<readonly (readonly [id: string, name: string])[]> {
  const { id, name } = NOUN_TABLES[noun];
  const found: [string, string][] = [];
  for (let start = 0; start < ids.length; start += stepIds) {
    if (start > 0) yield;
    const step = ids.slice(start, start + stepIds);
    const rows = orm.select({ id, name }).from(NOUN_TABLES[noun]).where(inArray(id, step)).all();
    for (const row of rows) found.push([row.id, row.name]);
  }
  return found;
}
