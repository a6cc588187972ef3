/**
 * Verifies the other side of the ledger: the chain, an attempt for every posting, a corrected posting
 * for every correction, amounts in range. What it walks over is summed anew.
 */
import type { Database } from "bun:sqlite";
import { postingLink } from "./chain.ts";
import { walkChain } from "./chain-walk.ts";
import type { Differences } from "./differences.ts";
import type { RecomputedSums } from "./verify-sums.ts";

type Row = {
  readonly seq: number;
  readonly attemptId: string;
  readonly kind: "settle" | "void" | "expire" | "correct";
  readonly amountNanoUsd: number;
  readonly estimated: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  readonly details: string | null;
  readonly status: number | null;
  readonly outcome: string;
  readonly latencyMs: number;
  readonly postedAtMs: number;
  readonly corrects: number | null;
  readonly chain: unknown;
  /** Whose posting the corrected one is; null also where nothing is corrected. */
  readonly correctedAttemptId: string | null;
} & (HeldColumns | { readonly [M in keyof HeldColumns]: null });

/** Of the attempt; all of them null when it is not there. */
type HeldColumns = {
  readonly number: number;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly tokenId: string;
  readonly endUserId: string | null;
  readonly routeId: string | null;
  readonly providerId: string;
  readonly model: string;
  readonly heldAtMs: number;
};

const ROWS = `select p.seq, p.attempt_id as attemptId, p.kind, p.amount_nano_usd as amountNanoUsd,
    p.estimated, p.input_tokens as inputTokens, p.output_tokens as outputTokens,
    p.cached_input_tokens as cachedInputTokens, p.reasoning_tokens as reasoningTokens, p.details,
    p.status, p.outcome, p.latency_ms as latencyMs, p.posted_at_ms as postedAtMs, p.corrects, p.chain,
    c.attempt_id as correctedAttemptId, a.number, a.tenant_id as tenantId, a.project_id as projectId,
    a.token_id as tokenId, a.end_user_id as endUserId, a.route_id as routeId,
    a.provider_id as providerId, a.model, a.held_at_ms as heldAtMs
  from postings p
  left join attempts a on a.id = p.attempt_id
  left join postings c on c.seq = p.corrects and c.seq < p.seq
  where p.seq > ? order by p.seq limit ?`;

export function verifyPostings(
  sqlite: Database,
  sums: RecomputedSums,
  differences: Differences,
  stepped: (doneRows: number) => void,
): void {
  const rows = sqlite.prepare<Row, [number, number]>(ROWS);
  walkChain<Row>(
    {
      table: "postings",
      read: (afterSeq, limit) => rows.all(afterSeq, limit),
      link: postingLink,
      check: (row) => {
        for (const what of wrongIn(row)) differences.add("postings", String(row.seq), what);
        if (row.tenantId !== null) sums.addPosting({ ...row, scopes: row }, row);
      },
      stepped: (done) => {
        sums.write();
        stepped(done);
      },
    },
    differences,
  );
}

function* wrongIn(row: Row): Generator<string> {
  const { amountNanoUsd: amount, attemptId, correctedAttemptId, corrects, kind } = row;
  if (row.tenantId === null) yield `names attempt ${attemptId}, which is not there`;
  if (!Number.isSafeInteger(amount) || (amount < 0 && kind !== "correct")) {
    yield `${amount} cannot be posted`;
  }
  if (kind !== "correct" && corrects !== null) yield "corrects another without being a correction";
  if (kind === "correct" && correctedAttemptId !== attemptId) {
    yield `corrects ${corrects}, which is no earlier posting of its attempt`;
  }
}
