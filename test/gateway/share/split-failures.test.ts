/**
 * Splitting a cost when something goes wrong in the middle: shares that the ledger does not take fall
 * back to the first, and what a crash leaves says at least what the provider bills.
 */
import { afterEach, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayError } from "../../../src/base/error.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { Store } from "../../../src/store/contract.ts";
import { openStore } from "../../../src/store/open.ts";
import { verifyLedger } from "../../../src/store/verify.ts";
import { readLedger } from "../../process/ledger.ts";
import { startTestGateway, type TestGateway } from "../../support/gateway.ts";
import { startScene, type Scene } from "./scene.ts";

const OPTIONS = { body: { temperature: 0 }, script: "tokens=7&prompt_tokens=4&delay_ms=300" };
const COST_NANO_USD = 11 * 1_000;

let tollgate: TestGateway | null = null;
let copy: string | null = null;

afterEach(async () => {
  await tollgate?.stop();
  if (copy !== null) rmSync(copy, { recursive: true, force: true });
});

/** Told after each hold of a share. */
let afterHold: () => void = () => undefined;

/** `holdShare` stands before every hold but the first, which is the attempt's own. */
async function sceneWith(holdShare: (number: number) => Promise<void>): Promise<Scene> {
  let holds = 0;
  const between = (store: Store): Store => ({
    ...store,
    ledger: {
      ...store.ledger,
      hold: async (record) => {
        holds += 1;
        if (holds > 1) await holdShare(holds);
        await store.ledger.hold(record);
        if (holds > 1) afterHold();
      },
    },
  });
  const scene = await startScene(
    { singleFlight: { cost: "split" } },
    await startTestGateway({ between }),
  );
  ({ tollgate } = scene);
  return scene;
}

async function costs(scene: Scene, count: number): Promise<number[]> {
  const replies = await Promise.all(Array.from({ length: count }, () => scene.ask(OPTIONS)));
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  const rows = await Promise.all(replies.map((reply) => scene.rowOf(reply)));
  const all = rows.map(({ request }) => request?.costNanoUsd ?? -1);
  return all.toSorted((one, other) => one - other);
}

test("the first pays for those whose shares the ledger refuses", async () => {
  const scene = await sceneWith(async (number) => {
    if (number % 2 === 0) throw new GatewayError("ledger_unavailable");
  });
  // Shares of four are 2,750 each; of the three that others were to pay the ledger takes one.
  expect(await costs(scene, 4)).toEqual([0, 0, 2_750, COST_NANO_USD - 2_750]);
  await scene.expectRest();
  await scene.tollgate.store.flush();
  const report = verifyLedger(join(scene.tollgate.dataDir, "tollgate.db"));
  expect(report).toMatchObject({ open: 0, differenceCount: 0 });
});

test("a crash between the shares and the first one's posting never says less than was billed", async () => {
  const scene = await sceneWith(() => Promise.resolve());
  const folder = mkdtempSync(join(tmpdir(), "tollgate-split-"));
  copy = folder;
  let isCopied = false;
  afterHold = () => {
    if (isCopied) return;
    isCopied = true;
    for (const name of ["tollgate.db", "tollgate.db-wal", "tollgate.db.mark"]) {
      cpSync(join(scene.tollgate.dataDir, name), join(folder, name));
    }
  };
  expect(await costs(scene, 4)).toEqual([2_750, 2_750, 2_750, 2_750]);
  afterHold = () => undefined;
  // What the disk held in the middle of it, taken up by the next process.
  const next = await openStore({ dataDir: folder, clock: systemClock });
  await next.close();
  const left = readLedger(folder);
  expect(left.openIds).toEqual([]);
  const sum = left.attempts
    .flatMap(({ postings }) => postings)
    .reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0);
  expect(left.attempts.length).toBeGreaterThan(1);
  expect(sum).toBeGreaterThanOrEqual(COST_NANO_USD);
  expect(verifyLedger(join(folder, "tollgate.db"))).toMatchObject({ open: 0, differenceCount: 0 });
  await scene.expectRest();
});
