/**
 * The oracle's own eyes on the database file: a second connection that only reads, with SQL of its
 * own. It sees what is committed, and nothing else.
 */
import { Database } from "bun:sqlite";
import type {
  AttemptRow,
  BudgetTerms,
  Credit,
  LimitTerms,
  PostingRow,
  PriceTerms,
} from "./oracle-types.ts";

export type SpendRow = {
  readonly scopeKind: string;
  readonly scopeId: string;
  readonly slotStartMs: number;
  readonly nanoUsd: number;
};

export class LedgerView {
  readonly #sqlite: Database;
  readonly #attempts;
  readonly #postings;
  #attemptSeq = 0;
  #postingSeq = 0;

  constructor(file: string, seen: { readonly attemptSeq: number; readonly postingSeq: number }) {
    this.#sqlite = new Database(file, { readonly: true });
    this.#attemptSeq = seen.attemptSeq;
    this.#postingSeq = seen.postingSeq;
    this.#attempts = this.#sqlite.prepare<AttemptRow, [number]>(
      `select seq, id, request_id as requestId, number, tenant_id as tenantId,
         project_id as projectId, token_id as tokenId, end_user_id as endUserId,
         route_id as routeId, provider_id as providerId, model,
         held_nano_usd as heldNanoUsd, held_at_ms as heldAtMs
       from attempts where seq > ? order by seq`,
    );
    this.#postings = this.#sqlite.prepare<PostingRow, [number]>(
      `select seq, attempt_id as attemptId, kind, amount_nano_usd as amountNanoUsd, estimated, outcome
       from postings where seq > ? order by seq`,
    );
  }

  get seen(): { attemptSeq: number; postingSeq: number } {
    return { attemptSeq: this.#attemptSeq, postingSeq: this.#postingSeq };
  }

  /** Rows committed since the last look. */
  news(): { readonly attempts: AttemptRow[]; readonly postings: PostingRow[] } {
    const attempts = this.#attempts.all(this.#attemptSeq);
    const postings = this.#postings.all(this.#postingSeq);
    this.#attemptSeq = attempts.at(-1)?.seq ?? this.#attemptSeq;
    this.#postingSeq = postings.at(-1)?.seq ?? this.#postingSeq;
    return { attempts, postings };
  }

  /** Everything once more, to see that nothing that was written has changed. */
  everything(): { readonly attempts: AttemptRow[]; readonly postings: PostingRow[] } {
    return { attempts: this.#attempts.all(0), postings: this.#postings.all(0) };
  }

  openCount(): number {
    const row = this.#sqlite
      .query<{ n: number }, []>("select count(*) as n from open_attempts")
      .get();
    return row?.n ?? 0;
  }

  spend(): SpendRow[] {
    return this.#sqlite
      .query<SpendRow, []>(
        `select scope_type as scopeKind, scope_id as scopeId, slot_start_ms as slotStartMs,
           posted_nano_usd as nanoUsd from spend`,
      )
      .all();
  }

  usage(): { readonly tokenId: string; readonly nanoUsd: number; readonly attempts: number }[] {
    return this.#sqlite
      .query<{ tokenId: string; nanoUsd: number; attempts: number }, []>(
        `select token_id as tokenId, sum(cost_nano_usd) as nanoUsd, sum(attempts) as attempts
         from usage_days group by token_id`,
      )
      .all();
  }

  requestCounts(): ReadonlyMap<string, number> {
    const rows = this.#sqlite
      .query<{ id: string; n: number }, []>("select id, request_count as n from tokens")
      .all();
    return new Map(rows.map(({ id, n }) => [id, n]));
  }

  /** The rules as they stand in the file; after a crash only it knows which edits were made. */
  rules(): { budgets: BudgetTerms[]; limits: LimitTerms[]; prices: PriceTerms[] } {
    return { budgets: this.#budgets(), limits: this.#limits(), prices: this.#prices() };
  }

  #budgets(): BudgetTerms[] {
    const credits = this.#credits();
    const rows = this.#sqlite
      .query<Omit<BudgetTerms, "credits">, []>(
        `select id, scope_type as scopeKind, scope_id as scopeId, tenant_id as tenantId,
           amount_nano_usd as amountNanoUsd, window, time_zone as timeZone, mode from budgets`,
      )
      .all();
    return rows.map((row) => ({ ...row, credits: credits.get(row.id) ?? [] }));
  }

  #credits(): Map<string, Credit[]> {
    const rows = this.#sqlite
      .query<Credit & { readonly budgetId: string }, []>(
        `select budget_id as budgetId, kind, amount_nano_usd as amountNanoUsd,
           starts_at_ms as startsAtMs, expires_at_ms as expiresAtMs from credits order by id`,
      )
      .all();
    return Map.groupBy(rows, ({ budgetId }) => budgetId);
  }

  #limits(): LimitTerms[] {
    return this.#sqlite
      .query<LimitTerms, []>(
        `select id, scope_type as scopeKind, scope_id as scopeId, tenant_id as tenantId,
           requests_per_minute as requestsPerMinute, tokens_per_minute as tokensPerMinute,
           max_concurrent as maxConcurrent, burst from limits`,
      )
      .all();
  }

  #prices(): PriceTerms[] {
    return this.#sqlite
      .query<PriceTerms, []>(
        `select model as id, input_pico_usd as inputPicoUsd, output_pico_usd as outputPicoUsd,
           cached_input_pico_usd as cachedPicoUsd from prices`,
      )
      .all();
  }

  disabledProviders(): number {
    const row = this.#sqlite
      .query<{ n: number }, []>("select count(*) as n from providers where not enabled")
      .get();
    return row?.n ?? 0;
  }

  /** What the request log says that a request has cost. */
  requestCosts(): ReadonlyMap<string, number> {
    const rows = this.#sqlite
      .query<{ id: string; n: number }, []>("select id, cost_nano_usd as n from requests")
      .all();
    return new Map(rows.map(({ id, n }) => [id, n]));
  }

  suspendedTenants(): ReadonlySet<string> {
    const rows = this.#sqlite
      .query<{ id: string }, []>("select id from tenants where status = 'suspended'")
      .all();
    return new Set(rows.map(({ id }) => id));
  }

  close(): void {
    this.#sqlite.close();
  }
}
