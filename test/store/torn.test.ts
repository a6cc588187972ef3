/**
 * What a power cut or a bad disk makes of the files: the log cut or flipped at any byte, pages of the
 * database overwritten. What was committed before the place of damage is there, nothing is there in
 * part, and a loss that no crash can cause freezes the ledger.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openEngine, type Engine } from "../../src/store/engine.ts";
import type { BatchMessage } from "../../src/store/protocol.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import { attemptScopes, holdRecord, NOW_MS, postingRecord } from "./support/records.ts";
import { seededDraw, type Draw } from "./support/tamper.ts";
import { readRows, tempDir } from "./support/temp-store.ts";

const FILES = ["tollgate.db", "tollgate.db-wal", "tollgate.db.mark"] as const;
const PAGE_BYTES = 4_096;
const LOG_HEADER_BYTES = 32;
const FRAME_BYTES = PAGE_BYTES + 24;

function openIn(dir: string): Engine {
  const file = join(dir, "tollgate.db");
  return openEngine({ type: "open", file, recover: true, nowMs: NOW_MS });
}

/** How the ledger stood after one commit, and the byte of the log that it ended at. */
type Commit = { readonly attempts: string[]; readonly postings: string[]; readonly end: number };

/** Commits one batch after another; the last log that was begun holds those that are given back. */
function trade(engine: Engine, file: string, draw: Draw): Commit[] {
  using reader = new Database(file, { readonly: true });
  let commits: Commit[] = [];
  let [attempts, postings]: [string[], string[]] = [[], []];
  let open: string[] = [];
  let frames = 0;
  for (let batch = 0; batch < 60; batch += 1) {
    // Two of them are long enough for the log to be written back and begun anew after them.
    const holds = Array.from({ length: batch === 20 || batch === 40 ? 2_500 : draw(6) }, () =>
      holdRecord({ scopes: attemptScopes({ tokenId: `tok_${draw(9)}`, endUserId: "u" }) }),
    );
    const ended = open.filter(() => draw(3) > 0);
    open = [...open.filter((id) => !ended.includes(id)), ...holds.map((hold) => hold.attemptId)];
    const message: BatchMessage = {
      type: "batch",
      holds,
      postings: ended.map((id) => postingRecord(id, { amountNanoUsd: draw(5_000) })),
      rows: [],
      probe: false,
      calls: [],
    };
    expect(engine.write(message)).toEqual({ type: "committed" });
    attempts = attempts.concat(holds.map((hold) => hold.attemptId));
    postings = postings.concat(ended);
    const [state] = reader.query("pragma wal_checkpoint(noop)").values();
    const inLog = Number(state?.[1]);
    // Fewer than before: the log was begun anew, so what came earlier is in the database.
    if (inLog < frames) commits = commits.slice(-1).map((last) => ({ ...last, end: 0 }));
    frames = inLog;
    commits.push({ attempts, postings, end: LOG_HEADER_BYTES + frames * FRAME_BYTES });
    engine.checkpoint();
  }
  return commits;
}

/** Copies the files as they are now, which is what a crash leaves. */
function image(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to);
  for (const name of FILES) cpSync(join(from, name), join(to, name));
}

function ledgerOf(file: string): { readonly attempts: unknown[]; readonly postings: unknown[] } {
  const attempts = readRows(file, "select id from attempts order by seq").map((row) => row["id"]);
  const posted = "select attempt_id as id from postings where kind <> 'expire' order by seq";
  return { attempts, postings: readRows(file, posted).map((row) => row["id"]) };
}

function isFrozen(engine: Engine): boolean {
  const state = engine.answers().ledgerState();
  return "frozen" in state && state.frozen !== null;
}

test("a log that is cut or flipped at any byte leaves the commits before it, whole, and tells of the rest", () => {
  using dir = tempDir();
  const [live, torn] = [join(dir.path, "live"), join(dir.path, "torn")];
  mkdirSync(live);
  const draw = seededDraw(3);
  const engine = openIn(live);
  const commits = trade(engine, join(live, "tollgate.db"), draw);
  const last = commits.at(-1);
  const log = join(torn, "tollgate.db-wal");
  for (let round = 0; round < 120; round += 1) {
    image(live, torn);
    const bytes = readFileSync(log);
    // The log may be longer than what is in use of it.
    const place = draw(last?.end ?? 0);
    const isCut = round % 2 === 0;
    if (isCut) writeFileSync(log, bytes.subarray(0, place));
    else {
      bytes[place] = (bytes[place] ?? 0) ^ (1 << draw(8));
      writeFileSync(log, bytes);
    }
    const restarted = openIn(torn);
    const frozen = isFrozen(restarted);
    restarted.close();
    const file = join(torn, "tollgate.db");
    const left = ledgerOf(file);
    const known = commits.findIndex(({ attempts, postings }) =>
      Bun.deepEquals({ attempts, postings }, left),
    );
    const certain = commits.findLastIndex(({ end }) => end <= place);
    expect([round, place, known >= certain]).toEqual([round, place, true]);
    expect([round, place, frozen]).toEqual([round, place, commits[known] !== last]);
    expect(verifyLedger(file)).toMatchObject({ open: 0, differenceCount: 0 });
  }
  engine.close();
}, 120_000);

test("a database with damaged pages is refused by name, or its ledger is as it was, or a verification tells", () => {
  using dir = tempDir();
  const [live, torn] = [join(dir.path, "live"), join(dir.path, "torn")];
  mkdirSync(live);
  const draw = seededDraw(5);
  const engine = openIn(live);
  trade(engine, join(live, "tollgate.db"), draw);
  engine.close();
  const whole = readFileSync(join(live, "tollgate.db"));
  const file = join(torn, "tollgate.db");
  const heads = verifyLedger(join(live, "tollgate.db"));
  const left = ledgerOf(join(live, "tollgate.db"));
  const outcomes = { refused: 0, told: 0, unharmed: 0 };
  for (let round = 0; round < 80; round += 1) {
    rmSync(torn, { recursive: true, force: true });
    mkdirSync(torn);
    const bytes = Buffer.from(whole);
    const page = draw(bytes.length / PAGE_BYTES) * PAGE_BYTES;
    const from = page + draw(PAGE_BYTES);
    const length = 1 + draw(page + PAGE_BYTES - from);
    for (let at = from; at < from + length; at += 1) bytes[at] = draw(256);
    writeFileSync(file, bytes);
    try {
      openIn(torn).close();
    } catch (error) {
      expect(error).toMatchObject({ code: "ledger_unavailable" });
      expect(String(error)).toContain(file);
      outcomes.refused += 1;
      continue;
    }
    const isTold = verifyLedger(file, { expectedHeads: heads }).differenceCount > 0;
    if (isTold) outcomes.told += 1;
    else {
      expect(ledgerOf(file)).toEqual(left);
      outcomes.unharmed += 1;
    }
  }
  expect(outcomes.refused).toBeGreaterThan(20);
  expect(outcomes.told).toBeGreaterThan(2);
}, 120_000);
