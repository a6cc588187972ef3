/**
 * The rules as operators set them, with the time in which each version may have been in force: from
 * the moment its edit was asked for until the next edit of it was acknowledged. In between, both may
 * decide; after a crash the file says which edits were made.
 */
import { isInScope } from "./in-scope.ts";
import type { AttemptRow, BudgetTerms, LimitTerms, Moment, PriceTerms } from "./oracle-types.ts";

/** One version of a rule; `untilOrder` null while it stands. */
type Version<T> = { readonly terms: T; readonly fromOrder: number; untilOrder: number | null };

/** One rule through all its versions; `isGone` from the acknowledged removal on. */
type History<T> = { readonly versions: Version<T | null>[] };

type Scoped = Pick<BudgetTerms, "id" | "scopeKind" | "scopeId" | "tenantId">;

/** An edit that was asked for; tell it how it ended. */
export type Pending = {
  readonly made: (order: number) => void;
  readonly refused: (order: number) => void;
};

export class Rules {
  readonly #budgets = new Map<string, History<BudgetTerms>>();
  readonly #limits = new Map<string, History<LimitTerms>>();
  readonly #prices = new Map<string, History<PriceTerms>>();

  /** An edit has begun; `terms` null removes. */
  editBudget(id: string, terms: BudgetTerms | null, order: number): Pending {
    return edit(this.#budgets, id, terms, order);
  }

  editLimit(id: string, terms: LimitTerms | null, order: number): Pending {
    return edit(this.#limits, id, terms, order);
  }

  editPrice(terms: PriceTerms, order: number): Pending {
    return edit(this.#prices, terms.id, terms, order);
  }

  /** After a crash: what stands in the file is in force, and nothing else. */
  stands(
    file: {
      readonly budgets: readonly BudgetTerms[];
      readonly limits: readonly LimitTerms[];
      readonly prices: readonly PriceTerms[];
    },
    order: number,
  ): void {
    stand(this.#budgets, file.budgets, order);
    stand(this.#limits, file.limits, order);
    stand(this.#prices, file.prices, order);
  }

  /** For each budget of an attempt's chain, the versions that may have decided at that moment. */
  budgetsAt(moment: Moment, row: AttemptRow): BudgetTerms[][] {
    const found = chosen(this.#budgets, moment, row);
    // What holds for each end user does not for one with a budget of their own.
    return this.#mayHaveOwn(moment, row) ? found.filter(([terms]) => !isForEach(terms)) : found;
  }

  #mayHaveOwn(moment: Moment, { tenantId, endUserId }: AttemptRow): boolean {
    return [...this.#budgets.values()].some((history) =>
      standingAt(history, moment).some(
        ({ terms }) =>
          terms?.scopeKind === "end_user" &&
          terms.tenantId === tenantId &&
          terms.scopeId === endUserId,
      ),
    );
  }

  limitsAt(moment: Moment, row: AttemptRow): LimitTerms[][] {
    return chosen(this.#limits, moment, row);
  }

  /** Versions of a model's price in force at any time between two orders. */
  pricesBetween(model: string, fromOrder: number, toOrder: number): PriceTerms[] {
    return (this.#prices.get(model)?.versions ?? []).flatMap((version) => {
      const isOver = version.untilOrder !== null && version.untilOrder < fromOrder;
      return isOver || version.fromOrder > toOrder || version.terms === null ? [] : [version.terms];
    });
  }

  /** The budget as it stands; null when it is gone or an edit of it is under way. */
  budgetNow(id: string): BudgetTerms | null {
    const standing = (this.#budgets.get(id)?.versions ?? []).filter(
      ({ untilOrder }) => untilOrder === null,
    );
    return standing.length === 1 ? (standing[0]?.terms ?? null) : null;
  }

  limitNow(id: string): LimitTerms | null {
    const standing = (this.#limits.get(id)?.versions ?? []).filter(
      ({ untilOrder }) => untilOrder === null,
    );
    return standing.length === 1 ? (standing[0]?.terms ?? null) : null;
  }

  budgetsNow(): BudgetTerms[] {
    return [...this.#budgets.keys()].flatMap((id) => this.budgetNow(id) ?? []);
  }

  limitsNow(): LimitTerms[] {
    return [...this.#limits.values()].flatMap(({ versions }) =>
      versions.flatMap(({ terms, untilOrder }) => (untilOrder === null && terms ? [terms] : [])),
    );
  }
}

function stand<T extends { readonly id: string }>(
  histories: ReadonlyMap<string, History<T>>,
  found: readonly T[],
  order: number,
): void {
  for (const [id, { versions }] of histories) {
    for (const version of versions) version.untilOrder ??= order;
    const terms = found.find((one) => one.id === id) ?? null;
    versions.push({ terms, fromOrder: order, untilOrder: null });
  }
}

function edit<T>(
  histories: Map<string, History<T>>,
  id: string,
  terms: T | null,
  order: number,
): Pending {
  const unmade: History<T> = { versions: [{ terms: null, fromOrder: 0, untilOrder: null }] };
  const history = histories.get(id) ?? unmade;
  histories.set(id, history);
  const { versions } = history;
  const before = versions.filter(({ untilOrder }) => untilOrder === null);
  const version: Version<T | null> = { terms, fromOrder: order, untilOrder: null };
  versions.push(version);
  return {
    made: (at) => {
      for (const one of before) one.untilOrder ??= at;
    },
    refused: (at) => {
      version.untilOrder ??= at;
    },
  };
}

function isForEach(terms: BudgetTerms | undefined): boolean {
  return terms?.scopeKind === "end_user" && terms.scopeId === "*";
}

function standingAt<T>({ versions }: History<T>, { order }: Moment): Version<T | null>[] {
  return versions.filter(
    ({ fromOrder, untilOrder }) =>
      fromOrder <= order && (untilOrder === null || order <= untilOrder),
  );
}

function chosen<T extends Scoped>(
  histories: ReadonlyMap<string, History<T>>,
  moment: Moment,
  row: AttemptRow,
): T[][] {
  const found: T[][] = [];
  for (const history of histories.values()) {
    const standing = standingAt(history, moment);
    // Where the rule may not have been there at all, it may not have decided.
    if (standing.some(({ terms }) => terms === null)) continue;
    const terms = standing.flatMap((one) => one.terms ?? []);
    if (terms.length > 0 && terms.every((one) => isInScope(row, one))) found.push(terms);
  }
  return found;
}
