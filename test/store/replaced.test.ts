/** A database that is put back under a running server: it refuses to go on, and the next start freezes. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openEngine, type Engine } from "../../src/store/engine.ts";
import type { BatchMessage } from "../../src/store/protocol.ts";
import { holdRecord, NOW_MS } from "./support/records.ts";
import { readRows, rejection, tempDir } from "./support/temp-store.ts";

function open(file: string, recover: boolean): Engine {
  return openEngine({ type: "open", file, recover, nowMs: NOW_MS });
}

function holdIn(engine: Engine): ReturnType<Engine["write"]> {
  const rest = { postings: [], rows: [], probe: false, calls: [] };
  const message: BatchMessage = { type: "batch", holds: [holdRecord()], ...rest };
  return engine.write(message);
}

function moved(file: string): string {
  return `${file}: the file or its log was moved or removed while Tollgate ran; stop it and put them back`;
}

test.each(["", "-wal"])(
  "a hold is never acknowledged into a file that was taken away (tollgate.db%s)",
  (suffix) => {
    using dir = tempDir();
    const file = join(dir.path, "tollgate.db");
    const engine = open(file, true);
    expect(holdIn(engine)).toEqual({ type: "committed" });
    const away = join(dir.path, "away");
    renameSync(`${file}${suffix}`, away);
    expect(holdIn(engine)).toEqual({ type: "failed", detail: moved(file), uncertain: true });
    expect(holdIn(engine)).toMatchObject({ type: "failed", uncertain: false });
    expect(existsSync(file)).toBe(suffix !== "");
    engine.close();
  },
);

test("an older database that is put back under a running server is not gone on with", async () => {
  using dir = tempDir();
  const file = join(dir.path, "tollgate.db");
  const old = join(dir.path, "old.db");
  const engine = open(file, true);
  expect(holdIn(engine)).toEqual({ type: "committed" });
  using reader = new Database(file, { readonly: true });
  reader.prepare("vacuum into ?").run(old);
  reader.close();
  expect(holdIn(engine)).toEqual({ type: "committed" });
  renameSync(old, file);
  for (const log of [`${file}-wal`, `${file}-shm`]) if (existsSync(log)) rmSync(log);

  // The first finds that its file was moved away, the second that another one lies there.
  expect(holdIn(engine)).toEqual({ type: "failed", detail: moved(file), uncertain: true });
  const detail = `${file}: the file was replaced by an older or another one; restart Tollgate to use it`;
  expect(holdIn(engine)).toEqual({ type: "failed", detail, uncertain: false });
  expect(readRows(file, "select seq from attempts")).toEqual([{ seq: 1 }]);
  // Neither does a new thread of the same process.
  const thread = await rejection(Promise.resolve().then(() => open(file, false)));
  expect(thread).toMatchObject({ code: "ledger_unavailable", message: detail });
  engine.close();

  const restarted = open(file, true);
  expect(restarted.answers().ledgerState()).toMatchObject({
    attempts: 1,
    frozen: { detail: expect.stringContaining("2 attempts and 0 postings before the mark") },
  });
  expect(holdIn(restarted)).toEqual({ type: "committed" });
  restarted.close();
});
