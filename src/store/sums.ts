/**
 * What a batch adds to the running sums: money per scope and quarter of an hour, usage per day,
 * requests per access token. Added up in memory first, because the rows of one batch mostly fall
 * into the same few sums.
 *
 * Invariant: sums are written in the transaction of the holds and postings they come from, so they
 * equal the ledger at every commit.
 */
import type { Database } from "bun:sqlite";
import { startOfUtcDayMs } from "../base/clock.ts";
import { scopesOf, type AttemptScopes, type ScopeType } from "../base/scope.ts";

/** Every calendar window of every time zone begins at a multiple of this. */
const SLOT_MS = 15 * 60_000;

/** What the sums need of an attempt. */
export type SummedAttempt = {
  readonly scopes: AttemptScopes;
  readonly number: number;
  readonly model: string;
  readonly heldAtMs: number;
};

export type SummedPosting = {
  readonly amountNanoUsd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
};

type Spend = [type: ScopeType, id: string, slotStartMs: number, amountNanoUsd: number];
type Usage = {
  readonly key: readonly [number, string, string, string, string, string];
  /** requests, attempts, input, output, cached input and reasoning tokens, cost. */
  readonly counts: [number, number, number, number, number, number, number];
};

export interface Sums {
  readonly countRequest: (tokenId: string, atMs: number) => void;
  readonly addPosting: (attempt: SummedAttempt, posting: SummedPosting) => void;
  /** Writes what was added and starts at zero again. */
  readonly write: () => void;
  /** Forgets what was added: its transaction was rolled back. */
  readonly clear: () => void;
}

export function createSums(sqlite: Database): Sums {
  const writeSpend = sqlite.prepare<unknown, Spend>(
    `insert into spend (scope_type, scope_id, slot_start_ms, posted_nano_usd) values (?, ?, ?, ?)
     on conflict do update set posted_nano_usd = posted_nano_usd + excluded.posted_nano_usd`,
  );
  const writeUsage = sqlite.prepare<unknown, [...Usage["key"], ...Usage["counts"]]>(USAGE_UPSERT);
  const writeToken = sqlite.prepare<unknown, [number, number, string]>(
    `update tokens set request_count = request_count + ?, last_used_at_ms = max(coalesce(last_used_at_ms, 0), ?)
     where id = ?`,
  );
  const spend = new Map<string, Spend>();
  const usage = new Map<string, Usage>();
  const tokens = new Map<string, { count: number; lastMs: number }>();
  const clear = (): void => {
    spend.clear();
    usage.clear();
    tokens.clear();
  };
  return {
    countRequest: (tokenId, atMs) => {
      const token = tokens.get(tokenId);
      if (token === undefined) tokens.set(tokenId, { count: 1, lastMs: atMs });
      else {
        token.count += 1;
        token.lastMs = Math.max(token.lastMs, atMs);
      }
    },
    addPosting: (attempt, posting) => {
      if (posting.amountNanoUsd !== 0) addSpend(spend, attempt, posting.amountNanoUsd);
      addUsage(usage, attempt, posting);
    },
    write: () => {
      for (const row of spend.values()) writeSpend.run(...row);
      for (const { key, counts } of usage.values()) writeUsage.run(...key, ...counts);
      for (const [id, { count, lastMs }] of tokens) writeToken.run(count, lastMs, id);
      clear();
    },
    clear,
  };
}

function addSpend(spend: Map<string, Spend>, attempt: SummedAttempt, amountNanoUsd: number): void {
  const slotStartMs = Math.floor(attempt.heldAtMs / SLOT_MS) * SLOT_MS;
  for (const { type, id } of scopesOf(attempt.scopes)) {
    const key = `${type} ${id} ${slotStartMs}`;
    const row = spend.get(key);
    if (row === undefined) spend.set(key, [type, id, slotStartMs, amountNanoUsd]);
    else row[3] += amountNanoUsd;
  }
}

function addUsage(usage: Map<string, Usage>, attempt: SummedAttempt, posting: SummedPosting): void {
  const { tenantId, projectId, tokenId, providerId } = attempt.scopes;
  const dayStartMs = startOfUtcDayMs(attempt.heldAtMs);
  const key = `${dayStartMs} ${tokenId} ${projectId ?? ""} ${providerId} ${attempt.model}`;
  let row = usage.get(key);
  if (row === undefined) {
    row = {
      key: [dayStartMs, tenantId, projectId ?? "", tokenId, providerId, attempt.model],
      counts: [0, 0, 0, 0, 0, 0, 0],
    };
    usage.set(key, row);
  }
  const { counts } = row;
  // An exchange counts once, with its first attempt.
  if (attempt.number === 1) counts[0] += 1;
  counts[1] += 1;
  counts[2] += posting.inputTokens;
  counts[3] += posting.outputTokens;
  counts[4] += posting.cachedInputTokens;
  counts[5] += posting.reasoningTokens;
  counts[6] += posting.amountNanoUsd;
}

const USAGE_COUNTS = [
  "requests",
  "attempts",
  "input_tokens",
  "output_tokens",
  "cached_input_tokens",
  "reasoning_tokens",
  "cost_nano_usd",
] as const;

const USAGE_UPSERT = `insert into usage_days
  (day_start_ms, tenant_id, project_id, token_id, provider_id, model, ${USAGE_COUNTS.join(", ")})
  values (${Array.from({ length: 6 + USAGE_COUNTS.length }, () => "?").join(", ")})
  on conflict do update set ${USAGE_COUNTS.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;
