/** `tollgate backup`: a copy beside a running store, private, that overwrites nothing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { backup } from "../../src/cli/commands/backup.ts";
import { openStore } from "../../src/store/open.ts";
import { spend } from "../support/ledger.ts";
import { record } from "./support.ts";

let root = "";
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "tollgate-backup-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("copies what is durable while the store runs, and a store opens the copy, frozen", async () => {
  const dataDir = join(root, "data");
  const store = await openStore({ dataDir, clock: systemClock });
  const scopes = { tenantId: "ten_0", tokenId: "tok_0" };
  await spend(store, { scopes, atMs: systemClock.nowMs(), nanoUsd: 5 });
  mkdirSync(join(root, "restored"));
  const to = join(root, "restored", "tollgate.db");
  const { terminal, out, err } = record();
  expect([await backup({ dataDir }, { to }, terminal), err()]).toEqual([0, ""]);
  expect(out()).toBe(`The database is copied to ${to}.
Keep the encryption key beside it: without encryption.key its credentials cannot be opened.
`);
  expect(statSync(to).mode & 0o777).toBe(0o600);
  const before = await store.ledgerState();
  await spend(store, { scopes, atMs: systemClock.nowMs(), nanoUsd: 5 });
  await store.close();
  const restored = await openStore({ dataDir: join(root, "restored"), clock: systemClock });
  const after = await restored.ledgerState();
  expect({ ...after, frozen: before.frozen }).toEqual(before);
  expect(after.frozen?.detail).toContain("backup");
  await restored.close();
});

test.each([
  ["there is no database", () => join(root, "nowhere"), () => join(root, "copy.db"), "no such"],
  [
    "the copy exists",
    () => join(root, "data"),
    () => join(root, "restored", "tollgate.db"),
    "exists",
  ],
  ["its place does not exist", () => join(root, "data"), () => join(root, "no", "copy.db"), "no"],
])("fails with 1 when %s", async (_what, dataDir, to, says) => {
  const { terminal, out, err } = record();
  expect([await backup({ dataDir: dataDir() }, { to: to() }, terminal), out()]).toEqual([1, ""]);
  expect(err()).toStartWith("error: ");
  expect(err()).toContain(says);
  expect(existsSync(join(root, "copy.db"))).toBe(false);
});
