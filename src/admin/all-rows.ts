/** Every row of a noun, page by page, for answers that need all of them. */
import { LIMITS } from "../base/limits.ts";
import type { Noun, Page, Rows, Store } from "../store/contract.ts";

/** Oldest first; `where` compares columns for equality. */
export async function allRows<N extends Noun>(
  store: Store,
  noun: N,
  where: Partial<Rows[N]>,
): Promise<readonly Rows[N][]> {
  const rows: Rows[N][] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Rows[N]> = await store.page(noun, where, {
      limit: LIMITS.pageRowsMax,
      cursor,
    });
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return rows;
}
