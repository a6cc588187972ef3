/** Starting: one process per directory, the schema in place, and plain words when it cannot be. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import * as schema from "../../drizzle/schema.ts";
import { holdRecord, postingRecord, tenantRow } from "./support/records.ts";
import { openIn, readRows, rejection, tempDir, tempStore } from "./support/temp-store.ts";

const OPEN_AND_WAIT = fileURLToPath(new URL("./children/open-and-wait.ts", import.meta.url));

async function messageOf(opening: Promise<unknown>): Promise<string> {
  const error = await rejection(opening);
  expect(error).toMatchObject({ code: "ledger_unavailable" });
  return error instanceof Error ? error.message : "";
}

describe("the data directory", () => {
  test("is created for its owner alone, and holds nothing but the store's files", async () => {
    using parent = tempDir();
    const dir = join(parent.path, "deep", "data");
    await using temp = await openIn(dir);
    await temp.store.setSetting("a", "b");
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir).filter((name) => !name.startsWith("tollgate."))).toEqual([]);
  });

  test("is refused to a second store of this process and free once the first is closed", async () => {
    await using first = await tempStore();
    expect(await messageOf(openIn(first.dir))).toBe(
      `The data directory ${first.dir} is in use by another Tollgate process; stop it or choose another directory.`,
    );
    await first.store.close();
    const second = await openIn(first.dir);
    await second.store.close();
  });

  test("is refused while another process has it, and free when that process is killed", async () => {
    using dir = tempDir();
    const child = Bun.spawn([process.execPath, OPEN_AND_WAIT, dir.path], {
      stdin: "pipe",
      stdout: "pipe",
    });
    const first = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(first.value)).toBe("opened\n");
    expect(await messageOf(openIn(dir.path))).toContain(`${dir.path} is in use`);
    child.kill("SIGKILL");
    await child.exited;
    const freed = await openIn(dir.path);
    await freed.store.close();
  });

  test("that cannot be written is named", async () => {
    // Not even root may write here, unlike a directory whose permissions say so.
    expect(await messageOf(openIn("/proc/self/tollgate"))).toStartWith(
      "The data directory /proc/self/tollgate cannot be used: ",
    );
  });

  test("that is a file is named", async () => {
    using dir = tempDir();
    const file = join(dir.path, "data");
    writeFileSync(file, "");
    expect(await messageOf(openIn(file))).toStartWith(
      `The data directory ${file} cannot be used: `,
    );
  });
});

describe("the database file", () => {
  test("that is no database is named, and left as it is", async () => {
    using dir = tempDir();
    const file = join(dir.path, "tollgate.db");
    writeFileSync(file, "this is a shopping list, not a database".repeat(200));
    const before = statSync(file).size;
    expect(await messageOf(openIn(dir.path))).toBe(
      `${file}: the file is not an SQLite database; move it away or restore it from a backup (SQLITE_NOTADB)`,
    );
    expect(statSync(file).size).toBe(before);
  });

  test("that is damaged where nobody looks is found out at start", async () => {
    using dir = tempDir();
    const temp = await openIn(dir.path);
    const holds = Array.from({ length: 500 }, () => holdRecord());
    await Promise.all(holds.map((hold) => temp.store.ledger.hold(hold)));
    for (const { attemptId } of holds) temp.store.ledger.post(postingRecord(attemptId));
    await temp.store.close();
    const pages = readRows(
      temp.file,
      "select pageno from dbstat where name = 'attempts_by_request' and pagetype = 'leaf'",
    );
    const handle = openSync(temp.file, "r+");
    const at = (Number(pages[1]?.["pageno"]) - 1) * 4_096;
    writeSync(handle, new Uint8Array(4_096).fill(0xff), 0, 4_096, at);
    closeSync(handle);
    expect(await messageOf(openIn(dir.path))).toStartWith(
      `${temp.file}: the file is damaged; restore it from a backup (`,
    );
  });

  test("that was cut short is named", async () => {
    using dir = tempDir();
    const temp = await openIn(dir.path);
    await temp.store.insert("tenants", tenantRow());
    await temp.store.close();
    truncateSync(temp.file, 3 * 4096);
    expect(await messageOf(openIn(dir.path))).toStartWith(`${temp.file}: the file is damaged`);
  });

  test("of a newer Tollgate is refused before anything is written", async () => {
    using dir = tempDir();
    const temp = await openIn(dir.path);
    await temp.store.close();
    using other = new Database(temp.file);
    other.exec("insert into __drizzle_migrations (hash, created_at) values ('later', 9e15)");
    other.close();
    expect(await messageOf(openIn(dir.path))).toBe(
      `${temp.file}: was written by a newer Tollgate; use that one or a backup from before it`,
    );
  });

  test("is left without a log to replay and without open files when the store is closed", async () => {
    using dir = tempDir();
    const temp = await openIn(dir.path);
    await temp.store.ledger.hold(holdRecord());
    await temp.store.close();
    expect(existsSync(`${temp.file}-wal`)).toBe(false);
    const open = readdirSync("/proc/self/fd").map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        // The one that listed the directory is closed by now.
        return "";
      }
    });
    expect(open.filter((path) => path.includes(dir.path))).toEqual([]);
  });
});

test("the migrations make what the schema says: tables, columns, nullability and indexes", async () => {
  await using temp = await tempStore();
  const tables = Object.values(schema).filter((value) => is(value, SQLiteTable));
  const said = tables.map((table) => ({
    name: getTableName(table),
    columns: Object.values(getTableColumns(table))
      .map((column) => `${column.name} ${column.getSQLType()}${column.notNull ? " not null" : ""}`)
      .sort(),
    indexes: getTableConfig(table)
      .indexes.map((index) => index.config.name)
      .sort(),
  }));
  const made = said.map(({ name }) => ({
    name,
    columns: readRows(temp.file, `pragma table_info(${name})`)
      .map((column) => {
        const isRequired =
          column["notnull"] === 1 || (column["pk"] === 1 && column["type"] === "INTEGER");
        return `${String(column["name"])} ${String(column["type"]).toLowerCase()}${isRequired ? " not null" : ""}`;
      })
      .sort(),
    indexes: readRows(
      temp.file,
      `select name from sqlite_master where type = 'index' and tbl_name = '${name}' and sql is not null`,
    )
      .map((index) => String(index["name"]))
      .sort(),
  }));
  expect(made).toEqual(said);
  expect(said.length).toBeGreaterThan(14);
});
