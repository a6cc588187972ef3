/**
 * The simulated operators: they make and change rules through the admin use-cases while requests are
 * under way, and tell the oracle what they asked for and what they were told.
 */
import type { AdminDeps } from "../../src/admin/deps.ts";
import { editRow, insertRow, removeRow } from "../../src/admin/write.ts";
import type { BudgetRow, LimitRow } from "../../src/store/contract.ts";
import type { BudgetTerms, Credit, LimitTerms, ModelName } from "./oracle-types.ts";
import type { Pending, Rules } from "./oracle-rules.ts";
import type { Edit, Plan } from "./plan.ts";
import { PRICE_IDS, PROVIDERS, RATES, TENANTS } from "./town.ts";
import type { World } from "./world.ts";

export class Operator {
  /** Edits that have had no answer yet. */
  pending = 0;
  edits = 0;
  readonly #world: World;
  readonly #rules: Rules;
  readonly #plan: Plan;

  readonly #postedNow: (terms: BudgetTerms) => number;
  #credits = 0;

  constructor(world: World, rules: Rules, plan: Plan, postedNow: (terms: BudgetTerms) => number) {
    this.#postedNow = postedNow;
    this.#world = world;
    this.#rules = rules;
    this.#plan = plan;
  }

  /** Makes the plan's rules, before the first request. */
  async setUp(admin: AdminDeps): Promise<void> {
    for (const name of ["near", "far"] as const) {
      const value = this.#plan.providers[name];
      const edit = editRow(admin, "providers", PROVIDERS[name], null, () => ({
        allowed: true,
        value,
      }));
      await this.#do(null, edit);
    }
    for (const model of ["fast", "safe", "wide"] as const) {
      const { inputPicoUsd, outputPicoUsd, cachedPicoUsd } = RATES[model];
      const terms = { id: model, inputPicoUsd, outputPicoUsd, cachedPicoUsd };
      this.#rules.editPrice(terms, this.#next()).made(this.#next());
    }
    for (const budget of this.#plan.budgets) await this.#addBudget(admin, budget);
    for (const limit of this.#plan.limits) {
      const pending = this.#rules.editLimit(limit.id, limit, this.#next());
      const { scopeKind: scopeType, ...row } = limit;
      await this.#do(pending, insertRow(admin, "limits", { ...BASE, ...row, scopeType }));
    }
  }

  async edit(admin: AdminDeps, edit: Edit): Promise<void> {
    this.#world.note(`operator ${JSON.stringify(edit)}`);
    switch (edit.do) {
      case "add":
        return await this.#addBudget(admin, edit.budget);
      case "remove": {
        const id = this.#budgetId(edit.budget);
        const pending = this.#rules.editBudget(id, null, this.#next());
        return await this.#do(pending, removeRow(admin, "budgets", id));
      }
      case "amount":
        return await this.#changeBudget(admin, edit.budget, { amountNanoUsd: edit.amountNanoUsd });
      case "mode":
        return await this.#changeBudget(admin, edit.budget, { mode: edit.mode });
      case "limit":
        return await this.#changeLimit(admin, edit.limit, { maxConcurrent: edit.maxConcurrent });
      case "provider": {
        const change = { allowed: true, value: edit.change } as const;
        const id = PROVIDERS[edit.provider];
        return await this.#do(
          null,
          editRow(admin, "providers", id, null, () => change),
        );
      }
      case "top_up": {
        const { forMs, amountNanoUsd } = edit;
        const startsAtMs = admin.clock.nowMs();
        const expiresAtMs = forMs === null ? null : startsAtMs + forMs;
        const credit = { kind: "top_up", amountNanoUsd, startsAtMs, expiresAtMs } as const;
        return await this.#addCredit(admin, edit.budget, () => credit);
      }
      case "reset":
        return await this.#addCredit(admin, edit.budget, (terms) => ({
          kind: "reset",
          amountNanoUsd: this.#postedNow(terms),
          startsAtMs: admin.clock.nowMs(),
          expiresAtMs: null,
        }));
      case "price":
        return await this.#setPrice(admin, edit.model, edit.times);
      case "status": {
        const { status } = edit;
        const id = TENANTS[edit.tenant] ?? "";
        const change = { allowed: true, value: { status } } as const;
        return await this.#do(
          null,
          editRow(admin, "tenants", id, null, () => change),
        );
      }
    }
  }

  async #setPrice(admin: AdminDeps, model: ModelName, times: number): Promise<void> {
    const { inputPicoUsd, outputPicoUsd, cachedPicoUsd } = RATES[model];
    const terms = {
      id: model,
      inputPicoUsd: inputPicoUsd * times,
      outputPicoUsd: outputPicoUsd * times,
      cachedPicoUsd: cachedPicoUsd === null ? null : cachedPicoUsd * times,
    };
    const pending = this.#rules.editPrice(terms, this.#next());
    const { id: _, cachedPicoUsd: cachedInputPicoUsd, ...rest } = terms;
    const verdict = { allowed: true, value: { ...rest, cachedInputPicoUsd } } as const;
    const write = editRow(admin, "prices", PRICE_IDS[model], null, () => verdict);
    await this.#do(pending, write);
  }

  async #addBudget(admin: AdminDeps, budget: BudgetTerms): Promise<void> {
    const pending = this.#rules.editBudget(budget.id, budget, this.#next());
    const { scopeKind: scopeType, credits: _, ...row } = budget;
    const usual = { anchor: null, onHoldReached: onHoldReached(budget), alertThresholds: [0.5] };
    await this.#do(pending, insertRow(admin, "budgets", { ...BASE, ...usual, ...row, scopeType }));
  }

  /** Credits of an account for each end user are another end user's affair. */
  async #addCredit(
    admin: AdminDeps,
    index: number,
    creditOf: (terms: BudgetTerms) => Credit,
  ): Promise<void> {
    const budgetId = this.#budgetId(index);
    const before = this.#rules.budgetNow(budgetId);
    if (before === null || before.amountNanoUsd === null) return;
    if (before.scopeKind === "end_user" && before.scopeId === "*") return;
    const credit = creditOf(before);
    if (credit.amountNanoUsd <= 0) return;
    const after = { ...before, credits: [...before.credits, credit] };
    const pending = this.#rules.editBudget(budgetId, after, this.#next());
    this.#credits += 1;
    const id = `crd_${String(this.#credits).padStart(32, "0")}`;
    const row = { ...BASE, id, budgetId, endUserId: null, note: null, ...credit };
    await this.#do(pending, insertRow(admin, "credits", row));
  }

  async #changeBudget(
    admin: AdminDeps,
    index: number,
    change: Partial<Pick<BudgetRow & BudgetTerms, "amountNanoUsd" | "mode">>,
  ): Promise<void> {
    const id = this.#budgetId(index);
    const before = this.#rules.budgetNow(id);
    if (before === null) return;
    const pending = this.#rules.editBudget(id, { ...before, ...change }, this.#next());
    const verdict = { allowed: true, value: change } as const;
    await this.#do(
      pending,
      editRow(admin, "budgets", id, null, () => verdict),
    );
  }

  async #changeLimit(
    admin: AdminDeps,
    index: number,
    change: Partial<Pick<LimitRow & LimitTerms, "maxConcurrent">>,
  ): Promise<void> {
    const id = this.#plan.limits[index]?.id ?? "";
    const before = this.#rules.limitNow(id);
    if (before === null) return;
    const pending = this.#rules.editLimit(id, { ...before, ...change }, this.#next());
    const verdict = { allowed: true, value: change } as const;
    await this.#do(
      pending,
      editRow(admin, "limits", id, null, () => verdict),
    );
  }

  /** An edit that fails may have been made all the same: then both versions stand. */
  async #do(pending: Pending | null, work: Promise<{ readonly allowed: boolean }>): Promise<void> {
    this.pending += 1;
    this.edits += 1;
    try {
      const { allowed } = await work;
      if (allowed) pending?.made(this.#next());
      else pending?.refused(this.#next());
      this.#world.note(`operator told ${allowed}`);
    } catch {
      // The store was in trouble; what it made of the edit only the file knows.
      this.#world.note("operator not told");
    } finally {
      this.pending -= 1;
    }
  }

  #budgetId(index: number): string {
    return this.#plan.budgets[index]?.id ?? "";
  }

  #next(): number {
    this.#world.order += 1;
    return this.#world.order;
  }
}

/** Half of the budgets want a stream stopped that reaches its hold. */
function onHoldReached({ id }: BudgetTerms): "stop" | "finish_and_bill" {
  return Bun.hash.crc32(id) % 2 === 0 ? "stop" : "finish_and_bill";
}

const BASE = { version: 1, createdAtMs: 0 };
