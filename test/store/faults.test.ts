/**
 * Disks that run full and get room again at any moment, and system calls that fail for good: whatever
 * happens, nothing that was acknowledged is lost, nothing is posted twice, and the ledger verifies.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import type { Store } from "../../src/store/contract.ts";
import { Mark } from "../../src/store/mark.ts";
import { positionOf } from "../../src/store/position.ts";
import { verifyLedger } from "../../src/store/verify.ts";
import type { CallError, FailingCall } from "./support/failing-calls.ts";
import { holdRecord, postingRecord } from "./support/records.ts";
import { seededDraw, type Draw } from "./support/tamper.ts";
import { crashCopy, openIn, readRows, tempDir, until } from "./support/temp-store.ts";
import { mountingRefused, tinyDisk, type TinyDisk } from "./support/tiny-disk.ts";

const FAILING_DISK = fileURLToPath(new URL("./children/failing-disk.ts", import.meta.url));

/** What clients were told: ids of attempts. */
type Told = { readonly held: Set<string>; readonly refused: Set<string> };

/** Twenty times as hasty as life in coming back after trouble. */
const HASTY: Clock = {
  ...systemClock,
  after: (delayMs, callback) => systemClock.after(delayMs / 20, callback),
};

/** What the ledger holds after its recovery: every attempt that was told is there, once, and ended. */
function expectWhole(file: string, { held, refused }: Told, endings: readonly string[]): void {
  const rows = readRows(
    file,
    `select a.id, p.kind, p.amount_nano_usd as amount from attempts a
     left join postings p on p.attempt_id = a.id order by a.seq`,
  );
  const found = new Map(rows.map((row) => [String(row["id"]), row]));
  expect(found.size).toBe(rows.length);
  expect([...held].filter((attemptId) => !found.has(attemptId))).toEqual([]);
  const wrong = rows.filter(({ id, kind, amount }) => {
    if (held.has(String(id))) return !endings.includes(`${String(kind)} ${String(amount)}`);
    // Its hold was refused, but the disk kept it: nothing was sent, and nobody may settle it.
    return !refused.has(String(id)) || kind === "settle" || kind === null;
  });
  expect(wrong).toEqual([]);
  expect(verifyLedger(file)).toMatchObject({ open: 0, differenceCount: 0, frozen: null });
}

/** Nothing that a failed commit added is in the mark. */
function expectMarked(file: string): void {
  using database = new Database(file, { readonly: true });
  expect(new Mark(file).read()).toEqual(positionOf(database));
}

const refusedToMount = mountingRefused();
if (refusedToMount === null) describe("a disk that runs full and gets room again", onTinyDisks);
else {
  test("no disk to fill can be mounted here, for want of permission alone", () => {
    expect(refusedToMount).toMatch(/permission|superuser|not permitted/i);
  });
}

function onTinyDisks(): void {
  test.each([1, 2, 3, 4])(
    "at twelve moments of a day (%i) costs nothing that was acknowledged",
    async (seed) => {
      using disk = tinyDisk();
      const draw = seededDraw(seed);
      const told: Told = { held: new Set(), refused: new Set() };
      let temp = await openIn(disk.path, { clock: HASTY });
      for (let scenario = 0; scenario < 12; scenario += 1) {
        await fullForAWhile(temp.store, disk, draw, told);
        if (draw(3) > 0) continue;
        await temp.store.close();
        temp = await openIn(disk.path, { clock: HASTY });
      }
      await temp.store.close();
      expect(told.refused.size).toBeGreaterThan(12);
      expectWhole(temp.file, told, ["settle 3000"]);
      expectMarked(temp.file);
    },
    60_000,
  );
}

/** Some clients go on while the disk runs full and until it has room again. */
async function fullForAWhile(store: Store, disk: TinyDisk, draw: Draw, told: Told): Promise<void> {
  const orders = new AbortController();
  const refusedBefore = told.refused.size;
  const heldBefore = told.held.size;
  const clients = Array.from({ length: 1 + draw(6) }, () => client(store, told, orders.signal));
  const untilFull = draw(12);
  await until(() => told.held.size >= heldBefore + untilFull);
  disk.fill(draw(2) === 0 ? 0 : draw(64) * 1_024);
  await until(() => told.refused.size > refusedBefore + draw(6));
  // A crash at this moment: what is on the disk by now is all there is.
  if (draw(2) === 0) await crashNow(store, disk, told);
  disk.free();
  await until(() => store.health().ok);
  orders.abort();
  await Promise.all(clients);
  await store.flush();
  expect(store.ledger.queued()).toBe(0);
}

