/**
 * Verifies the hold side of the ledger: the chain, prices that are there, amounts in range, and one
 * terminal posting per attempt unless the attempt is open.
 */
import type { Database } from "bun:sqlite";
import { attemptLink } from "./chain.ts";
import { walkChain } from "./chain-walk.ts";
import type { Differences } from "./differences.ts";
import type { RecomputedSums } from "./verify-sums.ts";

type Row = {
  readonly seq: number;
  readonly id: string;
  readonly requestId: string;
  readonly number: number;
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly tokenId: string;
  readonly endUserId: string | null;
  readonly routeId: string | null;
  readonly providerId: string;
  readonly model: string;
  /** null when its version is not there. */
  readonly price: string | null;
  readonly heldNanoUsd: number;
  readonly heldAtMs: number;
  readonly commitNumber: number;
  readonly chain: unknown;
  readonly openTenantId: string | null;
  readonly openEndUserId: string | null;
  readonly terminals: number;
};

const ROWS = `select a.seq, a.id, a.request_id as requestId, a.number, a.tenant_id as tenantId,
    a.project_id as projectId, a.token_id as tokenId, a.end_user_id as endUserId,
    a.route_id as routeId, a.provider_id as providerId, a.model, v.price,
    a.held_nano_usd as heldNanoUsd, a.held_at_ms as heldAtMs, a.commit_number as commitNumber,
    a.chain, o.tenant_id as openTenantId, o.end_user_id as openEndUserId,
    (select count(*) from postings p where p.attempt_id = a.id and p.kind <> 'correct') as terminals
  from attempts a
  left join price_versions v on v.seq = a.price_version
  left join open_attempts o on o.attempt_seq = a.seq
  where a.seq > ? order by a.seq limit ?`;

export function verifyAttempts(
  sqlite: Database,
  sums: RecomputedSums,
  differences: Differences,
  stepped: (doneRows: number) => void,
): void {
  const rows = sqlite.prepare<Row, [number, number]>(ROWS);
  walkChain<Row>(
    {
      table: "attempts",
      read: (afterSeq, limit) => rows.all(afterSeq, limit),
      link: (before, row) => attemptLink(before, { ...row, price: row.price ?? "" }),
      check: (row) => {
        for (const what of wrongIn(row)) differences.add("attempts", String(row.seq), what);
        if (row.number === 1) sums.countRequest(row.tokenId, row.heldAtMs);
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
  const { heldNanoUsd: held, openTenantId, openEndUserId, price, tenantId, terminals } = row;
  if (price === null) yield "its price is not there";
  if (!Number.isSafeInteger(held) || held < 0) yield `${held} cannot be held`;
  if (terminals > 1) yield `has ${terminals} terminal postings`;
  if (terminals === 0 && openTenantId === null) {
    yield "has no terminal posting and is not among the open attempts";
  }
  if (terminals > 0 && openTenantId !== null) yield "is posted and among the open attempts";
  if (openTenantId !== null && openTenantId !== tenantId) {
    yield `is open for ${openTenantId}, but ${tenantId} made it`;
  }
  if (openTenantId !== null && openEndUserId !== row.endUserId) {
    yield `is open for the end user ${openEndUserId}, but ${row.endUserId} made it`;
  }
}

/** Open attempts that nobody made; gives how many there are in all. */
export function verifyOpenAttempts(sqlite: Database, differences: Differences): number {
  const unknown = sqlite
    .query<{ seq: number }, []>(
      `select attempt_seq as seq from open_attempts
       where not exists (select 1 from attempts where seq = attempt_seq) order by attempt_seq`,
    )
    .all();
  for (const { seq } of unknown) {
    differences.add("open_attempts", String(seq), "names an attempt that is not there");
  }
  return (
    sqlite.query<{ count: number }, []>("select count(*) as count from open_attempts").get()
      ?.count ?? 0
  );
}
