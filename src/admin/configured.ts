/**
 * What every configured noun can do, the same for all of them: create, list, get, change, remove. A
 * noun's own file says how its shapes become rows and rows become answers.
 */
import { LIMITS } from "../base/limits.ts";
import type { Noun, PageQuery, Rows } from "../store/contract.ts";
import type { AdminDeps } from "./deps.ts";
import { type AdminVerdict, allow } from "./refusal.ts";
import { type Edit, editRow, insertRow, missing, removeRow } from "./write.ts";

export type Page<T> = { data: T[]; next_cursor: string | null };

/** The paging members that every filter has. */
export type Paged = { readonly limit?: number; readonly cursor?: string };

export interface Configured<Answer, Input, Change, Filter extends Paged> {
  readonly create: (input: Input) => Promise<AdminVerdict<Answer>>;
  readonly list: (filter: Filter) => Promise<AdminVerdict<Page<Answer>>>;
  readonly get: (id: string) => Promise<AdminVerdict<Answer>>;
  /** `ifVersion` refuses an edit of another version than that; null edits whatever is there. */
  readonly change: (
    id: string,
    change: Change,
    ifVersion: number | null,
  ) => Promise<AdminVerdict<Answer>>;
  readonly remove: (id: string) => Promise<AdminVerdict<null>>;
}

type Soon<T> = T | Promise<T>;

export type Translation<N extends Noun, Answer, Change, Filter> = {
  readonly editOf: (change: Change) => Edit<N>;
  /** null: nothing can match. */
  readonly whereOf: (filter: Filter) => Soon<Partial<Rows[N]> | null>;
  /** In the order of the rows; a row that is not in force at this moment may be left out. */
  readonly show: (rows: readonly Rows[N][]) => Soon<Answer[]>;
};

/** Everything but creating, for the noun whose creation answers with more than the row. */
export function existing<N extends Noun, Answer, Change, Filter extends Paged>(
  deps: AdminDeps,
  noun: N,
  translation: Translation<N, Answer, Change, Filter>,
): Omit<Configured<Answer, never, Change, Filter>, "create"> {
  const { editOf, whereOf, show } = translation;
  return {
    list: async (filter) => {
      const where = await whereOf(filter);
      if (where === null) return allow({ data: [], next_cursor: null });
      const page = await deps.store.page(noun, where, pageQuery(filter));
      return allow({ data: await show(page.rows), next_cursor: page.nextCursor });
    },
    get: async (id) => {
      const row = await deps.store.get(noun, id);
      return row === null ? missing(noun, id) : showOne(noun, row, show);
    },
    change: async (id, change, ifVersion) => {
      const written = await editRow(deps, noun, id, ifVersion, editOf(change));
      return written.allowed ? showOne(noun, written.value, show) : written;
    },
    remove: (id) => removeRow(deps, noun, id),
  };
}

export function configured<N extends Noun, Answer, Input, Change, Filter extends Paged>(
  deps: AdminDeps,
  noun: N,
  translation: Translation<N, Answer, Change, Filter> & {
    readonly rowOf: (input: Input) => Soon<AdminVerdict<Rows[N]>>;
  },
): Configured<Answer, Input, Change, Filter> {
  const { rowOf, show } = translation;
  return {
    ...existing(deps, noun, translation),
    create: async (input) => {
      const row = await rowOf(input);
      if (!row.allowed) return row;
      const written = await insertRow(deps, noun, row.value);
      return written.allowed ? showOne(noun, written.value, show) : written;
    },
  };
}

async function showOne<N extends Noun, Answer>(
  noun: N,
  row: Rows[N],
  show: (rows: readonly Rows[N][]) => Soon<Answer[]>,
): Promise<AdminVerdict<Answer>> {
  const [answer] = await show([row]);
  return answer === undefined ? missing(noun, row.id) : allow(answer);
}

export function pageQuery(filter: Paged): PageQuery {
  return { limit: filter.limit ?? LIMITS.pageRowsDefault, cursor: filter.cursor ?? null };
}
