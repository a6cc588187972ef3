/**
 * Every sum of the ledger anew, from the rows that a verification walks over, beside the stored ones.
 * They are added up by the same arithmetic as when they were written, in temporary tables of the same
 * names, which hide the stored ones from unqualified statements.
 */
import type { Database } from "bun:sqlite";
import type { Differences } from "./differences.ts";
import { createSums, type SummedAttempt, type SummedPosting, type Sums } from "./sums.ts";

type Summed = {
  readonly table: "spend" | "usage_days" | "tokens";
  /** With the time first, so that rows summed one after another lie side by side. */
  readonly key: readonly string[];
  readonly values: readonly string[];
};

const SPEND: Summed = {
  table: "spend",
  key: ["slot_start_ms", "scope_type", "scope_id"],
  values: ["posted_nano_usd"],
};
const USAGE: Summed = {
  table: "usage_days",
  key: ["day_start_ms", "tenant_id", "project_id", "token_id", "provider_id", "model"],
  values: [
    "requests",
    "attempts",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
  ],
};
/** When a token was last used is no sum, and a token may be gone; neither is compared. */
const TOKENS: Summed = { table: "tokens", key: ["id"], values: ["request_count"] };

/** Wrong rows told per table: more of them do not tell more. */
const TOLD_MAX = 1_000;

export class RecomputedSums {
  readonly #sqlite: Database;
  readonly #sums: Sums;

  constructor(sqlite: Database) {
    this.#sqlite = sqlite;
    for (const { table, key, values } of [SPEND, USAGE, TOKENS]) {
      // No value refuses anything: what was tampered with has to be told, not to end the work.
      const columns = [...key, ...values];
      const more = table === "tokens" ? "last_used_at_ms," : "";
      sqlite.exec(
        `create temp table ${table} (${columns.join(", ")}, ${more} primary key (${key.join(", ")}))`,
      );
    }
    sqlite.exec("insert into temp.tokens select id, 0, null from main.tokens");
    this.#sums = createSums(sqlite);
  }

  countRequest(tokenId: string, atMs: number): void {
    this.#sums.countRequest(tokenId, atMs);
  }

  addPosting(attempt: SummedAttempt, posting: SummedPosting): void {
    this.#sums.addPosting(attempt, posting);
  }

  /** Brings what was added to the temporary tables; often enough, that bounds the memory. */
  write(): void {
    this.#sums.write();
  }

  compare(differences: Differences): void {
    for (const summed of [SPEND, USAGE, TOKENS]) {
      this.#compareStored(summed, differences);
      this.#findUnstored(summed, differences);
    }
  }

  /** Stored sums that differ from what they should be. */
  #compareStored({ table, key, values }: Summed, differences: Differences): void {
    const both = values.flatMap((name) => [`s.${name}`, `r.${name}`]);
    const differ = values.map((name) => `s.${name} is not r.${name}`);
    const statement = this.#sqlite.prepare(
      `select ${[...key.map((name) => `s.${name}`), ...both].join(", ")}
       from main.${table} s left join temp.${table} r on ${sameKey(key, "+")}
       where ${differ.join(" or ")} limit ${TOLD_MAX}`,
    );
    for (const found of statement.values()) {
      const row = found.slice(0, key.length).join(" ");
      for (const [place, name] of values.entries()) {
        const [stored, recomputed] = found.slice(key.length + 2 * place);
        if (stored === recomputed) continue;
        const should = recomputed === null ? "no such row" : String(recomputed);
        differences.add(table, row, `${name} is ${String(stored)}, its entries say ${should}`);
      }
    }
  }

  /** Sums that should be stored and are not. */
  #findUnstored({ table, key }: Summed, differences: Differences): void {
    const statement = this.#sqlite.prepare(
      `select ${key.map((name) => `r.${name}`).join(", ")}
       from temp.${table} r left join main.${table} s on ${sameKey(key)}
       where s.${key[0] ?? ""} is null limit ${TOLD_MAX}`,
    );
    for (const found of statement.values()) {
      differences.add(table, found.join(" "), "is not there although entries add up to it");
    }
  }
}

/**
 * `plus` keeps the types of the stored columns out of the comparison: the temporary ones have none
 * and would have to be converted row by row, which no index of theirs could serve.
 */
function sameKey(key: readonly string[], plus: "" | "+" = ""): string {
  return key.map((name) => `${plus}s.${name} = r.${name}`).join(" and ");
}
