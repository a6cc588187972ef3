/** Reads, however many and of whatever is still to be written, do not keep holds waiting. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openDatabase } from "../../src/store/database.ts";
import { names } from "../../src/store/names.ts";
import { tenants } from "../../drizzle/schema.ts";
import { holdRecord, postingRecord, requestRecord, tenantRow } from "./support/records.ts";
import { tempDir, tempStore } from "./support/temp-store.ts";

describe("a hold made while 200 reads and 10,000 request rows wait", () => {
  test("is durable after a few of the reads, and before the rows they wait for", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const events: string[] = [];
    const rows = Array.from({ length: 10_000 }, () => requestRecord());
    for (const row of rows) store.requestLog.record(row);
    const pages = Array.from({ length: 100 }, async () => {
      const page = await store.requestPage({}, { limit: 1, cursor: null });
      events.push("page");
      return page.rows[0]?.id;
    });
    const reads = Array.from({ length: 100 }, async () => {
      await store.get("tenants", "ten_1");
      events.push("read");
    });
    await reads[0];
    events.splice(0);
    await store.ledger.hold(holdRecord());
    const before = events.splice(0);
    expect(before.filter((event) => event === "page")).toEqual([]);
    expect(before.length).toBeLessThan(5);

    await Promise.all(reads);
    const newest = rows.map((row) => row.id).toSorted();
    expect(new Set(await Promise.all(pages))).toEqual(new Set([newest.at(-1)]));
  });

  test("is seen by the reads that were made after it", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    const hold = holdRecord();
    const made = store.ledger.hold(hold);
    store.ledger.post(postingRecord(hold.attemptId));
    const [detail, state] = await Promise.all([
      store.requestDetail(hold.requestId),
      store.ownerState({ type: "tenant", tenantId: "ten_1" }, []),
    ]);
    await made;
    expect(detail?.attempts.map(({ postings }) => postings.length)).toEqual([1]);
    expect(state.openHolds).toEqual([]);
  });
});

describe("names by id", () => {
  test("are those of the rows that exist", async () => {
    await using temp = await tempStore();
    const [acme, other] = [tenantRow(), tenantRow({ name: "Other" })];
    for (const row of [acme, other, tenantRow({ name: "Unasked" })]) {
      await temp.store.insert("tenants", row);
    }
    expect(await temp.store.names("tenants", [other.id, "ten_none", acme.id])).toEqual(
      new Map([
        [acme.id, "Acme"],
        [other.id, "Other"],
      ]),
    );
    expect(await temp.store.names("tokens", [])).toEqual(new Map());
  });

  test("are found in steps of any size", () => {
    using dir = tempDir();
    const { orm, sqlite } = openDatabase(join(dir.path, "tollgate.db"));
    const rows = Array.from({ length: 7 }, (_, place) => tenantRow({ name: `${place}` }));
    orm.insert(tenants).values(rows).run();
    const ids = rows.map((row) => row.id);
    const found = [1, 3, 7, 8].map((stepIds) => {
      const steps = names(orm, "tenants", ids, stepIds);
      let count = 1;
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) count += 1;
      return [count, new Map(step.value)];
    });
    sqlite.close();
    const all = new Map(rows.map((row) => [row.id, row.name]));
    expect(found).toEqual([7, 3, 1, 1].map((count) => [count, all]));
  });
});