async function client(store: Store, { held, refused }: Told, orders: AbortSignal): Promise<void> {
  while (!orders.aborted) {
    const { attemptId, ...hold } = holdRecord();
    try {
      await store.ledger.hold({ attemptId, ...hold });
      held.add(attemptId);
      store.ledger.post(postingRecord(attemptId));
    } catch {
      // What it is refused for is not the matter here.
      refused.add(attemptId);
      await Bun.sleep(1);
    }
  }
}

/** The told ones are taken first: what is told while the files are copied may be in them or not. */
async function crashNow(store: Store, disk: TinyDisk, told: Told): Promise<void> {
  const held = new Set(told.held);
  using copy = tempDir();
  crashCopy(disk.path, copy.path);
  const refused = new Set([...told.refused, ...told.held].filter((id) => !held.has(id)));
  expect(store.health().ok).toBe(false);
  const restarted = await openIn(copy.path);
  expect(restarted.store.isFrozen()).toBe(false);
  await restarted.store.close();
  expectWhole(restarted.file, { held, refused }, ["settle 3000", "expire 5000"]);
}

type Fault = { readonly calls: readonly FailingCall[]; readonly error: CallError };

const FAULTS: readonly Fault[] = [
  { calls: ["fsync", "fdatasync"], error: "EIO" },
  { calls: ["fsync", "fdatasync"], error: "ENOSPC" },
  { calls: ["pwrite64"], error: "EIO" },
  { calls: ["pwrite64"], error: "ENOSPC" },
  { calls: ["pwrite64"], error: "EROFS" },
  { calls: ["pwrite64", "ftruncate", "fsync", "fdatasync"], error: "EIO" },
];

/** Breaks the disk under a process, kills it once clients were refused for a while, and starts anew. */
async function breakAndRestart(dir: string, fault: Fault, after: number): Promise<string | Told> {
  const child = Bun.spawn([process.execPath, FAILING_DISK, dir], { stdin: "pipe", stdout: "pipe" });
  const told: Told = { held: new Set(), refused: new Set() };
  let refusedSince = 0;
  let text = "";
  let problem: string | null = null;
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const { step, attemptId }: { step: string; attemptId: string } = JSON.parse(line);
      if (step === "held") told.held.add(attemptId);
      if (step === "refused") told.refused.add(attemptId);
      if (step === "cannot be broken") problem = attemptId;
      if (step === "refused") refusedSince += 1;
    }
    if (told.held.size >= after) {
      await child.stdin.write(JSON.stringify(fault));
      await child.stdin.end();
    }
    if (refusedSince > 30 || problem !== null) child.kill("SIGKILL");
  }
  await child.exited;
  return problem ?? told;
}

const refusedToBreak = await (async () => {
  using dir = tempDir();
  const told = await breakAndRestart(dir.path, { calls: ["pwrite64"], error: "EIO" }, 1);
  return typeof told === "string" ? told : null;
})();

if (refusedToBreak === null) {
  describe.each(FAULTS)("a disk on which $calls fail with $error", (fault) => {
    test.each([1, 40])(
      "after %i holds costs nothing that was acknowledged",
      async (after) => {
        using dir = tempDir();
        const told = await breakAndRestart(dir.path, fault, after);
        if (typeof told === "string") throw new Error(told);
        expect(told.held.size).toBeGreaterThanOrEqual(after);
        const restarted = await openIn(dir.path);
        expect(restarted.store.isFrozen()).toBe(false);
        expect(restarted.store.health()).toEqual({ ok: true });
        await restarted.store.close();
        expectWhole(restarted.file, told, ["settle 3000", "expire 5000"]);
      },
      30_000,
    );
  });
} else {
  test("a process may not break its own system calls here", () => {
    expect(refusedToBreak).toContain("no filter can be installed here");
  });
}
