/**
 * Who owns what providers keep, on disk: an id has one owner or none, a tenant's oldest make room, and
 * what has expired is nobody's.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import type { NewObject, ObjectStep } from "../../src/store/objects-contract.ts";
import { NOW_MS } from "./support/records.ts";
import { openIn, readRows, tempDir, tempStore } from "./support/temp-store.ts";

const DAY_MS = 86_400_000;

function object(more: Partial<NewObject> = {}): NewObject {
  return {
    tenantId: "ten_1",
    id: "resp_1",
    kind: "response",
    tokenId: "tok_1",
    providerId: "prv_1",
    credentialPosition: 1,
    batch: null,
    credentialHash: "hash",
    route: "public",
    model: "upstream",
    detail: null,
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + DAY_MS,
    ...more,
  };
}

const note = (more: Partial<NewObject> = {}): ObjectStep => ({ do: "note", object: object(more) });

describe("an object", () => {
  test("is found by its tenant until it expires, with everything that was noted, and by nobody else", async () => {
    await using temp = await tempStore();
    await temp.store.stepObjects([note(), note({ id: "resp_2", model: null, route: null })]);
    const ids = ["resp_2", "resp_1", "resp_3"];
    const found = await temp.store.findObjects("ten_1", ids, NOW_MS + DAY_MS - 1);
    expect(found.toSorted((one, other) => one.number - other.number)).toEqual([
      { ...object(), number: 1 },
      { ...object({ id: "resp_2", model: null, route: null }), number: 2 },
    ]);
    expect(await temp.store.findObjects("ten_1", ids, NOW_MS + DAY_MS)).toEqual([]);
    expect(await temp.store.findObjects("ten_2", ids, NOW_MS)).toEqual([]);
  });

  test("outlives the process, and is gone when it is forgotten", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    await first.store.stepObjects([note(), note({ id: "resp_2" })]);
    await first.store.stepObjects([{ do: "forget", tenantId: "ten_1", id: "resp_1" }]);
    await first.store.close();
    await using second = await openIn(dir.path);
    const found = await second.store.findObjects("ten_1", ["resp_1", "resp_2"], NOW_MS);
    expect(found.map(({ id }) => id)).toEqual(["resp_2"]);
  });

  test("is the newest where two providers gave its tenant the same id", async () => {
    await using temp = await tempStore();
    await temp.store.stepObjects([note(), note({ providerId: "prv_2" })]);
    const found = await temp.store.findObjects("ten_1", ["resp_1"], NOW_MS);
    expect(found.map(({ providerId }) => providerId)).toEqual(["prv_2"]);
  });

  test("is nobody's once its provider gave its id to a second tenant", async () => {
    await using temp = await tempStore();
    await temp.store.stepObjects([note(), note({ tenantId: "ten_2" })]);
    expect(await temp.store.findObjects("ten_1", ["resp_1"], NOW_MS)).toEqual([]);
    expect(await temp.store.findObjects("ten_2", ["resp_1"], NOW_MS)).toEqual([]);
  });

  test("makes room when its tenant has too many of its kind; other kinds and tenants keep theirs", async () => {
    using dir = tempDir();
    const first = await openIn(dir.path);
    await first.store.stepObjects([
      note(),
      note({ id: "file_1", kind: "file" }),
      note({ id: "resp_9", tenantId: "ten_2" }),
      note({ id: "resp_2" }),
    ]);
    await first.store.close();
    // As if there had been as many as may be since the first one.
    using database = new Database(first.file);
    database.run("update objects set number = ? where id = 'resp_2'", [LIMITS.objectsOfKindMax]);
    const second = await openIn(dir.path);
    await second.store.stepObjects([note({ id: "resp_3" })]);
    await second.store.close();
    expect(readRows(second.file, "select id from objects order by id")).toEqual([
      { id: "file_1" },
      { id: "resp_2" },
      { id: "resp_3" },
      { id: "resp_9" },
    ]);
  });

  test("is deleted in bounded batches once it has expired, oldest first", async () => {
    await using temp = await tempStore();
    await temp.store.stepObjects(
      Array.from({ length: 5 }, (_, place) =>
        note({ id: `resp_${place}`, expiresAtMs: NOW_MS + place }),
      ),
    );
    const deleted = [];
    for (let turn = 0; turn < 3; turn += 1) {
      deleted.push(await temp.store.expireObjects(NOW_MS + 3, 2));
    }
    expect(deleted).toEqual([2, 2, 0]);
    await temp.store.close();
    expect(readRows(temp.file, "select id from objects")).toEqual([{ id: "resp_4" }]);
  });
});

const file = (id: string, purpose: string, more: Partial<NewObject> = {}): ObjectStep =>
  note({ id, kind: "file", detail: JSON.stringify({ id, purpose }), ...more });

describe("a list of objects", () => {
  const query = {
    tenantId: "ten_1",
    kind: "file",
    afterId: null,
    isOldestFirst: false,
    purpose: null,
    rowsMax: 10,
    nowMs: NOW_MS,
  } as const;

  test("holds what its tenant has of the kind and has not expired, in either order, page by page", async () => {
    await using temp = await tempStore();
    const { store } = temp;
    await store.stepObjects([
      file("file-1", "batch"),
      note({ id: "resp_1" }),
      file("file-2", "vision"),
      file("file-of-another", "batch", { tenantId: "ten_2" }),
      file("file-3", "batch", { expiresAtMs: NOW_MS }),
      file("file-4", "batch"),
    ]);
    const ids = async (more: object): Promise<string[]> =>
      (await store.listObjects({ ...query, ...more })).map(({ id }) => id);
    expect(await ids({})).toEqual(["file-4", "file-2", "file-1"]);
    expect(await ids({ isOldestFirst: true })).toEqual(["file-1", "file-2", "file-4"]);
    expect(await ids({ rowsMax: 2 })).toEqual(["file-4", "file-2"]);
    expect(await ids({ afterId: "file-2" })).toEqual(["file-1"]);
    expect(await ids({ afterId: "file-2", isOldestFirst: true })).toEqual(["file-4"]);
    expect(await ids({ purpose: "batch" })).toEqual(["file-4", "file-1"]);
    expect(await ids({ purpose: "batch", rowsMax: 1 })).toEqual(["file-4"]);
    expect(await ids({ kind: "response" })).toEqual(["resp_1"]);
    expect(await ids({ tenantId: "ten_2" })).toEqual(["file-of-another"]);
  });

  test("is empty behind what its tenant does not have, whoever has it", async () => {
    await using temp = await tempStore();
    const others = file("file-2", "batch", { tenantId: "ten_2" });
    await temp.store.stepObjects([file("file-1", "batch"), others, note({ id: "resp_1" })]);
    for (const afterId of ["file-2", "resp_1", "file-3"]) {
      expect(await temp.store.listObjects({ ...query, afterId })).toEqual([]);
    }
  });
});
