/**
 * A frozen ledger: found older than what was spent, or restored from a backup. It stays frozen through
 * restarts until an operator accepts it; meanwhile nothing is admitted under a hard budget.
 */
import type { Database } from "bun:sqlite";
import { eq } from "drizzle-orm";
import { settings } from "../../drizzle/schema.ts";
import { formatTime, UTC_DAY_MS } from "../base/clock.ts";
import { formatUsd, NANO_USD_MAX } from "../base/units.ts";
import { FIRST_LINK } from "./chain.ts";
import { isLink } from "./chain-walk.ts";
import type { LedgerState } from "./money-contract.ts";
import type { Connection } from "./database.ts";
import type { Mark } from "./mark.ts";
import { headsOf, positionOf, type Position } from "./position.ts";

type Frozen = NonNullable<LedgerState["frozen"]>;
type WithOrm = Pick<Connection, "orm">;

const FROZEN = "ledger_frozen";
/** Set in a copy that a backup made: when it was made, in milliseconds. */
const BACKUP = "ledger_backup";

const WHAT_TO_DO =
  "Look up at the providers what was spent since, lower the budgets it belongs to, then accept the ledger";

export function frozenState(connection: WithOrm): Frozen | null {
  const frozen = read(connection, FROZEN);
  if (frozen !== null) return JSON.parse(frozen) as Frozen;
  const madeAt = read(connection, BACKUP);
  return madeAt === null ? null : { detail: backupText(madeAt), sinceMs: Number(madeAt) };
}

/** Marks a copy, so that whoever starts from it is told, whatever lies beside it. */
export function markBackup(connection: WithOrm, madeAtMs: number): void {
  write(connection, BACKUP, String(madeAtMs));
}

/** At start: freezes a ledger that lacks what was spent. One that is frozen stays as it is. */
export function freezeIfOlder(connection: Connection, mark: Mark, nowMs: number): void {
  const { sqlite } = connection;
  if (read(connection, FROZEN) !== null) return;
  const madeAt = read(connection, BACKUP);
  const marked = mark.read();
  const missing = marked === null ? null : missingText(sqlite, marked);
  if (madeAt === null && missing === null) return;
  const reasons = [
    ...(madeAt === null ? [] : [backupText(madeAt)]),
    missing ?? paceText(sqlite, nowMs),
    WHAT_TO_DO,
  ];
  const frozen: Frozen = { detail: reasons.join(". "), sinceMs: nowMs };
  sqlite
    .transaction(() => {
      write(connection, FROZEN, JSON.stringify(frozen));
      remove(connection, BACKUP);
    })
    .immediate();
}

/** Whether the ledger lacks what its mark knows of. */
export function isOlder({ sqlite }: Connection, mark: Mark): boolean {
  const marked = mark.read();
  return marked !== null && missingText(sqlite, marked) !== null;
}

/** The ledger is taken as it is, and its mark from here on. */
export function thaw(connection: Connection, mark: Mark): void {
  remove(connection, FROZEN);
  mark.write(positionOf(connection.sqlite));
}

function backupText(madeAt: string): string {
  return `This ledger was restored from a backup of ${formatTime(Number(madeAt))}`;
}

/** What the mark knows of and the ledger does not; null when there is nothing. */
function missingText(sqlite: Database, marked: Position): string | null {
  const heads = headsOf(sqlite);
  const attempts = marked.attempts.seq - heads.attempts.seq;
  const postings = marked.postings.seq - heads.postings.seq;
  if (attempts > 0 || postings > 0) {
    const present = positionOf(sqlite);
    const posted = usd(marked.postedNanoUsd - present.postedNanoUsd);
    return [
      `${endText(present)}, ${Math.max(0, attempts)} attempts and`,
      `${Math.max(0, postings)} postings before the mark beside it, of ${formatTime(marked.lastAtMs)}:`,
      `USD ${posted} that was posted in between is missing, and attempts that held`,
      `USD ${usd(marked.openNanoUsd)} were open at its end`,
    ].join(" ");
  }
  if (hasLink(sqlite, "attempts", marked) && hasLink(sqlite, "postings", marked)) return null;
  return `The ledger has another history than the mark beside it, of ${formatTime(marked.lastAtMs)}`;
}

function endText({ lastAtMs }: Position): string {
  return lastAtMs === 0 ? "The ledger is empty" : `The ledger ends at ${formatTime(lastAtMs)}`;
}

/** How much may be missing, where nothing is left that knows. */
function paceText(sqlite: Database, nowMs: number): string {
  const { lastAtMs } = positionOf(sqlite);
  const busiest = sqlite
    .query<{ day: number | null }, [number]>(
      `select max(posted) as day from (select sum(posted_nano_usd) as posted from spend
       where scope_type = 'global' group by slot_start_ms / ?)`,
    )
    .get(UTC_DAY_MS)?.day;
  if (typeof busiest !== "number") return "It has no spend to tell a pace from";
  const bound = Math.ceil(busiest * (Math.max(0, nowMs - lastAtMs) / UTC_DAY_MS));
  return [
    `Its last entry is of ${formatTime(lastAtMs)}; at the pace of its busiest day up to`,
    `USD ${usd(BigInt(bound))} were spent since`,
  ].join(" ");
}

function hasLink(sqlite: Database, table: "attempts" | "postings", marked: Position): boolean {
  const { seq, link } = marked[table];
  if (seq === 0) return true;
  const row = sqlite
    .query<{ chain: unknown }, [number]>(`select chain from ${table} where seq = ?`)
    .get(seq);
  return isLink(row?.chain ?? FIRST_LINK, link);
}

/** Past what an amount can be, the most that one can be. */
function usd(nanoUsd: bigint): string {
  return formatUsd(Number(nanoUsd > BigInt(NANO_USD_MAX) ? NANO_USD_MAX : nanoUsd));
}

function read({ orm }: WithOrm, name: string): string | null {
  return orm.select().from(settings).where(eq(settings.name, name)).get()?.value ?? null;
}

function write({ orm }: WithOrm, name: string, value: string): void {
  orm
    .insert(settings)
    .values({ name, value })
    .onConflictDoUpdate({ target: settings.name, set: { value } })
    .run();
}

function remove({ orm }: WithOrm, name: string): void {
  orm.delete(settings).where(eq(settings.name, name)).run();
}
