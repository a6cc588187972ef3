/**
 * `kill -9` of the ledger alone, a thousand times: a process that does nothing but write the real
 * store is killed while it writes, and while it recovers from the kill before. Guaranteed after every
 * one: nothing acknowledged is lost, nothing is there twice or invented, each attempt has at most one
 * posting, all sums are the postings', and the file is whole; once it has opened, nothing earlier is
 * open. A child is a bundle of the same source, because it starts in half the time.
 */
import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../store/children/telling-ledger.ts";
import {
  attemptScopes,
  postingRecord,
  holdRecord,
  projectRow,
  tenantRow,
  tokenRow,
} from "../store/support/records.ts";
import { openIn } from "../store/support/temp-store.ts";
import { REPOSITORY, Stage } from "./harness.ts";
import { breachesIn, readLedger } from "./ledger.ts";
import { LedgerTold } from "./ledger-told.ts";
import { dice, type Dice } from "./load.ts";

const DIRECTORIES = 20;
const KILLS_PER_DIRECTORY = 50;
/** One per core of a small machine. */
const AT_ONCE = 2;
const TEST_MS_MAX = 300_000;

/** When a process dies: so long after it began to open or has opened, or so many lines later. */
type Moment = { readonly after: "opening" | "opened"; readonly ms: number; readonly lines: number };

function momentOf(chance: Dice): Moment {
  const after = chance.whole(5) < 2 ? "opening" : "opened";
  if (after === "opening") return { after, ms: chance.whole(45), lines: 0 };
  return chance.whole(2) === 0
    ? { after, ms: chance.whole(25), lines: 0 }
    : { after, ms: 0, lines: chance.whole(120) };
}

type Scripts = { readonly ledger: string; readonly thread: string };

/** The telling ledger and its writer thread, each as one file, with the migrations where it looks. */
async function bundle(folder: string): Promise<Scripts> {
  const built = await Bun.build({
    entrypoints: [
      join(REPOSITORY, "test/store/children/telling-ledger.ts"),
      join(REPOSITORY, "src/store/thread.ts"),
    ],
    root: REPOSITORY,
    outdir: folder,
    target: "bun",
    format: "cjs",
    minify: true,
    bytecode: true,
  });
  symlinkSync(join(REPOSITORY, "drizzle"), join(folder, "drizzle"));
  const pathOf = (name: string): string => {
    const found = built.outputs.find(({ path }) => path.endsWith(name));
    if (found === undefined) throw new Error(`${name} was not built`);
    return found.path;
  };
  return {
    ledger: pathOf("telling-ledger.js"),
    thread: Bun.pathToFileURL(pathOf("thread.js")).href,
  };
}

/** Creates whose exchanges are made, with a first one for each, so that no sum is nothing. */
async function furnish(dir: string, told: LedgerTold): Promise<Omit<Plan, "seed">> {
  const { store } = await openIn(dir);
  const tenant = tenantRow();
  const project = projectRow(tenant.id);
  const tokens = [tokenRow(tenant.id), tokenRow(tenant.id)] as const;
  await store.insert("tenants", tenant);
  await store.insert("projects", project);
  told.begin();
  for (const { id: tokenId, ...token } of tokens) {
    await store.insert("tokens", { ...token, id: tokenId });
    const scopes = attemptScopes({ tokenId, projectId: project.id, tenantId: tenant.id });
    const hold = holdRecord({ scopes });
    const { attemptId, requestId, heldNanoUsd } = hold;
    const { kind, amountNanoUsd, ...posting } = postingRecord(attemptId);
    told.hear(`asks ${attemptId} ${requestId} ${tokenId} ${heldNanoUsd}`);
    told.hear(`posts ${attemptId} ${kind} ${amountNanoUsd}`);
    await store.ledger.hold(hold);
    store.ledger.post({ kind, amountNanoUsd, ...posting });
  }
  await store.close();
  return { tenantId: tenant.id, projectId: project.id, tokenIds: [tokens[0].id, tokens[1].id] };
}

/** Runs the ledger up to its moment; everything that it managed to tell is in `told`. */
async function tellUntilKilled(
  command: readonly string[],
  moment: Moment,
  told: LedgerTold,
): Promise<void> {
  told.begin();
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "inherit" });
  const decoder = new TextDecoder();
  let text = "";
  let timer: Timer | null = null;
  for await (const bytes of child.stdout) {
    text += decoder.decode(bytes, { stream: true });
    const isReached = text.startsWith(moment.after) || text.includes(`\n${moment.after} `);
    if (!isReached || text.split("\n").length <= moment.lines) continue;
    if (moment.ms === 0) child.kill("SIGKILL");
    else timer ??= setTimeout(() => child.kill("SIGKILL"), moment.ms);
  }
  await child.exited;
  clearTimeout(timer ?? undefined);
  expect(child.signalCode).toBe("SIGKILL");
  // The last line may be cut.
  for (const line of text.split("\n").slice(0, -1)) told.hear(line);
}

type Facts = { kills: number; opening: number; held: number; posted: number; expired: number };

/** Kills the ledger of one directory again and again; what chance decides follows from `seed`. */
async function killAll(dir: string, seed: number, scripts: Scripts, facts: Facts): Promise<void> {
  const chance = dice(seed);
  const told = new LedgerTold();
  const scopes = await furnish(dir, told);
  let openCount = 0;
  for (let kill = 0; kill < KILLS_PER_DIRECTORY; kill += 1) {
    const plan: Plan = { ...scopes, seed: chance.whole(2 ** 32) };
    const { ledger, thread } = scripts;
    const command = [process.execPath, ledger, dir, thread, JSON.stringify(plan)];
    await tellUntilKilled(command, momentOf(chance), told);
    const seen = readLedger(dir);
    const breaches = [...breachesIn(seen), ...told.breachesIn(seen)];
    const expired = told.expired ?? openCount;
    expect({ seed, kill, breaches, expired }).toEqual({
      seed,
      kill,
      breaches: [],
      expired: openCount,
    });
    openCount = seen.openIds.length;
    facts.kills += 1;
    facts.opening += told.expired === null ? 1 : 0;
    facts.expired += told.expired ?? 0;
  }
  const last = await openIn(dir);
  await last.store.close();
  const seen = readLedger(dir);
  expect([breachesIn(seen), seen.openIds]).toEqual([[], []]);
  expect(last.store.recovery.expired).toBe(openCount);
  facts.held += told.heldCount;
  facts.posted += told.postedCount;
}

test(
  "a thousand kills of the ledger lose nothing acknowledged and count nothing twice",
  async () => {
    const seed = Number(process.env["LEDGER_SEED"] ?? Date.now() % 1_000_000);
    console.info(`ledger kills: LEDGER_SEED=${seed}`);
    await using stage = new Stage();
    const scripts = await bundle(stage.path("bundle"));
    const facts: Facts = { kills: 0, opening: 0, held: 0, posted: 0, expired: 0 };
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < DIRECTORIES) {
        const directory = next;
        next += 1;
        // A directory's own seed, given as LEDGER_SEED, makes it the first one.
        await killAll(stage.path(`data-${directory}`), seed + directory, scripts, facts);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    console.info("ledger kills:", JSON.stringify(facts));
    expect(facts.kills).toBe(DIRECTORIES * KILLS_PER_DIRECTORY);
    expect(facts.opening).toBeGreaterThan(facts.kills / 10);
    expect([facts.held > facts.kills * 5, facts.posted > facts.kills * 2]).toEqual([true, true]);
    expect(facts.expired).toBeGreaterThan(facts.kills);
  },
  TEST_MS_MAX,
);
