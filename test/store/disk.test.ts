/** The disk fails in every way a test can make it: holds are refused, nothing taken is lost. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { Store, StoreHealth } from "../../src/store/contract.ts";
import { holdRecord, postingRecord, tenantRow } from "./support/records.ts";
import { openIn, readRows, rejection, tempDir, tempStore, until } from "./support/temp-store.ts";
import { mountingRefused, tinyDisk } from "./support/tiny-disk.ts";

const BUSY_SHOP = fileURLToPath(new URL("./children/busy-shop.ts", import.meta.url));

/** The log may have room of its own for a while, so it takes some holds until one is refused. */
async function holdUntilRefused(store: Store): Promise<{ held: string[]; error: unknown }> {
  const held: string[] = [];
  for (;;) {
    const hold = holdRecord();
    try {
      await store.ledger.hold(hold);
      held.push(hold.attemptId);
    } catch (error) {
      return { held, error };
    }
  }
}

function detailOf(health: StoreHealth): string {
  return health.ok ? "" : health.detail;
}

const refusedToMount = mountingRefused();
if (refusedToMount === null) describe("on a full disk", onAFullDisk);
else {
  // The test below, of writes that fail for another reason, runs everywhere.
  test("no disk to fill can be mounted here, for want of permission alone", () => {
    expect(refusedToMount).toMatch(/permission|superuser|not permitted/i);
  });
}

function onAFullDisk(): void {
  test("holds are refused, running exchanges still settle, and all goes on once there is room", async () => {
    using small = tinyDisk();
    await using temp = await openIn(small.path);
    const { store } = temp;
    const first = holdRecord();
    await store.ledger.hold(first);
    small.fill();

    const { held, error } = await holdUntilRefused(store);
    expect(error).toMatchObject({ code: "ledger_unavailable", retryAfterMs: 1_000 });
    expect(detailOf(store.health())).toStartWith(`${temp.file}: the disk is full`);
    expect(await rejection(store.ledger.hold(holdRecord()))).toMatchObject({
      code: "ledger_unavailable",
    });
    expect(
      await rejection(store.ownerState({ type: "tenant", tenantId: "ten_1" }, [])),
    ).toMatchObject({
      code: "ledger_unavailable",
    });

    for (const attemptId of [first.attemptId, ...held]) {
      store.ledger.post(postingRecord(attemptId));
    }
    await store.flush();
    expect(readRows(temp.file, "select * from open_attempts")).toEqual([]);
    expect(store.health().ok).toBe(false);
    expect(await store.requestDetail(first.requestId)).toMatchObject({
      attempts: [{ postings: [{ kind: "settle" }] }],
    });

    small.free();
    await until(() => store.health().ok);
    const last = holdRecord();
    await store.ledger.hold(last);
    expect(readRows(temp.file, "select id from attempts order by seq")).toEqual(
      [first.attemptId, ...held, last.attemptId].map((attemptId) => ({ id: attemptId })),
    );
    expect(readRows(temp.file, "select attempt_id from postings order by seq")).toEqual(
      [first.attemptId, ...held].map((attempt_id) => ({ attempt_id })),
    );
    expect(temp.log.map(({ event }) => event)).toEqual(["store.trouble", "store.trouble_over"]);
  });

  test("starting says which disk is full", async () => {
    using small = tinyDisk();
    small.fill();
    const error = await rejection(openIn(small.path));
    expect(error).toMatchObject({ code: "ledger_unavailable" });
    expect(String(error)).toContain(`The data directory ${small.path} cannot be used`);
    expect(String(error)).toContain("the disk is full; free some space on it");
  });
}

test("when writes fail and work again, what was acknowledged is there once and what was refused is not", async () => {
  using dir = tempDir();
  // The limit on file sizes makes writes fail like a broken disk, and can be lifted from outside.
  const child = Bun.spawn(
    [
      "bash",
      "-c",
      `trap '' XFSZ; ulimit -S -f 1536; exec "$0" "$@"`,
      process.execPath,
      BUSY_SHOP,
      dir.path,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const lines: { attemptId: string; refusal: string | null; health: StoreHealth }[] = [];
  let state: "works" | "fails" | "works again" = "works";
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    const whole = text.split("\n");
    text = whole.pop() ?? "";
    lines.push(...whole.map((line): (typeof lines)[number] => JSON.parse(line)));
    const last = lines.at(-1);
    if (state === "works" && lines.filter((line) => line.refusal !== null).length >= 60) {
      state = "fails";
      Bun.spawnSync(["prlimit", "--pid", String(child.pid), "--fsize=unlimited"]);
    } else if (state === "fails" && last?.refusal === null && last.health.ok) {
      state = "works again";
      await child.stdin.end();
    }
  }
  expect([state, await child.exited]).toEqual(["works again", 0]);

  const refused = lines.filter((line) => line.refusal !== null);
  expect(new Set(refused.map((line) => line.refusal))).toEqual(new Set(["ledger_unavailable"]));
  expect(detailOf(refused[0]?.health ?? { ok: true })).toContain(
    "tollgate.db: reading or writing failed; check the disk and the kernel log (SQLITE_IOERR",
  );
  await using temp = await openIn(dir.path);
  expect(temp.store.recovery).toEqual({ expired: 0, maybeUnsent: 0 });
  const settled = readRows(
    temp.file,
    "select attempt_id from postings where kind = 'settle' order by seq",
  );
  expect(settled.map((row) => row["attempt_id"])).toEqual(
    lines.filter((line) => line.refusal === null).map((line) => line.attemptId),
  );
  const voided = readRows(temp.file, "select attempt_id from postings where kind <> 'settle'");
  const refusedIds = new Set(refused.map((line) => line.attemptId));
  expect(voided.filter((row) => !refusedIds.has(String(row["attempt_id"])))).toEqual([]);
  expect(readRows(temp.file, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
}, 30_000);

describe("while another program holds a lock on the file", () => {
  test("holds are refused and postings wait; when it is gone all goes on", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const hold = holdRecord();
    await store.ledger.hold(hold);
    using other = new Database(temp.file);
    other.exec("begin immediate");

    const refused = holdRecord();
    store.ledger.post(postingRecord(hold.attemptId));
    expect(await rejection(store.ledger.hold(refused))).toMatchObject({
      code: "ledger_unavailable",
    });
    expect(detailOf(store.health())).toBe(
      `${temp.file}: another program holds a lock on the file; end its transaction or close it (SQLITE_BUSY)`,
    );
    expect(store.ledger.queued()).toBe(1);
    expect(await store.get("tenants", "ten_none")).toBeNull();

    other.exec("rollback");
    await store.flush();
    await until(() => store.health().ok);
    expect(readRows(temp.file, "select id from attempts")).toEqual([{ id: hold.attemptId }]);
    expect(readRows(temp.file, "select attempt_id from postings")).toEqual([
      { attempt_id: hold.attemptId },
    ]);
  });

  test("a configured row is not written, and its writer is told to come back", async () => {
    await using temp = await tempStore();
    const tenant = tenantRow();
    using other = new Database(temp.file);
    other.exec("begin immediate");
    expect(await rejection(temp.store.insert("tenants", tenant))).toMatchObject({
      code: "ledger_unavailable",
      retryAfterMs: 1_000,
    });
    other.exec("rollback");
    expect(await temp.store.insert("tenants", tenant)).toEqual({ ok: true, row: tenant });
  });
});
